//! The steps of a deletion, and the rights that they need.

use std::fmt;

use crate::kubernetes::{Kind, Right};

/// What every step needs, asked for before the first.
pub(crate) const RIGHTS: [Right; 16] = [
    Right::to("get", Kind::Cluster),
    Right::to("patch", Kind::Cluster),
    Right::to("delete", Kind::Cluster),
    Right::to("get", Kind::Pooler),
    Right::to("list", Kind::Pooler),
    Right::to("delete", Kind::Pooler),
    Right::to("list", Kind::ConfigMap),
    Right::to("create", Kind::ConfigMap),
    Right::to("patch", Kind::ConfigMap),
    Right::to("list", Kind::Volume),
    Right::to("patch", Kind::Volume),
    // Those that hold no database go like the garbage collector would take them.
    Right::to("delete", Kind::Volume),
    Right::to("get", Kind::Secret),
    Right::to("patch", Kind::Secret),
    Right::to("list", Kind::Pod),
    // Of an earlier deletion, after which the database came back.
    Right::to("delete", Kind::ConfigMap),
];

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Mark,
    DeletePooler,
    Fence,
    Hibernate,
    WriteTombstone,
    Retain,
    Detach,
    MarkDetached,
    MarkPurged,
    DeleteCluster,
    Complete,
}

impl Step {
    /// How `pending` names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::DeletePooler => "delete-pooler",
            Self::Fence => "fence",
            Self::Hibernate => "hibernate",
            Self::WriteTombstone => "write-tombstone",
            Self::Retain | Self::Detach | Self::MarkDetached => "detach",
            Self::MarkPurged => "mark-purged",
            Self::DeleteCluster => "delete-cluster",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Mark => "marking it as being deleted",
            Self::DeletePooler => "removing the pooler",
            Self::Fence => "stopping PostgreSQL",
            Self::Hibernate => "stopping the instances",
            Self::WriteTombstone => "keeping the record",
            Self::Detach => "keeping the volumes and Secrets",
            Self::Retain | Self::MarkDetached | Self::MarkPurged | Self::Complete => {
                "updating the record"
            }
            Self::DeleteCluster => "removing the cluster",
        })
    }
}
