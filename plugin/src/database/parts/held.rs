//! What is held of the parts of databases until their Clusters come.

use daap_crds::object::View;
use daap_crds::trimmed::{Fields, Kept};
use serde_json::{Value, json};

use crate::database::listing::Listing;
use crate::kubernetes::Row;

/// How the names of the Secrets end that clients log in with.
pub(super) const APP: &str = "-app";

/// Of a Pooler: whose it is, and how it pools.
pub(super) const POOLER: Fields = &[
    ("apiVersion", Kept::Nothing),
    ("kind", Kept::Nothing),
    ("metadata", Kept::But(&["managedFields"])),
    (
        "spec",
        Kept::Only(&["cluster", "instances", "pgbouncer", "type"]),
    ),
    ("status", Kept::Nothing),
];

/// Of a Deployment that is followed.
pub(super) const DEPLOYMENT: Fields = &[
    (
        "metadata",
        Kept::Only(&["name", "namespace", "resourceVersion"]),
    ),
    ("spec", Kept::Nothing),
    ("status", Kept::Only(&["availableReplicas"])),
];

/// Namespace and name.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    fn new(namespace: &str, name: &str) -> Self {
        Self([namespace, "/", name].concat())
    }

    pub(super) fn of(object: &Value) -> Self {
        let view = View(object);
        Self::new(view.namespace(), view.name())
    }

    /// What the row of an object says, where the namespace is not asked for.
    pub(super) fn of_row(listing: &Listing, row: &Row<'_>) -> Self {
        Self::new(
            listing.namespace.as_deref().unwrap_or(&row.namespace),
            &row.name,
        )
    }

    pub(super) fn of_pooler(cluster: &Value) -> Self {
        Self::beside(cluster, "-pooler")
    }

    pub(super) fn of_secret(cluster: &Value) -> Self {
        Self::beside(cluster, APP)
    }

    fn beside(cluster: &Value, suffix: &str) -> Self {
        let Self(key) = Self::of(cluster);
        Self(key + suffix)
    }
}

/// What of a Pooler a database is shown by, as it is written: parsed, it takes several times as much.
pub(super) struct Pooler(Box<str>);

impl Pooler {
    pub(super) fn of(pooler: &Value) -> Self {
        Self(pooler.to_string().into())
    }

    pub(super) fn object(self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

/// A Deployment, of which no more is held than what is asked for.
pub(super) enum Deployment {
    /// How many replicas are available.
    Available(Value),
    /// Of one that is followed, the version, too, as it is written.
    Trimmed(String),
}

impl Deployment {
    pub(super) fn trimmed(deployment: &Value) -> Self {
        Self::Trimmed(deployment.to_string())
    }

    /// What of it a database is shown by.
    pub(super) fn object(self) -> Value {
        match self {
            Self::Available(replicas) => json!({"status": {"availableReplicas": replicas}}),
            Self::Trimmed(text) => serde_json::from_str(&text).unwrap_or_default(),
        }
    }
}
