//! What is written: every resource that admission guards, and the names that stand for something.

/// A resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// In URLs.
    pub plural: &'static str,
    /// As `kind` has it.
    pub word: &'static str,
    /// Of the core group; else of CNPG's.
    pub core: bool,
    /// Names that stand for something.
    pub names: &'static [&'static str],
}

/// The id of `orders`, live, of team payments.
pub const ORDERS_ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
/// The id of `archive`, deleted, of team payments.
pub const ARCHIVE_ID: &str = "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de";
/// The id of `ledger`, live, of team billing.
pub const LEDGER_ID: &str = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";

const fn of_cnpg(plural: &'static str, word: &'static str, names: &'static [&'static str]) -> Kind {
    Kind {
        plural,
        word,
        core: false,
        names,
    }
}

const fn of_core(plural: &'static str, word: &'static str, names: &'static [&'static str]) -> Kind {
    Kind {
        plural,
        word,
        core: true,
        names,
    }
}

/// Clusters.
pub const CLUSTERS: Kind = of_cnpg(
    "clusters",
    "Cluster",
    &[
        "daap-orders",
        "daap-orders",
        "daap-archive",
        "daap-ledger",
        "daap-fresh",
        "plain",
    ],
);
/// Poolers.
pub const POOLERS: Kind = of_cnpg(
    "poolers",
    "Pooler",
    &[
        "daap-orders-pooler",
        "daap-orders-pooler",
        "daap-ledger-pooler",
        "orders-ro",
        "plain",
    ],
);
/// Volumes.
pub const VOLUMES: Kind = of_core(
    "persistentvolumeclaims",
    "PersistentVolumeClaim",
    &[
        "daap-orders-1",
        "daap-archive-1",
        "daap-ledger-1",
        "daap-fresh-1",
    ],
);
/// Secrets.
pub const SECRETS: Kind = of_core(
    "secrets",
    "Secret",
    &[
        "daap-orders-app",
        "daap-archive-app",
        "daap-ledger-app",
        "daap-fresh-app",
    ],
);
/// Tombstones, and what is none.
pub const CONFIG_MAPS: Kind = of_core(
    "configmaps",
    "ConfigMap",
    &[
        "daap-archive-1b4e28ba",
        "daap-orders-67e55044",
        "daap-ledger-f81d4fae",
        "plain",
    ],
);
const DEPENDENT_NAMES: &[&str] = &["daap-orders-x", "daap-orders-x", "daap-ledger-x", "other"];
/// What belongs to a Cluster by naming it.
pub const DEPENDENTS: [Kind; 6] = [
    of_cnpg("databases", "Database", DEPENDENT_NAMES),
    of_cnpg("databaseroles", "DatabaseRole", DEPENDENT_NAMES),
    of_cnpg("publications", "Publication", DEPENDENT_NAMES),
    of_cnpg("subscriptions", "Subscription", DEPENDENT_NAMES),
    of_cnpg("backups", "Backup", DEPENDENT_NAMES),
    of_cnpg("scheduledbackups", "ScheduledBackup", DEPENDENT_NAMES),
];

impl Kind {
    /// Every one.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let database = [CLUSTERS, POOLERS, VOLUMES, SECRETS, CONFIG_MAPS];
        database.into_iter().chain(DEPENDENTS).collect()
    }

    /// As `apiVersion` has it.
    #[must_use]
    pub fn api_version(self) -> &'static str {
        if self.core {
            "v1"
        } else {
            "postgresql.cnpg.io/v1"
        }
    }

    /// Path of all of a namespace.
    #[must_use]
    pub fn collection(self, namespace: &str) -> String {
        let root = if self.core {
            "/api/v1"
        } else {
            "/apis/postgresql.cnpg.io/v1"
        };
        format!("{root}/namespaces/{namespace}/{}", self.plural)
    }

    /// Whether it belongs to a Cluster by naming it.
    #[must_use]
    pub fn is_dependent(self) -> bool {
        DEPENDENTS.contains(&self)
    }
}
