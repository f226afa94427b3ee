//! The steps of a restore, and the rights that they need.

use std::fmt;

use crate::kubernetes::{Kind, Right};

/// What every step needs, asked for before the first.
pub(crate) const RIGHTS: [Right; 12] = [
    Right::to("get", Kind::Cluster),
    Right::to("create", Kind::Cluster),
    Right::to("patch", Kind::Cluster),
    Right::to("get", Kind::Pooler),
    Right::to("create", Kind::Pooler),
    Right::to("patch", Kind::Pooler),
    Right::to("list", Kind::ConfigMap),
    Right::to("delete", Kind::ConfigMap),
    Right::to("get", Kind::Volume),
    Right::to("get", Kind::Secret),
    Right::to("patch", Kind::Secret),
    Right::to("list", Kind::Pod),
];

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    ApplyCluster,
    Resume,
    ApplyPooler,
    AdoptPooler,
    Own,
    Stamp,
    RemoveTombstone,
    Finish,
}

impl Step {
    /// How `pending` names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::ApplyCluster => "apply-cluster",
            Self::Resume => "resume",
            Self::ApplyPooler | Self::AdoptPooler => "apply-pooler",
            Self::Own => "own",
            Self::Stamp => "stamp",
            Self::RemoveTombstone => "remove-tombstone",
            Self::Finish => "finish",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ApplyCluster => "bringing the cluster back",
            Self::Resume => "resuming the restore",
            Self::ApplyPooler => "bringing the pooler back",
            Self::AdoptPooler => "taking over the pooler",
            Self::Own => "giving Secrets and backups to the cluster",
            Self::Stamp => "writing the history",
            Self::RemoveTombstone => "removing the tombstone",
            Self::Finish => "finishing the record",
        })
    }
}
