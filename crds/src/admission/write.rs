use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::Resource;
use crate::contract::cnpg::TRUSTED_SECRETS;
use crate::contract::{NAME_PREFIX, PREFIX, label};
use crate::names::instance_volume_cluster;
use crate::object::View;

/// What is being done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A new object.
    Create,
    /// A change of any kind: update, patch, apply.
    Update,
    /// A deletion, also as one of a collection.
    Delete,
}

/// Who writes, as the API server authenticated them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// User name; recorded in stamps and history.
    pub user: String,
    /// Unique id, where the authenticator knows one.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// Whatever else the authenticator said.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// One write, as admission sees it.
#[derive(Clone, Debug)]
pub struct Write {
    /// What is written.
    pub resource: Resource,
    /// What is done to it.
    pub operation: Operation,
    /// Namespace of the request.
    pub namespace: String,
    /// Name in the request: needed for `scale`, whose object is not the parent. Elsewhere names
    /// are taken from the objects: `deletecollection` and `generateName` have none in the request.
    pub request_name: String,
    /// The object as it would be stored; none at DELETE.
    pub object: Option<Value>,
    /// The object as it is stored; none at CREATE.
    pub old: Option<Value>,
    /// Who writes.
    pub caller: Caller,
    /// When the request came.
    pub at: Timestamp,
}

impl Write {
    /// The new object.
    #[must_use]
    pub fn new_view(&self) -> Option<View<'_>> {
        self.object.as_ref().map(View)
    }

    /// The old object.
    #[must_use]
    pub fn old_view(&self) -> Option<View<'_>> {
        self.old.as_ref().map(View)
    }

    /// The old object where there is one, else the new one.
    #[must_use]
    pub fn known_view(&self) -> Option<View<'_>> {
        self.old_view().or_else(|| self.new_view())
    }

    /// Whether the object is, or was, ours: called `daap-…` or with a `daap.dev/` label; of a
    /// dependent, whether it names such a Cluster; of what a database leaves, whether it is marked
    /// so.
    #[must_use]
    pub fn is_governed(&self) -> bool {
        let mut views = [self.new_view(), self.old_view()].into_iter().flatten();
        match self.resource {
            // The parent has to be looked up: see the scale rule.
            Resource::ClusterScale | Resource::PoolerScale => true,
            Resource::Cluster | Resource::Pooler => views.any(is_governed),
            Resource::Database
            | Resource::DatabaseRole
            | Resource::Publication
            | Resource::Subscription
            | Resource::Backup
            | Resource::ScheduledBackup => views.any(|object| governed_cluster(object).is_some()),
            Resource::PersistentVolumeClaim | Resource::Secret => views.any(|object| {
                object.label(label::ID).is_some()
                    || trusted_by(self.resource, object.name()).is_some()
            }),
            Resource::ConfigMap => views.any(is_tombstone),
        }
    }
}

/// Whether an object is called `daap-…`, carries a `daap.dev/` label, or is a Pooler of a Cluster
/// that is called `daap-…`.
#[must_use]
pub(crate) fn is_governed(object: View<'_>) -> bool {
    object.name().starts_with(NAME_PREFIX)
        || object.generate_name().starts_with(NAME_PREFIX)
        || governed_cluster(object).is_some()
        || object
            .labels()
            .is_some_and(|labels| labels.keys().any(|key| key.starts_with(PREFIX)))
}

/// The Cluster that the object works on, where that is called `daap-…`.
#[must_use]
pub(super) fn governed_cluster(object: View<'_>) -> Option<&str> {
    object
        .text("/spec/cluster/name")
        .filter(|cluster| cluster.starts_with(NAME_PREFIX))
}

/// Whether a `ConfigMap` says of itself that it is a tombstone.
#[must_use]
pub(super) fn is_tombstone(object: View<'_>) -> bool {
    object
        .labels()
        .is_some_and(|labels| labels.contains_key(label::DELETED))
}

/// The Cluster, called `daap-…`, that trusts a Secret or takes a volume by its name. CNPG labels some
/// of the Secrets with nothing: the authority that all of a database's clients trust is one.
#[must_use]
pub(super) fn trusted_by(resource: Resource, name: &str) -> Option<&str> {
    let cluster = match resource {
        Resource::PersistentVolumeClaim => instance_volume_cluster(name)?,
        Resource::Secret => {
            let (cluster, suffix) = name.rsplit_once('-')?;
            TRUSTED_SECRETS.contains(&suffix).then_some(cluster)?
        }
        _ => return None,
    };
    cluster.starts_with(NAME_PREFIX).then_some(cluster)
}
