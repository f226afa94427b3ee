//! What the user asks for.

use daap_crds::contract::{annotation, label};
use daap_crds::desired::Desired;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::{View, map_at};
use daap_crds::policy::{Defaults, PoolMode};
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;
use serde_json::Value;

use crate::failure::Failure;

/// What the user asks for; what is not given is left to the policy's defaults.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) name: DatabaseName,
    pub(crate) team: Team,
    pub(crate) purpose: Purpose,
    pub(crate) id: Option<DatabaseId>,
    pub(crate) instances: Option<u32>,
    pub(crate) storage: Option<Size>,
    pub(crate) storage_class: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) pool_mode: Option<PoolMode>,
    pub(crate) pool_instances: Option<u32>,
    pub(crate) change_reason: Option<String>,
}

impl Asked {
    /// What a Cluster that exists was created with, as far as its record says; and its id.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn of(
        cluster: View<'_>,
        name: &DatabaseName,
    ) -> Result<(Self, DatabaseId), Failure> {
        let unreadable = |key: &str, error: String| {
            Failure::new(format!("cluster {}: {key}: {error}", cluster.name()))
                .hint("ask an administrator to repair its labels and annotations")
        };
        let label = |key| cluster.label(key).unwrap_or_default();
        let team = Team::parse(label(label::OWNER_TEAM))
            .map_err(|error| unreadable(label::OWNER_TEAM, error.to_string()))?;
        let id = DatabaseId::parse(label(label::ID))
            .map_err(|error| unreadable(label::ID, error.to_string()))?;
        let purpose = cluster.annotation(annotation::PURPOSE).unwrap_or_default();
        let purpose = Purpose::parse(purpose)
            .map_err(|error| unreadable(annotation::PURPOSE, error.to_string()))?;
        Ok((Self::with_defaults(name.clone(), team, purpose), id))
    }

    /// Nothing but what has no default.
    pub(crate) fn with_defaults(name: DatabaseName, team: Team, purpose: Purpose) -> Self {
        Self {
            name,
            team,
            purpose,
            id: None,
            instances: None,
            storage: None,
            storage_class: None,
            image: None,
            pool_mode: None,
            pool_instances: None,
            change_reason: None,
        }
    }

    /// Everything written out.
    pub(crate) fn desired(&self, namespace: &str, id: DatabaseId) -> Desired {
        let defaults = Defaults::default();
        Desired {
            name: self.name.clone(),
            namespace: namespace.to_owned(),
            team: self.team.clone(),
            purpose: self.purpose.clone(),
            id,
            instances: self.instances.unwrap_or(defaults.instances),
            storage: self.storage.clone().unwrap_or(defaults.storage),
            storage_class: self.storage_class.clone(),
            image: self.image.clone(),
            pool_mode: self.pool_mode.unwrap_or(defaults.pool_mode),
            pool_instances: self.pool_instances.unwrap_or(defaults.pool_instances),
            change_reason: self.change_reason.clone(),
        }
    }

    /// The Cluster. Storage that nobody asked for is left out, so that the webhook puts the
    /// policy's default there.
    pub(crate) fn cluster(&self, namespace: &str, id: DatabaseId) -> Value {
        let mut cluster = self.desired(namespace, id).cluster();
        if self.storage.is_none() {
            map_at(&mut cluster, &["spec", "storage"]).remove("size");
        }
        cluster
    }
}
