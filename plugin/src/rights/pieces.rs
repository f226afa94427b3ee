//! What several rows of the table have in common: single rights, and what becomes of a command
//! without one.

use super::Optional;
use crate::kubernetes::{Kind, Right, Scope};

pub(super) const fn without(right: Right, otherwise: &'static str) -> Optional {
    Optional { right, otherwise }
}

pub(super) const GET_CLUSTER: Right = Right::to("get", Kind::Cluster);
pub(super) const GET_POOLER: Right = Right::to("get", Kind::Pooler);
pub(super) const PATCH_CLUSTER: Right = Right::to("patch", Kind::Cluster);
pub(super) const PATCH_POOLER: Right = Right::to("patch", Kind::Pooler);
pub(super) const LIST_TOMBSTONES: Right = Right::to("list", Kind::ConfigMap);
pub(super) const GET_SECRET: Right = Right::to("get", Kind::Secret);

/// Of a database that is read to be shown, or waited for.
pub(super) const DEPLOYMENT: Optional = without(
    Right::to("get", Kind::Deployment),
    "whether the pooler is available is not known",
);
pub(super) const APP_SECRET: Optional = without(
    GET_SECRET,
    "whether the app Secret is there is taken from what the operator says",
);
pub(super) const POLICY: Optional = without(
    Right::to("get", Kind::ConfigMap).at(Scope::System),
    "the policy's defaults are taken for the policy",
);
pub(super) const CLASS: Optional = without(
    Right::to("get", Kind::StorageClass),
    "whether volumes can grow, or outlive their claims, is not known",
);
pub(super) const WEBHOOK: Optional = without(
    Right::to("get", Kind::ValidatingWebhook),
    "whether the webhook is installed is not known",
);
pub(super) const FORWARDED: &str =
    "it fails where the pooler is reached through the API server only";
pub(super) const LIST_EVENTS: Right = Right::to("list", Kind::Event);
pub(super) const SECRETS: Optional = without(GET_SECRET, "the Secrets are not shown");
pub(super) const PODS: Optional = without(Right::to("list", Kind::Pod), "the pods are not shown");
pub(super) const VOLUMES: Optional =
    without(Right::to("list", Kind::Volume), "the volumes are not shown");
pub(super) const SERVICES: Optional = without(
    Right::to("list", Kind::Service),
    "the services are not shown",
);
pub(super) const POOLER_SERVICE: Optional = without(
    Right::to("get", Kind::Service),
    "the service of the pooler is not shown",
);
pub(super) const UNKNOWN_NAME: &str =
    "where there are no events, whether there is such a database is not known";
pub(super) const EVENTS: Optional = without(LIST_EVENTS, "no events are shown");
/// Of a database that is not there.
pub(super) const SHOWN_DELETED: Optional =
    without(LIST_TOMBSTONES, "it fails where the database is deleted");
pub(super) const PERSISTENT_VOLUME: Optional = without(
    Right::to("get", Kind::PersistentVolume),
    "whether volumes outlive their claims is taken from their class",
);
/// Of a deletion: what hangs on the Cluster, and what it owns.
pub(super) const DELETED_WITH: &[Optional] = &[
    DEPLOYMENT,
    POLICY,
    PERSISTENT_VOLUME,
    CLASS,
    without(Right::to("list", Kind::Database), UNSEEN_DEPENDENTS),
    without(Right::to("list", Kind::DatabaseRole), UNSEEN_DEPENDENTS),
    without(Right::to("list", Kind::Publication), UNSEEN_DEPENDENTS),
    without(Right::to("list", Kind::Subscription), UNSEEN_DEPENDENTS),
    without(Right::to("list", Kind::ScheduledBackup), UNSEEN_DEPENDENTS),
    without(
        Right::to("list", Kind::Backup),
        "Backups that the Cluster owns go with it",
    ),
    without(
        Right::to("patch", Kind::Backup),
        "it fails where the Cluster owns a Backup",
    ),
    without(
        Right::to("list", Kind::VolumeSnapshot),
        "VolumeSnapshots that the Cluster owns go with it",
    ),
    without(
        Right::to("patch", Kind::VolumeSnapshot),
        "it fails where the Cluster owns a VolumeSnapshot",
    ),
];
/// Of a Pooler that an earlier attempt made.
pub(super) const RESUMED_POOLER: Optional = without(
    PATCH_POOLER,
    "it fails where the pooler of an unfinished creation is otherwise than asked",
);
/// Of a change by a file.
pub(super) const APPLIED_POOLER: Optional = without(
    PATCH_POOLER,
    "it fails where the owner team changes, or the pool",
);
pub(super) const APPLIED_STORAGE: Optional = without(
    Right::to("list", Kind::Volume),
    "it fails where storage grows",
);
/// Of a repair: what has drifted, and what a restore left.
pub(super) const DRIFTED_CLUSTER: Optional = without(
    PATCH_CLUSTER,
    "it fails where the Cluster has drifted, or is marked as unfinished",
);
pub(super) const DRIFTED_POOLER: Optional =
    without(PATCH_POOLER, "it fails where the Pooler has drifted");
const UNFINISHED_RESTORE: &str = "it fails where a restore is not finished";
pub(super) const RESTORED_PODS: Optional =
    without(Right::to("list", Kind::Pod), UNFINISHED_RESTORE);
pub(super) const RESTORED_VOLUMES: Optional =
    without(Right::to("get", Kind::Volume), UNFINISHED_RESTORE);
pub(super) const RESTORED_SECRETS: Optional = without(GET_SECRET, UNFINISHED_RESTORE);
pub(super) const RESTORED_SECRETS_OWNED: Optional =
    without(Right::to("patch", Kind::Secret), UNFINISHED_RESTORE);
pub(super) const RESTORED_TOMBSTONE: Optional =
    without(Right::to("delete", Kind::ConfigMap), UNFINISHED_RESTORE);
pub(super) const UNSEEN_DEPENDENTS: &str = "whether one of them uses the database is not known";
const KEPT_BACKUPS: &str = "it fails where Backups were kept";
const KEPT_SNAPSHOTS: &str = "it fails where VolumeSnapshots were kept";
pub(super) const GET_KEPT_BACKUP: Optional = without(Right::to("get", Kind::Backup), KEPT_BACKUPS);
pub(super) const PATCH_KEPT_BACKUP: Optional =
    without(Right::to("patch", Kind::Backup), KEPT_BACKUPS);
pub(super) const GET_KEPT_SNAPSHOT: Optional =
    without(Right::to("get", Kind::VolumeSnapshot), KEPT_SNAPSHOTS);
pub(super) const PATCH_KEPT_SNAPSHOT: Optional =
    without(Right::to("patch", Kind::VolumeSnapshot), KEPT_SNAPSHOTS);
/// Of a restore: what an earlier deletion kept.
pub(super) const RESTORED_WITH: &[Optional] = &[
    DEPLOYMENT,
    CLASS,
    GET_KEPT_BACKUP,
    PATCH_KEPT_BACKUP,
    GET_KEPT_SNAPSHOT,
    PATCH_KEPT_SNAPSHOT,
    without(
        Right::to("delete", Kind::Pod),
        "with --image, a pod that waits for the earlier image stays until somebody deletes it",
    ),
];
/// Of many databases that are read to be shown.
pub(super) const LISTED_DEPLOYMENTS: Optional = without(
    Right::to("list", Kind::Deployment),
    "whether the poolers are available is not known",
);
pub(super) const LISTED_SECRETS: Optional = without(
    Right::to("list", Kind::Secret),
    "whether the app Secrets are there is taken from what the operator says",
);
/// Of databases that are followed.
pub(super) const WATCH_CLUSTERS: Right = Right::to("watch", Kind::Cluster);
pub(super) const UNSEEN_POOLERS: &str = "changes of the poolers alone are not shown";
pub(super) const UNSEEN_DEPLOYMENTS: &str =
    "that a pooler becomes available is shown with the next change of its database only";
