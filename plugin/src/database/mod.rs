//! A database as the API server holds it: one Cluster, one Pooler, and what belongs to them.

mod access;
mod connection;
mod description;
mod document;
pub(crate) mod events;
mod explain;
#[cfg(test)]
pub(crate) mod fixtures;
mod listing;
mod many;
mod parts;
mod pod;
mod read;
mod restorable;
mod table;
mod tree;

use daap_crds::contract::{annotation, label};
use daap_crds::object::View;
use daap_crds::state::{Observed, State, Status, derive};
use serde_json::{Value, json};

pub(crate) use access::{Access, decode};
pub(crate) use connection::{Connection, PORT, encode, encode_parameter};
pub(crate) use description::Description;
pub(crate) use document::{API_VERSION, deleted_document, document};
pub(crate) use explain::explain;
pub(crate) use listing::Listing;
pub(crate) use many::list;
pub(crate) use read::{Name, find, find_or_lost, tombstones};
pub(crate) use restorable::Restorable;
pub(crate) use table::{AGE, columns, deleted_table, row, table};
pub(crate) use tree::{Node, deleted_tree, tree};

/// What was read of one database.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    /// The Cluster.
    pub(crate) cluster: Value,
    /// The Pooler.
    pub(crate) pooler: Option<Value>,
    /// The Pooler's Deployment.
    pub(crate) deployment: Option<Value>,
    /// Whether the caller may not see it.
    pub(crate) deployment_hidden: bool,
    /// Whether the app Secret is there.
    pub(crate) app_secret: bool,
    /// Whether the Cluster was removed behind our back: what stands for it is what its Pooler says.
    pub(crate) lost: bool,
}

impl Database {
    /// A database of which only the Pooler is left; none where that is on its way out, too.
    fn lost(pooler: Value) -> Option<Self> {
        let view = View(&pooler);
        let cluster = view.text("/spec/cluster/name")?;
        let is_left = !view.is_being_deleted()
            && view.owner_references().is_empty()
            && view.label(label::NAME).is_some()
            && view.name() == format!("{cluster}-pooler");
        let cluster = is_left.then(|| {
            json!({"metadata": {
                "name": cluster,
                "namespace": view.namespace(),
                "labels": view.labels(),
                "creationTimestamp": view.text("/metadata/creationTimestamp"),
            }})
        })?;
        Some(Self {
            cluster,
            pooler: Some(pooler),
            deployment: None,
            deployment_hidden: false,
            app_secret: false,
            lost: true,
        })
    }

    /// The Cluster, to be read.
    pub(crate) fn view(&self) -> View<'_> {
        View(&self.cluster)
    }

    /// The logical name; that of the Cluster where a label is missing.
    pub(crate) fn name(&self) -> &str {
        self.view().label(label::NAME).unwrap_or(self.view().name())
    }

    /// The owner team.
    pub(crate) fn team(&self) -> &str {
        self.view().label(label::OWNER_TEAM).unwrap_or_default()
    }

    /// When the database was created, which is before its Cluster where it was restored.
    pub(crate) fn created_at(&self) -> Option<&str> {
        self.view()
            .annotation(annotation::CREATED_AT)
            .or_else(|| self.view().text("/metadata/creationTimestamp"))
    }

    /// State and reason, derived from what was read.
    pub(crate) fn status(&self) -> Status {
        if self.lost {
            return Status {
                state: State::Error,
                reason: Some("cluster missing".into()),
            };
        }
        derive(&Observed {
            cluster: &self.cluster,
            pooler: self.pooler.as_ref(),
            deployment: self.deployment.as_ref(),
            deployment_hidden: self.deployment_hidden,
            app_secret: self.app_secret,
        })
    }

    /// How clients reach it; only while it is ready.
    pub(crate) fn connection(&self) -> Option<Connection> {
        (self.status().state == State::Ready).then(|| Connection::of(self.view()))
    }
}
