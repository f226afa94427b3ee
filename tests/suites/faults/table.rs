//! The operations of the matrix: one row each.

use daap_tests::sandbox::User;

/// Stands for the database's name.
pub(crate) const NAME: &str = "NAME";

/// What comes before the operation.
pub(crate) enum Before {
    /// The plugin does something, and it works.
    Done(User, &'static [&'static str]),
}

/// An operation of the matrix.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) before: &'static [Before],
    pub(crate) user: User,
    pub(crate) words: &'static [&'static str],
    /// What the same command says when there is nothing left to do and that is no success.
    pub(crate) again: Option<&'static str>,
}

const CREATE: &[&str] = &[
    "create",
    NAME,
    "--owner-team",
    "payments",
    "--purpose",
    "for a test",
];
const CREATED: Before = Before::Done(User::PaymentsDev, CREATE);
const DELETED: Before = Before::Done(User::PaymentsDev, &["delete", NAME, "--yes"]);
const NOT_FOUND: Option<&str> = Some("not found");

/// Every operation. A new one is one row more.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "create",
        before: &[],
        user: User::PaymentsDev,
        words: CREATE,
        again: Some("exists already"),
    },
    Operation {
        name: "update",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &[
            "update",
            NAME,
            "--purpose",
            "changed",
            "--instances",
            "2",
            "--storage",
            "20Gi",
            "--change-reason",
            "more",
        ],
        again: None,
    },
    Operation {
        name: "update team",
        before: &[CREATED],
        user: User::Admin,
        words: &["update", NAME, "--owner-team", "billing"],
        again: None,
    },
    Operation {
        name: "delete",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes", "--change-reason", "closed"],
        again: NOT_FOUND,
    },
    Operation {
        name: "delete --purge",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes", "--purge"],
        again: NOT_FOUND,
    },
    Operation {
        name: "delete --force",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes", "--force"],
        again: NOT_FOUND,
    },
    Operation {
        name: "purge",
        before: &[CREATED, DELETED],
        user: User::PaymentsDev,
        words: &["purge", NAME, "--yes"],
        again: Some("no deleted database"),
    },
];
