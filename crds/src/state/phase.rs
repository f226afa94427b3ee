/// What CNPG's free text says, as far as it decides a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The operator has not seen the Cluster yet.
    None,
    /// The first instance is being made. Stays so for ever when an image or a volume is missing.
    SettingUp,
    /// Instances exist and are starting.
    Waiting,
    /// All is well, says CNPG.
    Healthy,
    /// Nothing moves until somebody acts.
    Failed,
    /// Anything else: an update, a failover, a phase of a later CNPG.
    Changing,
}

/// Phases that do not pass by themselves, from CNPG 1.30's constants.
const FAILED: [&str; 10] = [
    "Cluster is unrecoverable and needs manual intervention",
    "Cluster cannot proceed to reconciliation due to an unknown plugin being required",
    "Cluster cannot proceed to reconciliation due to an error while interacting with plugins",
    "Cluster cannot execute instance online upgrade due to missing architecture binary",
    "Unable to create required cluster objects",
    "Invalid cluster definition",
    "Cluster has incomplete or invalid image catalog",
    "Cluster contains an architecture not supported by the operator",
    "Not enough disk space",
    "Online upgrade failed",
];

impl Phase {
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            None | Some("") => Self::None,
            Some("Setting up primary") => Self::SettingUp,
            Some("Waiting for the instances to become active") => Self::Waiting,
            Some("Cluster in healthy state") => Self::Healthy,
            Some(text) if FAILED.contains(&text) => Self::Failed,
            Some(_) => Self::Changing,
        }
    }
}
