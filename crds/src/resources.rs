//! `CloudNativePG`'s Cluster and Pooler, as far as we model them; everything else is kept as it is.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Fields that we do not model, kept as they are.
pub type Other = BTreeMap<String, Value>;

/// The part of a Cluster's spec that daap reads or writes.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "postgresql.cnpg.io",
    version = "v1",
    kind = "Cluster",
    plural = "clusters",
    namespaced,
    status = "ClusterStatus",
    scale(
        spec_replicas_path = ".spec.instances",
        status_replicas_path = ".status.instances"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct ClusterSpec {
    /// PostgreSQL instances, the primary included.
    #[serde(default = "one")]
    pub instances: i64,
    /// Image of PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_name: Option<String>,
    /// Volume of each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// Labels and annotations of everything that the operator makes for the Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inherited_metadata: Option<InheritedMetadata>,
    /// Names in the server certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Certificates>,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}

fn one() -> i64 {
    1
}

/// Volume of each instance.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Size, as a Kubernetes quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// `StorageClass`; the cluster's default one where none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}

/// Labels and annotations that the operator passes on.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InheritedMetadata {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Names in the server certificate.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Certificates {
    /// Names beside those of the Cluster's own Services.
    #[serde(
        default,
        rename = "serverAltDNSNames",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub server_alt_dns_names: Vec<String>,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}

/// The part of a Cluster's status that daap reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterStatus {
    /// Free text; see section 5 of CNPG's facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Why the phase is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_reason: Option<String>,
    /// Instances that exist; left out when 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<i64>,
    /// Instances that are ready; left out when 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_instances: Option<i64>,
    /// The primary; left out when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_primary: Option<String>,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}

/// The part of a Pooler's spec that daap reads or writes.
#[derive(CustomResource, Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "postgresql.cnpg.io",
    version = "v1",
    kind = "Pooler",
    plural = "poolers",
    namespaced,
    status = "PoolerStatus",
    scale(
        spec_replicas_path = ".spec.instances",
        status_replicas_path = ".status.instances"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct PoolerSpec {
    /// The Cluster that it pools connections to.
    pub cluster: LocalObjectName,
    /// `PgBouncer` instances.
    #[serde(default = "one")]
    pub instances: i64,
    /// Which Service it pools: `rw`, `ro` or `r`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `PgBouncer`'s settings.
    #[serde(default)]
    pub pgbouncer: PgBouncer,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}

/// The name of an object in the same namespace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LocalObjectName {
    /// Its name.
    pub name: String,
}

/// `PgBouncer`'s settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PgBouncer {
    /// `session` or `transaction`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_mode: Option<String>,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}

/// The part of a Pooler's status that daap reads.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolerStatus {
    /// Replicas that exist, ready or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<i64>,
    /// What is not modelled.
    #[serde(flatten)]
    pub other: Other,
}
