//! How each row of the table is tried.

use std::path::Path;

use daap_tests::place::Place;
use daap_tests::sandbox::User;
use serde_json::json;

/// Stands for the name of the database.
pub(crate) const NAME: &str = "NAME";
/// The database that is only looked at.
pub(crate) const SHARED: &str = "shown";
/// A deleted one.
pub(crate) const GONE: &str = "gone";

/// Stands for a file with a document of the database.
pub(crate) const FILE: &str = "FILE";

/// Stands for a folder.
pub(crate) const FOLDER: &str = "FOLDER";

/// What is there before the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// [`SHARED`] and [`GONE`], of which nothing changes.
    Shared,
    /// Nothing.
    Nothing,
    /// A database of team payments.
    Live,
    /// One with a second version.
    Changed,
    /// One that was offered to team billing.
    Offered,
    /// One whose Pooler somebody removed.
    WithoutPooler,
    /// One whose data is kept.
    Deleted,
}

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
}

const NONE: &[&str] = &[];
const PAYMENTS: &[&str] = &["payments"];
const DONE: &[i32] = &[0];

const fn reads(row: &'static str, words: &'static [&'static str]) -> Case {
    Case {
        row,
        before: Before::Shared,
        words,
        teams: NONE,
        codes: DONE,
    }
}

const fn writes(row: &'static str, before: Before, words: &'static [&'static str]) -> Case {
    Case {
        row,
        before,
        words,
        teams: PAYMENTS,
        codes: DONE,
    }
}

/// Every row at least once.
pub(crate) const CASES: &[Case] = &[
    reads("get", &["get", SHARED]),
    reads("get --deleted", &["get", GONE, "--deleted"]),
    reads("list", &["list"]),
    reads("list --deleted", &["list", "--deleted"]),
    reads("tree", &["tree", SHARED]),
    reads("explain", &["explain", SHARED]),
    reads("describe", &["describe", SHARED]),
    reads("events", &["events", SHARED]),
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
        teams: &["payments", "billing"],
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
    writes("repair", Before::WithoutPooler, &["repair", NAME]),
];

impl Before {
    /// Makes it so.
    pub(crate) fn make(self, place: &Place<'_>, name: &str) {
        let done = |words: &[&str]| place.done(words);
        match self {
            Self::Shared | Self::Nothing => return,
            _ => place.create(name, &[]),
        };
        match self {
            Self::Shared | Self::Nothing | Self::Live => {}
            Self::Changed => {
                done(&["update", name, "--purpose", "changed", "--wait"]);
            }
            Self::Offered => {
                done(&["transfer", name, "--to", "billing"]);
            }
            Self::Deleted => {
                done(&["delete", name, "--yes"]);
            }
            Self::WithoutPooler => {
                let pooler = format!("daap-{name}-pooler");
                place.kubectl_by(User::PaymentsDev, &["delete", "poolers", &pooler], None);
            }
        }
    }
}

/// The words with the name, or a file that is about it, in its place.
pub(crate) fn words(case: &Case, name: &str, folder: &Path) -> Vec<String> {
    let named = |word: &&str| match *word {
        NAME => name.to_owned(),
        FILE if case.before == Before::Shared => file(SHARED, folder),
        FILE => file(name, folder),
        FOLDER => folder.display().to_string(),
        word => word.to_owned(),
    };
    case.words.iter().map(named).collect()
}

fn file(name: &str, folder: &Path) -> String {
    let document = json!({
        "apiVersion": "daap.dev/v1alpha1", "kind": "Database", "metadata": {"name": name},
        "record": {"ownerTeam": "payments", "purpose": "a test"},
    });
    let path = folder.join(format!("{name}.json"));
    std::fs::write(&path, document.to_string()).unwrap();
    path.display().to_string()
}
