//! Names that `CloudNativePG` and Kubernetes use, as the recordings show them, and our own.

/// Our mark on everything that the stand-in makes.
pub(super) const STAND_IN: &str = "sandbox.daap.dev/stand-in";
/// Annotation on a Service: the loopback address that plays its cluster IP.
pub(super) const ADDRESS: &str = "sandbox.daap.dev/address";
/// What the mark says.
pub(super) const STAND_IN_SAYS: &str = "made by the sandbox operator, not by CloudNativePG";
/// Who speaks in events.
pub(super) const REPORTER: &str = "daap-sandbox-operator";
/// The only node.
pub(super) const NODE: &str = "sandbox";
/// Version of the operator that is played.
pub(super) const OPERATOR_VERSION: &str = "1.30.0";
/// Image of a Cluster that names none: the default of that version.
pub(super) const DEFAULT_IMAGE: &str = "ghcr.io/cloudnative-pg/postgresql:18.1-system-trixie";
/// Image of a Pooler that names none: the default of that version.
pub(super) const DEFAULT_POOLER_IMAGE: &str = "ghcr.io/cloudnative-pg/pgbouncer:1.24.1";
/// Port of `PostgreSQL`, of `PgBouncer` and of all their Services.
pub(super) const PORT: u16 = 5432;
/// Role that `PgBouncer` asks for passwords with.
pub(super) const POOLER_ROLE: &str = "cnpg_pooler_pgbouncer";
/// Role that replicas stream with.
pub(super) const REPLICATION_ROLE: &str = "streaming_replica";

/// Labels.
pub(super) mod label {
    pub(in super::super) const CLUSTER: &str = "cnpg.io/cluster";
    pub(in super::super) const INSTANCE: &str = "cnpg.io/instanceName";
    pub(in super::super) const INSTANCE_ROLE: &str = "cnpg.io/instanceRole";
    pub(in super::super) const JOB_ROLE: &str = "cnpg.io/jobRole";
    pub(in super::super) const POD_ROLE: &str = "cnpg.io/podRole";
    pub(in super::super) const POOLER: &str = "cnpg.io/poolerName";
    pub(in super::super) const CLAIM_ROLE: &str = "cnpg.io/pvcRole";
    pub(in super::super) const TEMPLATE_HASH: &str = "pod-template-hash";
}

/// Annotations.
pub(super) mod annotation {
    pub(in super::super) const FENCED: &str = "cnpg.io/fencedInstances";
    pub(in super::super) const HIBERNATION: &str = "cnpg.io/hibernation";
    pub(in super::super) const LOOP: &str = "cnpg.io/reconciliationLoop";
    pub(in super::super) const SERIAL: &str = "cnpg.io/nodeSerial";
    pub(in super::super) const VERSION: &str = "cnpg.io/operatorVersion";
    pub(in super::super) const VOLUME_STATUS: &str = "cnpg.io/pvcStatus";
}

/// Phases of a Cluster.
pub(super) mod phase {
    pub(in super::super) const FAILING_OVER: &str = "Failing over";
    pub(in super::super) const HEALTHY: &str = "Cluster in healthy state";
    pub(in super::super) const NEW_REPLICA: &str = "Creating a new replica";
    pub(in super::super) const SETTING_UP: &str = "Setting up primary";
    pub(in super::super) const UNRECOVERABLE: &str =
        "Cluster is unrecoverable and needs manual intervention";
    pub(in super::super) const WAITING: &str = "Waiting for the instances to become active";
}
