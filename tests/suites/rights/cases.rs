//! How each row of the table is tried.

use std::path::Path;

use serde_json::{Value, json};

pub(crate) use crate::before::{BROKEN, Before, GONE, SHARED};

/// Stands for the name of the database.
pub(crate) const NAME: &str = "NAME";
/// Stands for a file with a document of the database.
pub(crate) const FILE: &str = "FILE";

/// Stands for a file with a document that changes whatever can be changed.
pub(crate) const CHANGES: &str = "CHANGES";

/// Stands for a folder.
pub(crate) const FOLDER: &str = "FOLDER";

/// A row of the table, and how it is tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The row.
    pub(crate) row: &'static str,
    pub(crate) before: Before,
    pub(crate) words: &'static [&'static str],
    /// Teams that the caller owns.
    pub(crate) teams: &'static [&'static str],
    /// How it ends when it works: `can-i` and `diff` may say no.
    pub(crate) codes: &'static [i32],
    /// Rights of the third column that it uses for certain. Where the row says that it fails without,
    /// it does.
    pub(crate) uses: &'static [&'static str],
    /// Whether its rights are needed in all namespaces.
    pub(crate) everywhere: bool,
}

const NONE: &[&str] = &[];
const PAYMENTS: &[&str] = &["payments"];
const BOTH: &[&str] = &["payments", "billing"];
const DONE: &[i32] = &[0];

const fn reads(row: &'static str, words: &'static [&'static str]) -> Case {
    Case {
        row,
        before: Before::Shared,
        words,
        teams: NONE,
        codes: DONE,
        uses: NONE,
        everywhere: false,
    }
}

const fn writes(row: &'static str, before: Before, words: &'static [&'static str]) -> Case {
    Case {
        row,
        before,
        words,
        teams: PAYMENTS,
        codes: DONE,
        uses: NONE,
        everywhere: false,
    }
}

/// Every row at least once.
pub(crate) const CASES: &[Case] = &[
    reads("get", &["get", SHARED]),
    reads("get --deleted", &["get", GONE, "--deleted"]),
    reads("list", &["list"]),
    reads("list --deleted", &["list", "--deleted"]),
    Case {
        everywhere: true,
        ..reads("list", &["list", "-A"])
    },
    Case {
        everywhere: true,
        ..reads("list --deleted", &["list", "--deleted", "-A"])
    },
    reads("tree", &["tree", SHARED]),
    Case {
        uses: &["list configmaps"],
        ..reads("tree", &["tree", GONE])
    },
    Case {
        uses: &[
            "patch clusters",
            "list deployments",
            "list events",
            "list persistentvolumeclaims",
        ],
        ..reads("explain", &["explain", SHARED])
    },
    Case {
        uses: &["list configmaps"],
        ..reads("explain", &["explain", GONE])
    },
    Case {
        uses: &["get pods/log"],
        ..reads("explain", &["explain", BROKEN])
    },
    reads("describe", &["describe", SHARED]),
    reads("events", &["events", SHARED]),
    // Of which there are none.
    Case {
        uses: &["get clusters"],
        ..reads("events", &["events", SHARED, "--types", "Warning"])
    },
    reads("history", &["history", SHARED]),
    reads("history --verify", &["history", SHARED, "--verify"]),
    reads("diff", &["diff", SHARED]),
    Case {
        codes: &[0, 1],
        ..reads("diff --filename", &["diff", "--filename", FILE])
    },
    reads("can-i", &["can-i", "--list"]),
    Case {
        codes: &[0, 1],
        teams: PAYMENTS,
        ..reads("can-i", &["can-i", "delete", SHARED])
    },
    Case {
        codes: &[0, 1],
        teams: PAYMENTS,
        ..reads("can-i", &["can-i", "purge", GONE])
    },
    reads("connect", &["connect", SHARED, "--", "-c", "select 1"]),
    reads(
        "connect --port-forward",
        &["connect", SHARED, "--port-forward", "--", "-c", "select 1"],
    ),
    reads(
        "proxy",
        &[
            "proxy", SHARED, "--port", "0", "--", "psql", "-c", "select 1",
        ],
    ),
    reads(
        "completion install",
        &["completion", "install", "--dir", FOLDER],
    ),
    reads("completion bash", &["completion", "bash"]),
    reads("completion zsh", &["completion", "zsh"]),
    reads("completion fish", &["completion", "fish"]),
    reads("credentials", &["credentials", SHARED, "--show-password"]),
    Case {
        teams: PAYMENTS,
        ..reads("doctor", &["doctor"])
    },
    reads("version", &["version"]),
    reads("version --client", &["version", "--client"]),
    writes(
        "create",
        Before::Nothing,
        &[
            "create",
            NAME,
            "--owner-team",
            "payments",
            "--purpose",
            "a test",
        ],
    ),
    Case {
        uses: &["patch poolers"],
        ..writes(
            "create",
            Before::Unfinished,
            &[
                "create",
                NAME,
                "--owner-team",
                "payments",
                "--purpose",
                "for a test",
                "--pool-instances",
                "2",
            ],
        )
    },
    writes(
        "credentials rotate",
        Before::Live,
        &["credentials", "rotate", NAME, "--yes"],
    ),
    writes(
        "apply",
        Before::Nothing,
        &["apply", "-f", FILE, "--yes", "--wait"],
    ),
    Case {
        teams: BOTH,
        uses: &[
            "patch poolers",
            "list persistentvolumeclaims",
            "get storageclasses",
        ],
        ..writes(
            "apply",
            Before::Live,
            &["apply", "-f", CHANGES, "--yes", "--wait"],
        )
    },
    writes(
        "update",
        Before::Live,
        &["update", NAME, "--purpose", "another", "--wait"],
    ),
    writes(
        "update --storage",
        Before::Live,
        &["update", NAME, "--storage", "20Gi"],
    ),
    Case {
        teams: BOTH,
        ..writes(
            "update --owner-team",
            Before::Live,
            &["update", NAME, "--owner-team", "billing"],
        )
    },
    writes(
        "rollback",
        Before::Changed,
        &["rollback", NAME, "--to", "1", "--wait"],
    ),
    writes(
        "transfer",
        Before::Live,
        &["transfer", NAME, "--to", "billing"],
    ),
    Case {
        teams: &["billing"],
        ..writes(
            "transfer --accept",
            Before::Offered,
            &["transfer", NAME, "--accept"],
        )
    },
    writes("delete", Before::Live, &["delete", NAME, "--yes"]),
    writes("restore", Before::Deleted, &["restore", NAME]),
    writes("purge", Before::Deleted, &["purge", NAME, "--yes"]),
    Case {
        everywhere: true,
        ..writes(
            "purge",
            Before::Expired,
            &["purge", "--expired", "-A", "--yes"],
        )
    },
    writes("repair", Before::WithoutPooler, &["repair", NAME]),
    Case {
        uses: &["patch poolers"],
        ..writes("repair", Before::Drifted, &["repair", NAME])
    },
    Case {
        uses: &["patch clusters"],
        ..writes("repair", Before::Unfinished, &["repair", NAME])
    },
    Case {
        uses: &[
            "patch clusters",
            "list pods",
            "get persistentvolumeclaims",
            "get secrets",
            "patch secrets",
            "delete configmaps",
        ],
        ..writes(
            "repair",
            Before::Unrestored,
            &["repair", NAME, "--wait=false"],
        )
    },
    writes("repair --all", Before::WithoutPooler, &["repair", "--all"]),
    writes(
        "repair --abort",
        Before::HalfDeleted,
        &["repair", NAME, "--abort"],
    ),
];

/// The words with the name, or a file that is about it, in its place.
pub(crate) fn words(case: &Case, name: &str, folder: &Path) -> Vec<String> {
    let named = |word: &&str| match *word {
        NAME => name.to_owned(),
        FILE if case.before == Before::Shared => file(SHARED, "payments", &json!({}), folder),
        FILE => file(name, "payments", &json!({}), folder),
        CHANGES => {
            let spec = json!({"storage": "20Gi", "poolInstances": 2});
            file(name, "billing", &spec, folder)
        }
        FOLDER => folder.display().to_string(),
        word => word.to_owned(),
    };
    case.words.iter().map(named).collect()
}

fn file(name: &str, team: &str, spec: &Value, folder: &Path) -> String {
    let document = json!({
        "apiVersion": "daap.dev/v1alpha1", "kind": "Database", "metadata": {"name": name},
        "record": {"ownerTeam": team, "purpose": "a test"}, "spec": spec,
    });
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, document.to_string()).unwrap();
    path.display().to_string()
}
