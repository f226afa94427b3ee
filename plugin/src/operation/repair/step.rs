//! The steps of a repair.

use std::fmt;

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Own,
    Wake,
    WriteBack,
    Stamp,
    ApplyPooler,
    WriteBackPooler,
    RemoveTombstone,
    Finish,
}

impl Step {
    /// How `pending` names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Wake => "wake",
            Self::WriteBack => "write-back",
            Self::Stamp => "stamp",
            Self::ApplyPooler | Self::WriteBackPooler => "apply-pooler",
            Self::RemoveTombstone => "remove-tombstone",
            Self::Finish => "finish",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Own => "giving volumes and Secrets back to the cluster",
            Self::Wake => "waking the cluster",
            Self::WriteBack => "writing the cluster back as recorded",
            Self::Stamp => "writing the history",
            Self::ApplyPooler => "creating the pooler",
            Self::WriteBackPooler => "writing the pooler back as recorded",
            Self::RemoveTombstone => "removing the tombstone",
            Self::Finish => "finishing the record",
        })
    }
}
