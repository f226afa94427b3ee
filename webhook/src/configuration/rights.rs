//! What the webhook's own account may do.

use daap_crds::contract::cnpg;

use super::{DEPENDENTS, NAME};

/// A rule of one of its roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// API group, empty for the core.
    pub group: &'static str,
    /// Plurals.
    pub resources: &'static [&'static str],
    /// Names that it is held to; all, where none is given.
    pub names: &'static [&'static str],
    /// Verbs.
    pub verbs: &'static [&'static str],
}

const fn right(
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
) -> Right {
    Right {
        group,
        resources,
        names: &[],
        verbs,
    }
}

const fn right_by_name(
    group: &'static str,
    resources: &'static [&'static str],
    names: &'static [&'static str],
    verbs: &'static [&'static str],
) -> Right {
    Right {
        group,
        resources,
        names,
        verbs,
    }
}

/// Look-ups, and who may act for a team; in every namespace, because databases lie in any. Nothing
/// of it writes: a review of access is created, but never stored. Names cannot be listed, since they
/// are those of databases to come.
pub const CLUSTER_RIGHTS: &[Right] = &[
    right(
        "authorization.k8s.io",
        &["subjectaccessreviews"],
        &["create"],
    ),
    right(cnpg::GROUP, &["clusters"], &["get", "list"]),
    right(cnpg::GROUP, &["poolers"], &["get", "list"]),
    // What names a new Cluster already.
    right(cnpg::GROUP, &DEPENDENTS, &["list"]),
    // Tombstones, by label.
    right("", &["configmaps"], &["list"]),
    // What CNPG would adopt under the names of a new Cluster: only metadata is asked for, though
    // RBAC has no verb for that.
    right("", &["persistentvolumeclaims"], &["list"]),
    right("", &["secrets"], &["get"]),
];

/// With certificates of its own, in its own namespace. Creation cannot be held to a name: RBAC does
/// not know the name of what is not there yet.
pub const OWN_NAMESPACE_RIGHTS: &[Right] = &[
    right_by_name("", &["secrets"], &["daap-webhook-ca"], &["get", "update"]),
    right_by_name(
        "coordination.k8s.io",
        &["leases"],
        &["daap-webhook-ca"],
        &["get", "update"],
    ),
    right("", &["secrets"], &["create"]),
    right("coordination.k8s.io", &["leases"], &["create"]),
];

/// With certificates of its own: its authority is written into both configurations.
pub const OWN_CLUSTER_RIGHTS: &[Right] = &[right_by_name(
    "admissionregistration.k8s.io",
    &[
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ],
    &[NAME],
    &["get", "patch"],
)];
