//! The steps of a creation.

use std::fmt;

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    ApplyCluster,
    Resume,
    ApplyPooler,
    AdoptPooler,
    Stamp,
    Finish,
}

impl Step {
    /// How `pending` names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ApplyCluster => "apply-cluster",
            Self::Resume => "resume",
            Self::ApplyPooler | Self::AdoptPooler => "apply-pooler",
            Self::Stamp => "stamp",
            Self::Finish => "finish",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ApplyCluster => "creating the cluster",
            Self::Resume => "resuming the creation",
            Self::ApplyPooler => "creating the pooler",
            Self::AdoptPooler => "updating the pooler",
            Self::Stamp => "writing the history",
            Self::Finish => "finishing the record",
        })
    }
}
