//! What is written: every resource that admission guards, and the names that stand for something.

/// A resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) plural: &'static str,
    /// As `kind` has it.
    pub(crate) word: &'static str,
    /// Of the core group; else of CNPG's.
    pub(crate) core: bool,
    pub(crate) names: &'static [&'static str],
}

pub(crate) const ORDERS_ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";
pub(crate) const ARCHIVE_ID: &str = "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de";
pub(crate) const LEDGER_ID: &str = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";

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

pub(crate) const CLUSTERS: Kind = of_cnpg(
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
pub(crate) const POOLERS: Kind = of_cnpg(
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
pub(crate) const VOLUMES: Kind = of_core(
    "persistentvolumeclaims",
    "PersistentVolumeClaim",
    &[
        "daap-orders-1",
        "daap-archive-1",
        "daap-ledger-1",
        "daap-fresh-1",
    ],
);
pub(crate) const SECRETS: Kind = of_core(
    "secrets",
    "Secret",
    &[
        "daap-orders-app",
        "daap-archive-app",
        "daap-ledger-app",
        "daap-fresh-app",
    ],
);
pub(crate) const CONFIG_MAPS: Kind = of_core(
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
pub(crate) const DEPENDENTS: [Kind; 6] = [
    of_cnpg("databases", "Database", DEPENDENT_NAMES),
    of_cnpg("databaseroles", "DatabaseRole", DEPENDENT_NAMES),
    of_cnpg("publications", "Publication", DEPENDENT_NAMES),
    of_cnpg("subscriptions", "Subscription", DEPENDENT_NAMES),
    of_cnpg("backups", "Backup", DEPENDENT_NAMES),
    of_cnpg("scheduledbackups", "ScheduledBackup", DEPENDENT_NAMES),
];

impl Kind {
    pub(crate) fn all() -> Vec<Self> {
        let database = [CLUSTERS, POOLERS, VOLUMES, SECRETS, CONFIG_MAPS];
        database.into_iter().chain(DEPENDENTS).collect()
    }

    pub(crate) fn api_version(self) -> &'static str {
        if self.core {
            "v1"
        } else {
            "postgresql.cnpg.io/v1"
        }
    }

    pub(crate) fn collection(self, namespace: &str) -> String {
        let root = if self.core {
            "/api/v1"
        } else {
            "/apis/postgresql.cnpg.io/v1"
        };
        format!("{root}/namespaces/{namespace}/{}", self.plural)
    }

    pub(crate) fn is_dependent(self) -> bool {
        DEPENDENTS.contains(&self)
    }
}
