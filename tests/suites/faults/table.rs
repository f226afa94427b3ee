//! The operations of the matrix: one row each.

use daap_tests::place::creation;
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
    /// An operation that comes before: reads that it sends as well are broken there.
    pub(crate) variant_of: Option<&'static str>,
}

pub(crate) const CREATE: &[&str] = &creation(NAME);
pub(crate) const CREATED: Before = Before::Done(User::PaymentsDev, CREATE);
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
        variant_of: None,
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
        variant_of: None,
    },
    Operation {
        name: "update team",
        before: &[CREATED],
        user: User::Admin,
        words: &["update", NAME, "--owner-team", "billing"],
        again: None,
        variant_of: Some("update"),
    },
    Operation {
        name: "delete",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes", "--change-reason", "closed"],
        again: NOT_FOUND,
        variant_of: None,
    },
    Operation {
        name: "delete --purge",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes", "--purge"],
        again: NOT_FOUND,
        variant_of: Some("delete"),
    },
    Operation {
        name: "delete --force",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes", "--force"],
        again: NOT_FOUND,
        variant_of: Some("delete"),
    },
    Operation {
        name: "finish a delete",
        before: &[CREATED, HALF_DELETED],
        user: User::PaymentsDev,
        words: &["delete", NAME, "--yes"],
        again: NOT_FOUND,
        variant_of: Some("delete"),
    },
    Operation {
        name: "purge",
        before: &[CREATED, DELETED],
        user: User::PaymentsDev,
        words: &["purge", NAME, "--yes"],
        again: Some("no deleted database"),
        variant_of: None,
    },
    Operation {
        name: "restore",
        before: &[CREATED, DELETED],
        user: User::PaymentsDev,
        words: &["restore", NAME, "--change-reason", "missed"],
        again: Some("there is nothing to restore"),
        variant_of: None,
    },
    Operation {
        name: "repair",
        before: &[CREATED, Before::PoolerRemoved],
        user: User::PaymentsDev,
        words: &["repair", NAME],
        again: None,
        variant_of: None,
    },
    Operation {
        name: "repair --abort",
        before: &[CREATED, HALF_DELETED],
        user: User::PaymentsDev,
        words: &["repair", NAME, "--abort"],
        again: Some("there is nothing to undo"),
        variant_of: None,
    },
    Operation {
        name: "transfer offer",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: OFFER,
        again: None,
        variant_of: None,
    },
    Operation {
        name: "transfer accept",
        before: &[CREATED, OFFERED],
        user: User::BillingDev,
        words: &["transfer", NAME, "--accept"],
        again: Some("offered to nobody"),
        variant_of: Some("transfer offer"),
    },
    Operation {
        name: "transfer cancel",
        before: &[CREATED, OFFERED],
        user: User::PaymentsDev,
        words: &["transfer", NAME, "--cancel"],
        again: Some("offered to nobody"),
        variant_of: Some("transfer offer"),
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
        variant_of: None,
    },
];
