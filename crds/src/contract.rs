//! Every label, annotation and well-known name that daap reads or writes. Nothing else spells one.

/// What all our keys begin with.
pub const PREFIX: &str = "daap.dev/";

/// What the name of every governed Cluster and Pooler begins with.
pub const NAME_PREFIX: &str = "daap-";

/// Field manager of the plugin's server-side applies and patches.
pub const FIELD_MANAGER: &str = "kubectl-daap";

/// Labels of the record.
pub mod label {
    /// The logical name of the database; also what our selectors use.
    pub const NAME: &str = "daap.dev/name";
    /// The team that owns the database.
    pub const OWNER_TEAM: &str = "daap.dev/owner-team";
    /// The UUID of the database: given once, never changed.
    pub const ID: &str = "daap.dev/id";
    /// `true` on a tombstone, absent elsewhere.
    pub const DELETED: &str = "daap.dev/deleted";
    /// Kubernetes' recommended label; `kubectl-daap` where nobody else set it. Never judged.
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
    /// The value that we give to [`MANAGED_BY`].
    pub const MANAGED_BY_VALUE: &str = "kubectl-daap";
    /// The labels that make up the record, in the order in which they are shown.
    pub const RECORD: [&str; 3] = [NAME, OWNER_TEAM, ID];
}

/// Annotations of the record.
pub mod annotation {
    /// What the database is for: free text, required.
    pub const PURPOSE: &str = "daap.dev/purpose";
    /// Why the last tracked change was made.
    pub const CHANGE_REASON: &str = "daap.dev/change-reason";
    /// When the database was created, RFC 3339 UTC.
    pub const CREATED_AT: &str = "daap.dev/created-at";
    /// Who created it: the user name of the request.
    pub const CREATED_BY: &str = "daap.dev/created-by";
    /// When a tracked field last changed, RFC 3339 UTC.
    pub const UPDATED_AT: &str = "daap.dev/updated-at";
    /// Who made that change.
    pub const UPDATED_BY: &str = "daap.dev/updated-by";
    /// Version of the record: 1, 2, 3 …
    pub const VERSION: &str = "daap.dev/version";
    /// The versions, as [`crate::history::History`] stores them.
    pub const HISTORY: &str = "daap.dev/history";
    /// The team that a transfer waits for.
    pub const OFFERED_TO: &str = "daap.dev/offered-to";
    /// What is unfinished, as [`crate::pending::Pending`] stores it.
    pub const PENDING: &str = "daap.dev/pending";
    /// Stage and contents of a tombstone.
    pub const TOMBSTONE: &str = "daap.dev/tombstone";
    /// What the webhook stamps: users never write these.
    pub const STAMPS: [&str; 6] = [
        CREATED_AT, CREATED_BY, UPDATED_AT, UPDATED_BY, VERSION, HISTORY,
    ];
}

/// What we use of CloudNativePG's own contract.
pub mod cnpg {
    /// API group of Cluster and Pooler.
    pub const GROUP: &str = "postgresql.cnpg.io";
    /// Account of the operator, as its own manifest installs it.
    pub const OPERATOR_ACCOUNT: &str = "system:serviceaccount:cnpg-system:cnpg-manager";
    /// What the keys begin with by which CNPG is steered; `cnpg.io/validation: disabled` is one.
    pub const STEERING: [&str; 2] = ["cnpg.io/", "alpha.cnpg.io/"];
    /// Which Secrets CNPG trusts by their names: `{cluster}-app` and so on.
    pub const TRUSTED_SECRETS: [&str; 6] =
        ["app", "ca", "server", "replication", "superuser", "pooler"];
    /// Label selector of the operator's Deployment, in every way that CNPG is installed.
    pub const OPERATOR: &str = "app.kubernetes.io/name=cloudnative-pg";
    /// Annotation `on`/`off`: stops the pods and keeps the volumes.
    pub const HIBERNATION: &str = "cnpg.io/hibernation";
    /// Annotation: JSON list of instances whose PostgreSQL is stopped; `["*"]` means all.
    pub const FENCED_INSTANCES: &str = "cnpg.io/fencedInstances";
    /// Annotation: a rolling restart of a Cluster.
    pub const RESTARTED_AT: &str = "cnpg.io/restartedAt";
    /// Annotation: PostgreSQL reads its configuration again.
    pub const RELOADED_AT: &str = "cnpg.io/reloadedAt";
    /// Label of pods, volumes and Secrets: the Cluster that they belong to.
    pub const CLUSTER: &str = "cnpg.io/cluster";
    /// Label of pods and volumes: the instance that they belong to.
    pub const INSTANCE_NAME: &str = "cnpg.io/instanceName";
    /// Label of pods: `primary` or `replica`.
    pub const INSTANCE_ROLE: &str = "cnpg.io/instanceRole";
    /// Label of the pods of Jobs, as in `initdb`.
    pub const JOB_ROLE: &str = "cnpg.io/jobRole";
    /// Selects the Secrets that clients log in with, of Clusters and of roles.
    pub const APP_SECRETS: &str = "cnpg.io/userType=app";
    /// Label of the pods of a Pooler.
    pub const POOLER_NAME: &str = "cnpg.io/poolerName";
    /// Annotation of a volume: `initializing`, `ready` or `detached`.
    pub const PVC_STATUS: &str = "cnpg.io/pvcStatus";
    /// The condition type that says how far a hibernation is.
    pub const HIBERNATION_CONDITION: &str = "cnpg.io/hibernation";
}

/// What we use of Kubernetes' own controllers.
pub mod kubernetes {
    /// Finalizer: while it is there, a volume that a pod uses does not go.
    pub const VOLUME_PROTECTION: &str = "kubernetes.io/pvc-protection";
    /// Finalizer: while it is there, a volume is being read into a snapshot. Whoever makes snapshots
    /// sets it, who need not live in `kube-system`.
    pub const SNAPSHOT_PROTECTION: &str = "snapshot.storage.kubernetes.io/pvc-as-source-protection";
    /// What the account of every pod begins with, before its namespace.
    pub const ACCOUNTS: &str = "system:serviceaccount:";
    /// What the accounts begin with of Kubernetes' own controllers, which set and take what protects.
    pub const CONTROLLERS: &str = "system:serviceaccount:kube-system:";
    /// Who they all are where they have no accounts of their own.
    pub const CONTROLLER_MANAGER: &str = "system:kube-controller-manager";
}

/// The virtual resources that ownership is asked about (no server serves them).
pub mod rbac {
    /// API group of both.
    pub const GROUP: &str = "daap.dev";
    /// Resource whose names are teams.
    pub const TEAMS: &str = "teams";
    /// Verb on [`TEAMS`]: act for the team.
    pub const OWN: &str = "own";
    /// Resource that stands for the platform team's policy.
    pub const POLICIES: &str = "policies";
    /// Verb on [`POLICIES`]: be an administrator.
    pub const ADMINISTER: &str = "administer";
}

/// Where the platform team keeps what holds for everybody.
pub mod platform {
    /// Namespace of the webhook and of the policy.
    pub const NAMESPACE: &str = "daap-system";
    /// `ConfigMap` of the policy; whoever is logged in may read it.
    pub const POLICY: &str = "daap-policy";
    /// Key of the policy in it.
    pub const POLICY_KEY: &str = "policy.yaml";
    /// Name of both webhook configurations.
    pub const WEBHOOK: &str = "admission.daap.dev";
    /// The `ValidatingAdmissionPolicies`, and their bindings, that hold while the webhook is away.
    pub const ADMISSION_POLICIES: [&str; 6] = [
        "daap-immutable",
        "daap-managed-only",
        "daap-naming",
        "daap-neighbours",
        "daap-ownership",
        "daap-status",
    ];
}

/// When the current version ends: never. The end of time of a type 2 dimension.
pub const END_OF_TIME: &str = "9999-12-31T00:00:00Z";
