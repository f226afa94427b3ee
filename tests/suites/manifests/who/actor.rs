use daap_tests::ground::{Caller, billing, operator, payments};
use daap_tests::sandbox::User;

/// Who writes: a column of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    /// Owns team payments.
    Owner,
    /// Owns team billing.
    OtherTeam,
    /// Owns no team.
    Outsider,
    /// Administers daap, and owns every team.
    Administrator,
    /// CNPG's operator.
    Operator,
    /// The account of the instances of `daap-orders`.
    Instance,
    GarbageCollector,
    NamespaceController,
}

impl Actor {
    pub(super) const ALL: [Self; 8] = [
        Self::Owner,
        Self::OtherTeam,
        Self::Outsider,
        Self::Administrator,
        Self::Operator,
        Self::Instance,
        Self::GarbageCollector,
        Self::NamespaceController,
    ];

    pub(super) fn caller(self, namespace: &str) -> Caller {
        match self {
            Self::Owner => payments(),
            Self::OtherTeam => billing(),
            Self::Outsider => Caller::user(User::Outsider.name(), None),
            Self::Administrator => Caller {
                user: User::Admin.name().into(),
                groups: User::Admin
                    .groups()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
            Self::Operator => operator(),
            Self::Instance => Caller::account(namespace, "daap-orders"),
            Self::GarbageCollector => Caller::account("kube-system", "generic-garbage-collector"),
            Self::NamespaceController => Caller::account("kube-system", "namespace-controller"),
        }
    }

    /// As the page calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::OtherTeam => "other team",
            Self::Outsider => "outsider",
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Instance => "instance",
            Self::GarbageCollector => "garbage collector",
            Self::NamespaceController => "namespace controller",
        }
    }
}
