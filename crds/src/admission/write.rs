use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::contract::{NAME_PREFIX, PREFIX};
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

/// The resources whose writes are decided here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `clusters.postgresql.cnpg.io`
    Cluster,
    /// `poolers.postgresql.cnpg.io`
    Pooler,
    /// `clusters/scale`: the object is an `autoscaling/v1` Scale.
    ClusterScale,
    /// `poolers/scale`: the object is an `autoscaling/v1` Scale.
    PoolerScale,
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

    /// Whether the object is, or was, ours: called `daap-…` or with a `daap.dev/` label.
    #[must_use]
    pub fn is_governed(&self) -> bool {
        match self.resource {
            // The parent has to be looked up: see the scale rule.
            Resource::ClusterScale | Resource::PoolerScale => true,
            Resource::Cluster | Resource::Pooler => [self.new_view(), self.old_view()]
                .into_iter()
                .flatten()
                .any(is_governed),
        }
    }
}

/// Whether an object is called `daap-…`, carries a `daap.dev/` label, or is a Pooler of a Cluster
/// that is called `daap-…`.
#[must_use]
pub(crate) fn is_governed(object: View<'_>) -> bool {
    object.name().starts_with(NAME_PREFIX)
        || object.generate_name().starts_with(NAME_PREFIX)
        || object
            .text("/spec/cluster/name")
            .is_some_and(|cluster| cluster.starts_with(NAME_PREFIX))
        || object
            .labels()
            .is_some_and(|labels| labels.keys().any(|key| key.starts_with(PREFIX)))
}
