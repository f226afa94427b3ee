//! Who there is in a sandbox.

use std::fmt;

/// Namespace in which the developers work.
pub const NAMESPACE: &str = "apps";

/// Someone with a client certificate for the sandbox's API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum User {
    /// The platform team: cluster-admin, by a binding (so every check of RBAC is a real one).
    Admin,
    /// A developer of the team `payments`.
    PaymentsDev,
    /// A developer of the team `billing`.
    BillingDev,
    /// Has `daap-user` in the namespace like the developers, but belongs to no team.
    Outsider,
    /// The CNPG operator, played by the stand-in.
    Operator,
    /// The webhook.
    Webhook,
    /// The harness itself: `system:masters`, which no authorizer is asked about.
    Harness,
    /// kube-controller-manager; its controllers act as service accounts of their own.
    ControllerManager,
}

impl User {
    /// Everyone.
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::PaymentsDev,
        Self::BillingDev,
        Self::Outsider,
        Self::Operator,
        Self::Webhook,
        Self::Harness,
        Self::ControllerManager,
    ];
    /// Those who have a context in the published kubeconfig; the first is the current one.
    pub const PUBLISHED: [Self; 4] = [
        Self::PaymentsDev,
        Self::BillingDev,
        Self::Outsider,
        Self::Admin,
    ];
    /// Those who hold `daap-user` in the developers' namespaces.
    pub(super) const DEVELOPERS: [Self; 3] = [Self::PaymentsDev, Self::BillingDev, Self::Outsider];
    /// Group that is bound to cluster-admin.
    pub(super) const ADMINISTRATORS: &'static str = "daap:admins";

    /// Name of the context in the kubeconfig.
    #[must_use]
    pub const fn context(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::PaymentsDev => "payments-dev",
            Self::BillingDev => "billing-dev",
            Self::Outsider => "outsider",
            Self::Operator => "operator",
            Self::Webhook => "webhook",
            Self::Harness => "harness",
            Self::ControllerManager => "controller-manager",
        }
    }

    /// User name that the API server sees.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Operator => daap_crds::contract::cnpg::OPERATOR_ACCOUNT,
            Self::Webhook => "system:serviceaccount:daap-system:daap-webhook",
            Self::ControllerManager => "system:kube-controller-manager",
            _ => self.context(),
        }
    }

    /// Groups, besides `system:authenticated`, which the API server adds.
    #[must_use]
    pub const fn groups(self) -> &'static [&'static str] {
        match self {
            Self::Admin => &[Self::ADMINISTRATORS],
            Self::PaymentsDev => &["payments"],
            Self::BillingDev => &["billing"],
            Self::Outsider | Self::ControllerManager => &[],
            Self::Operator => &[
                "system:serviceaccounts",
                "system:serviceaccounts:cnpg-system",
            ],
            Self::Webhook => &[
                "system:serviceaccounts",
                "system:serviceaccounts:daap-system",
            ],
            Self::Harness => &["system:masters"],
        }
    }

    /// The team that this user may act for.
    #[must_use]
    pub const fn team(self) -> Option<&'static str> {
        match self {
            Self::PaymentsDev => Some("payments"),
            Self::BillingDev => Some("billing"),
            _ => None,
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.context())
    }
}
