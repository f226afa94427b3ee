//! A Cluster and its Pooler, for the operations that change both and need nothing else.

use daap_crds::contract::label;
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, set_label};
use futures::future::try_join;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};

/// What is known before each step.
#[derive(Debug)]
pub(crate) struct Pair {
    /// The Cluster.
    pub(crate) cluster: Option<Value>,
    /// The Pooler.
    pub(crate) pooler: Option<Value>,
}

impl Pair {
    /// Reads both.
    ///
    /// # Errors
    /// That of either request.
    pub(crate) async fn read(k8s: &Kubernetes, name: &DatabaseName) -> Result<Self, Failure> {
        let (cluster_name, pooler_name) = (name.cluster(), name.pooler());
        let (cluster, pooler) = try_join(
            k8s.get(Kind::Cluster, &cluster_name),
            k8s.get(Kind::Pooler, &pooler_name),
        )
        .await?;
        Ok(Self { cluster, pooler })
    }

    /// Whether the Pooler still bears another team than its Cluster.
    pub(super) fn is_pooler_behind(&self) -> bool {
        let (cluster, pooler) = (self.cluster.as_ref(), self.pooler.as_ref());
        let team = |object: &Value| View(object).label(label::OWNER_TEAM).map(str::to_owned);
        pooler.is_some_and(|pooler| team(pooler) != cluster.and_then(team))
    }
}

/// A patch that gives the Pooler the team of its Cluster.
pub(super) fn team_of(cluster: View<'_>) -> Value {
    let mut patch = json!({});
    let team = cluster.label(label::OWNER_TEAM).unwrap_or_default();
    set_label(&mut patch, label::OWNER_TEAM, team);
    patch
}
