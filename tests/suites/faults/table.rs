//! The operations of the matrix: one row each.

use daap_tests::sandbox::User;

/// Stands for the database's name.
pub(crate) const NAME: &str = "NAME";

/// What comes before the operation.
pub(crate) enum Before {
    /// The plugin does something, and it works.
    Done(User, &'static [&'static str]),
    /// The plugin is killed when this request of it is done, the first of its kind.
    Killed(User, &'static [&'static str], &'static str),
    /// Somebody removes the Pooler behind our back.
    PoolerRemoved,
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
/// Half of what is kept is detached already.
const HALF_DELETED: Before = Before::Killed(
    User::PaymentsDev,
    &["delete", NAME, "--yes"],
    "PATCH /api/v1/namespaces/{namespace}/persistentvolumeclaims/daap-{name}-1",
);
const OFFER: &[&str] = &["transfer", NAME, "--to", "billing"];
const OFFERED: Before = Before::Done(User::PaymentsDev, OFFER);
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
        name: "finish a delete",
        before: &[CREATED, HALF_DELETED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes"],
        again: NOT_FOUND,
    },
    Operation {
        name: "purge",
        before: &[CREATED, DELETED],
        user: User::PaymentsDev,
        words: &["purge", NAME, "--yes"],
        again: Some("no deleted database"),
    },
    Operation {
        name: "restore",
        before: &[CREATED, DELETED],
        user: User::PaymentsDev,
        words: &["restore", NAME, "--change-reason", "missed"],
        again: Some("there is nothing to restore"),
    },
    Operation {
        name: "repair",
        before: &[CREATED, Before::PoolerRemoved],
        user: User::PaymentsDev,
        words: &["repair", NAME],
        again: None,
    },
    Operation {
        name: "repair --abort",
        before: &[CREATED, HALF_DELETED],
        user: User::PaymentsDev,
        words: &["repair", NAME, "--abort"],
        again: Some("there is nothing to undo"),
    },
    Operation {
        name: "transfer offer",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: OFFER,
        again: None,
    },
    Operation {
        name: "transfer accept",
        before: &[CREATED, OFFERED],
        user: User::BillingDev,
        words: &["transfer", NAME, "--accept"],
        again: Some("offered to nobody"),
    },
    Operation {
        name: "transfer cancel",
        before: &[CREATED, OFFERED],
        user: User::PaymentsDev,
        words: &["transfer", NAME, "--cancel"],
        again: Some("offered to nobody"),
    },
    Operation {
        name: "rollback",
        before: &[
            CREATED,
            Before::Done(
                User::PaymentsDev,
                &["update", NAME, "--purpose", "changed", "--instances", "2"],
            ),
        ],
        user: User::PaymentsDev,
        words: &["rollback", NAME, "--to", "1"],
        again: None,
    },
];
