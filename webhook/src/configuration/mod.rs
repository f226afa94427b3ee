//! The one table of what the API server sends here, who is exempt from it, and what the webhook
//! itself may do: `manifests/` is held to it by a test, both ways.

mod expression;
mod rights;
#[cfg(test)]
mod tests;

use daap_crds::contract::{cnpg, label, platform};

pub use expression::Condition;
pub use rights::{CLUSTER_RIGHTS, OWN_CLUSTER_RIGHTS, OWN_NAMESPACE_RIGHTS, Right};

use Condition::{
    ChangesWhatIsKept, Governed, NamesGoverned, NotGarbageCollector, NotInstanceReleasing,
    NotNamespaceController, NotOperator, NotOperatorKeepingRecord, TrustedByName, Ungoverned,
};

/// Name of both configurations. Configurations run in the order of their names, and ours has to see
/// a Cluster before `cnpg-mutating-webhook-configuration` does.
pub const NAME: &str = platform::WEBHOOK;

/// Accounts that no rule of ours may stop, so that neither a dead webhook nor a strict one wedges
/// what Kubernetes and CNPG do by themselves.
pub mod exempt {
    /// Collects what has lost its owner.
    pub const GARBAGE_COLLECTOR: &str =
        "system:serviceaccount:kube-system:generic-garbage-collector";
    /// Empties namespaces that are deleted.
    pub const NAMESPACE_CONTROLLER: &str = "system:serviceaccount:kube-system:namespace-controller";
    pub use daap_crds::contract::cnpg::OPERATOR_ACCOUNT as OPERATOR;
}

/// What becomes of a write while the webhook does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It is let through.
    Ignore,
}

/// Resources of one group, and what is done to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// API group, empty for the core.
    pub group: &'static str,
    /// Plurals; a subresource is named in full, since a rule on its parent does not cover it.
    pub resources: &'static [&'static str],
    /// `CREATE`, `UPDATE`, `DELETE`.
    pub operations: &'static [&'static str],
}

/// One entry of a webhook configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its name, which stands in the API server's error when it refuses.
    pub name: &'static str,
    /// Where it is served.
    pub path: &'static str,
    /// What is sent here.
    pub rules: &'static [Rule],
    /// Whether a write passes unseen.
    pub failure_policy: FailurePolicy,
    /// The label that the old or the new object has to carry.
    pub selects: Option<&'static str>,
    /// All have to hold.
    pub conditions: &'static [Condition],
}

const DATABASES: [&str; 2] = ["clusters", "poolers"];
/// What belongs to a Cluster by naming it in `spec.cluster.name`.
pub const DEPENDENTS: [&str; 6] = [
    "databases",
    "databaseroles",
    "publications",
    "subscriptions",
    "backups",
    "scheduledbackups",
];
const EVERY: [&str; 3] = ["CREATE", "UPDATE", "DELETE"];
/// Volumes and Secrets. Who writes the status of a volume writes its metadata, too.
const RETAINED: [Rule; 2] = [
    Rule {
        group: "",
        resources: &["persistentvolumeclaims", "secrets"],
        operations: &EVERY,
    },
    Rule {
        group: "",
        resources: &["persistentvolumeclaims/status"],
        operations: &["UPDATE"],
    },
];
const WRITTEN: [&str; 2] = ["CREATE", "UPDATE"];

/// The mutating configuration.
pub const MUTATING: [Webhook; 1] = [Webhook {
    name: "mutate.admission.daap.dev",
    path: "/mutate",
    rules: &[Rule {
        group: cnpg::GROUP,
        resources: &DATABASES,
        operations: &WRITTEN,
    }],
    failure_policy: FailurePolicy::Fail,
    selects: None,
    conditions: &[
        Governed,
        NotOperatorKeepingRecord,
        NotGarbageCollector,
        NotNamespaceController,
    ],
}];

/// The validating configuration.
pub const VALIDATING: [Webhook; 6] = [
    Webhook {
        name: "validate.admission.daap.dev",
        path: "/validate",
        rules: &[
            Rule {
                group: cnpg::GROUP,
                resources: &DATABASES,
                operations: &EVERY,
            },
            Rule {
                group: cnpg::GROUP,
                resources: &["clusters/scale", "poolers/scale"],
                operations: &["UPDATE"],
            },
        ],
        failure_policy: FailurePolicy::Fail,
        selects: None,
        conditions: &[
            Governed,
            NotOperatorKeepingRecord,
            NotGarbageCollector,
            NotNamespaceController,
        ],
    },
    Webhook {
        name: "neighbours.admission.daap.dev",
        path: "/validate",
        rules: &[
            Rule {
                group: cnpg::GROUP,
                resources: &DATABASES,
                operations: &WRITTEN,
            },
            // A Pooler of a database may be called as one likes, and a Scale says nothing of what
            // it scales: only a look-up tells.
            Rule {
                group: cnpg::GROUP,
                resources: &["poolers/scale"],
                operations: &["UPDATE"],
            },
        ],
        failure_policy: FailurePolicy::Ignore,
        selects: None,
        conditions: &[
            Ungoverned,
            NotOperator,
            NotGarbageCollector,
            NotNamespaceController,
        ],
    },
    Webhook {
        name: "dependents.admission.daap.dev",
        path: "/validate",
        rules: &[Rule {
            group: cnpg::GROUP,
            resources: &DEPENDENTS,
            operations: &EVERY,
        }],
        failure_policy: FailurePolicy::Fail,
        selects: None,
        conditions: &[
            NamesGoverned,
            NotInstanceReleasing,
            NotOperator,
            NotGarbageCollector,
            NotNamespaceController,
        ],
    },
    Webhook {
        name: "retained.admission.daap.dev",
        path: "/validate",
        rules: &RETAINED,
        failure_policy: FailurePolicy::Fail,
        selects: Some(label::ID),
        conditions: &[
            ChangesWhatIsKept,
            NotOperator,
            NotGarbageCollector,
            NotNamespaceController,
        ],
    },
    // What carries no label of ours, and what a Cluster trusts or takes by its name all the same.
    Webhook {
        name: "trusted.admission.daap.dev",
        path: "/validate",
        rules: &RETAINED,
        failure_policy: FailurePolicy::Fail,
        selects: None,
        conditions: &[
            TrustedByName,
            ChangesWhatIsKept,
            NotOperator,
            NotGarbageCollector,
            NotNamespaceController,
        ],
    },
    Webhook {
        name: "tombstones.admission.daap.dev",
        path: "/validate",
        rules: &[Rule {
            group: "",
            resources: &["configmaps"],
            operations: &EVERY,
        }],
        failure_policy: FailurePolicy::Fail,
        selects: Some(label::DELETED),
        conditions: &[NotOperator, NotGarbageCollector, NotNamespaceController],
    },
];

/// Whether the API server is asked to send this: whatever else comes is not decided here.
#[must_use]
pub fn expects(group: &str, resource: &str, operation: &str) -> bool {
    MUTATING
        .iter()
        .chain(&VALIDATING)
        .flat_map(|webhook| webhook.rules)
        .any(|rule| {
            rule.group == group
                && rule.resources.contains(&resource)
                && rule.operations.contains(&operation)
        })
}
