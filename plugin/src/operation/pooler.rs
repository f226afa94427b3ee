//! The Pooler of a database: whose one is that lies under its name, and what it is made of.

use daap_crds::contract::label;
use daap_crds::desired::owner_reference;
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at};
use serde_json::{Value, json};

use super::Asked;
use crate::failure::{Class, Failure};

/// Whose a Pooler is that has our name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pooler {
    /// This database's.
    Ours,
    /// This database's, but nothing would collect it.
    Unowned,
    /// An earlier database's, on its way out.
    Leaving,
    /// Somebody else's.
    Foreign,
}

pub(super) fn whose(pooler: View<'_>, cluster: View<'_>) -> Pooler {
    if pooler.is_owned_by(cluster.uid()) {
        return Pooler::Ours;
    }
    if pooler.is_being_deleted() || !pooler.owner_references().is_empty() {
        return Pooler::Leaving;
    }
    if pooler.label(label::ID) == cluster.label(label::ID) {
        return Pooler::Unowned;
    }
    Pooler::Foreign
}

pub(super) fn foreign(pooler: View<'_>) -> Failure {
    Failure::new(format!(
        "pooler {} exists and belongs to no database of this name",
        pooler.name()
    ))
    .class(Class::Hard)
    .hint(format!(
        "remove it if nobody needs it: kubectl delete poolers.postgresql.cnpg.io {} -n {}",
        pooler.name(),
        pooler.namespace()
    ))
}

/// The patch that gives a Pooler to the Cluster.
pub(super) fn owned(cluster: View<'_>) -> Value {
    let mut patch = json!({});
    let owner = owner_reference(cluster.name(), cluster.uid());
    map_at(&mut patch, &["metadata"]).insert("ownerReferences".into(), json!([owner]));
    patch
}

/// A Pooler with the defaults, for a Cluster that has lost its own.
///
/// # Errors
/// The Cluster's record cannot be read.
pub(super) fn with_defaults(cluster: View<'_>, name: &DatabaseName) -> Result<Value, Failure> {
    let (asked, id) = Asked::of(cluster, name)?;
    Ok(asked.desired(cluster.namespace(), id).pooler(cluster.uid()))
}
