//! The table: a row a command, and one more for a flag that needs something else. A new command is a
//! row here.

use super::{CommandRights, Optional};
use crate::kubernetes::{Kind, Right, Scope};
use crate::operation::{DELETE_RIGHTS, PURGE_RIGHTS, RESTORE_RIGHTS, ROTATE_RIGHTS};

const fn without(right: Right, otherwise: &'static str) -> Optional {
    Optional { right, otherwise }
}

const GET_CLUSTER: Right = Right::to("get", Kind::Cluster);
const GET_POOLER: Right = Right::to("get", Kind::Pooler);
const PATCH_CLUSTER: Right = Right::to("patch", Kind::Cluster);
const PATCH_POOLER: Right = Right::to("patch", Kind::Pooler);
const LIST_TOMBSTONES: Right = Right::to("list", Kind::ConfigMap);
const GET_SECRET: Right = Right::to("get", Kind::Secret);

/// Of a database that is read to be shown, or waited for.
const DEPLOYMENT: Optional = without(
    Right::to("get", Kind::Deployment),
    "whether the pooler is available is not known",
);
const APP_SECRET: Optional = without(
    GET_SECRET,
    "whether the app Secret is there is taken from what the operator says",
);
const POLICY: Optional = without(
    Right::to("get", Kind::ConfigMap).at(Scope::System),
    "the policy's defaults are taken for the policy",
);
const CLASS: Optional = without(
    Right::to("get", Kind::StorageClass),
    "whether volumes can grow, or outlive their claims, is not known",
);
const WEBHOOK: Optional = without(
    Right::to("get", Kind::ValidatingWebhook),
    "whether the webhook is installed is not known",
);
const FORWARDED: &str = "it fails where the pooler is reached through the API server only";
const LIST_EVENTS: Right = Right::to("list", Kind::Event);
const SECRETS: Optional = without(GET_SECRET, "the Secrets are not shown");
const PODS: Optional = without(Right::to("list", Kind::Pod), "the pods are not shown");
const VOLUMES: Optional = without(Right::to("list", Kind::Volume), "the volumes are not shown");
const SERVICES: Optional = without(
    Right::to("list", Kind::Service),
    "the services are not shown",
);
const POOLER_SERVICE: Optional = without(
    Right::to("get", Kind::Service),
    "the service of the pooler is not shown",
);
const EVENTS: Optional = without(LIST_EVENTS, "no events are shown");
/// What stands beside a database that is looked at closely.
const LOOKED_AT: &[Optional] = &[
    DEPLOYMENT,
    SECRETS,
    PODS,
    VOLUMES,
    SERVICES,
    POOLER_SERVICE,
    EVENTS,
];
const PERSISTENT_VOLUME: Optional = without(
    Right::to("get", Kind::PersistentVolume),
    "whether volumes outlive their claims is taken from their class",
);
/// Of a deletion: what hangs on the Cluster, and what it owns.
const DELETED_WITH: &[Optional] = &[
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
const UNSEEN_DEPENDENTS: &str = "whether one of them uses the database is not known";
/// Of a restore: what an earlier deletion kept.
const RESTORED_WITH: &[Optional] = &[
    DEPLOYMENT,
    CLASS,
    without(
        Right::to("get", Kind::Backup),
        "it fails where Backups were kept",
    ),
    without(
        Right::to("patch", Kind::Backup),
        "it fails where Backups were kept",
    ),
    without(
        Right::to("get", Kind::VolumeSnapshot),
        "it fails where VolumeSnapshots were kept",
    ),
    without(
        Right::to("patch", Kind::VolumeSnapshot),
        "it fails where VolumeSnapshots were kept",
    ),
    without(
        Right::to("delete", Kind::Pod),
        "with --image, a pod that waits for the earlier image stays until somebody deletes it",
    ),
];
const NOTHING: &[Right] = &[];

/// A command that asks nobody.
const fn offline(command: &'static str) -> CommandRights {
    CommandRights {
        command,
        owner: false,
        required: NOTHING,
        optional: &[],
    }
}

/// A command that changes nothing.
const fn reads(
    command: &'static str,
    required: &'static [Right],
    optional: &'static [Optional],
) -> CommandRights {
    CommandRights {
        command,
        owner: false,
        required,
        optional,
    }
}

/// A command that is the owner's.
const fn writes(
    command: &'static str,
    required: &'static [Right],
    optional: &'static [Optional],
) -> CommandRights {
    CommandRights {
        command,
        owner: true,
        required,
        optional,
    }
}

pub(super) const COMMANDS: &[CommandRights] = &[
    writes(
        "create",
        &[
            GET_CLUSTER,
            Right::to("create", Kind::Cluster),
            PATCH_CLUSTER,
            GET_POOLER,
            Right::to("create", Kind::Pooler),
            LIST_TOMBSTONES,
        ],
        &[DEPLOYMENT, APP_SECRET, POLICY],
    ),
    reads("get", &[GET_CLUSTER, GET_POOLER], &[DEPLOYMENT, APP_SECRET]),
    reads("get --deleted", &[LIST_TOMBSTONES], &[]),
    reads(
        "list",
        &[
            Right::to("list", Kind::Cluster),
            Right::to("list", Kind::Pooler),
        ],
        &[
            without(
                Right::to("list", Kind::Deployment),
                "whether the poolers are available is not known",
            ),
            without(
                Right::to("list", Kind::Secret),
                "whether the app Secrets are there is taken from what the operator says",
            ),
        ],
    ),
    reads(
        "list --deleted",
        &[LIST_TOMBSTONES, Right::to("list", Kind::Cluster)],
        &[],
    ),
    reads("tree", &[GET_CLUSTER, GET_POOLER], LOOKED_AT),
    reads(
        "explain",
        &[GET_CLUSTER, GET_POOLER],
        &[
            DEPLOYMENT,
            SECRETS,
            PODS,
            VOLUMES,
            SERVICES,
            POOLER_SERVICE,
            EVENTS,
            without(
                Right::to("get", Kind::PodLog),
                "what a failed container said last is not told",
            ),
            without(
                Right::to("list", Kind::Deployment).at(Scope::Everywhere),
                "whether the operator runs is not known",
            ),
            without(
                PATCH_CLUSTER,
                "whether the webhooks answer is not tried (by a dry run)",
            ),
        ],
    ),
    reads("describe", &[GET_CLUSTER, GET_POOLER], LOOKED_AT),
    reads("events", &[LIST_EVENTS], &[]),
    reads("history", &[GET_CLUSTER, LIST_TOMBSTONES], &[]),
    reads(
        "history --verify",
        &[GET_CLUSTER, LIST_TOMBSTONES],
        &[WEBHOOK],
    ),
    // Beside what every login may ask, it looks at what the command would change.
    reads(
        "can-i",
        NOTHING,
        &[
            without(GET_CLUSTER, "whose the database is cannot be told"),
            without(LIST_TOMBSTONES, "what was deleted is not seen"),
            POLICY,
        ],
    ),
    reads(
        "connect",
        &[
            GET_CLUSTER,
            GET_POOLER,
            GET_SECRET,
            Right::to("get", Kind::Service),
        ],
        &[
            DEPLOYMENT,
            without(Right::to("list", Kind::Pod), FORWARDED),
            without(Right::to("get", Kind::PortForward), FORWARDED),
            without(Right::to("create", Kind::PortForward), FORWARDED),
        ],
    ),
    reads(
        "connect --port-forward",
        &[
            GET_CLUSTER,
            GET_POOLER,
            GET_SECRET,
            Right::to("get", Kind::Service),
            Right::to("list", Kind::Pod),
            Right::to("get", Kind::PortForward),
            // Which newer API servers ask for a WebSocket, too.
            Right::to("create", Kind::PortForward),
        ],
        &[DEPLOYMENT],
    ),
    reads(
        "proxy",
        &[
            GET_CLUSTER,
            GET_POOLER,
            GET_SECRET,
            Right::to("list", Kind::Pod),
            Right::to("get", Kind::PortForward),
            // Which newer API servers ask for a WebSocket, too.
            Right::to("create", Kind::PortForward),
        ],
        &[DEPLOYMENT],
    ),
    reads(
        "credentials",
        &[GET_CLUSTER, GET_POOLER, GET_SECRET],
        &[DEPLOYMENT],
    ),
    writes("credentials rotate", &ROTATE_RIGHTS, &[DEPLOYMENT]),
    writes(
        "apply",
        &[
            GET_CLUSTER,
            Right::to("create", Kind::Cluster),
            PATCH_CLUSTER,
            GET_POOLER,
            Right::to("create", Kind::Pooler),
            LIST_TOMBSTONES,
        ],
        &[DEPLOYMENT, APP_SECRET, POLICY],
    ),
    writes(
        "update",
        &[GET_CLUSTER, PATCH_CLUSTER, GET_POOLER],
        &[DEPLOYMENT, APP_SECRET],
    ),
    writes(
        "update --storage",
        &[
            GET_CLUSTER,
            PATCH_CLUSTER,
            GET_POOLER,
            Right::to("list", Kind::Volume),
        ],
        &[CLASS, DEPLOYMENT, APP_SECRET],
    ),
    writes(
        "update --owner-team",
        &[GET_CLUSTER, PATCH_CLUSTER, GET_POOLER, PATCH_POOLER],
        &[DEPLOYMENT, APP_SECRET],
    ),
    writes(
        "rollback",
        &[GET_CLUSTER, PATCH_CLUSTER, GET_POOLER],
        &[
            without(
                PATCH_POOLER,
                "it fails where the version had another owner team",
            ),
            without(
                Right::to("list", Kind::Volume),
                "it fails where the version had more storage",
            ),
            CLASS,
            DEPLOYMENT,
            APP_SECRET,
        ],
    ),
    writes(
        "transfer",
        &[GET_CLUSTER, PATCH_CLUSTER, GET_POOLER],
        &[
            without(
                PATCH_POOLER,
                "it fails where you own both teams, and nobody has to accept",
            ),
            DEPLOYMENT,
            APP_SECRET,
        ],
    ),
    writes(
        "transfer --accept",
        &[GET_CLUSTER, PATCH_CLUSTER, GET_POOLER, PATCH_POOLER],
        &[DEPLOYMENT, APP_SECRET],
    ),
    writes("delete", &DELETE_RIGHTS, DELETED_WITH),
    writes("restore", &RESTORE_RIGHTS, RESTORED_WITH),
    writes("purge", &PURGE_RIGHTS, &[PERSISTENT_VOLUME, CLASS]),
    reads("diff", &[GET_CLUSTER, GET_POOLER], &[]),
    writes(
        "repair",
        &[
            GET_CLUSTER,
            GET_POOLER,
            Right::to("create", Kind::Pooler),
            LIST_TOMBSTONES,
        ],
        &[
            without(
                PATCH_CLUSTER,
                "it fails where the Cluster has drifted, or is marked as unfinished",
            ),
            without(PATCH_POOLER, "it fails where the Pooler has drifted"),
            DEPLOYMENT,
            APP_SECRET,
        ],
    ),
    reads(
        "doctor",
        NOTHING,
        &[
            without(
                Right::to("list", Kind::Deployment).at(Scope::Everywhere),
                "the operator is not looked at",
            ),
            without(
                Right::to("get", Kind::MutatingWebhook),
                "this configuration of the webhook is not looked at",
            ),
            without(
                Right::to("get", Kind::ValidatingWebhook),
                "this configuration of the webhook is not looked at",
            ),
            without(
                Right::to("list", Kind::AdmissionPolicy),
                "the policies of admission are not looked at",
            ),
            without(
                Right::to("list", Kind::AdmissionPolicyBinding),
                "the policies of admission are not looked at",
            ),
            without(
                Right::to("list", Kind::EndpointSlice).at(Scope::System),
                "whether the webhook has an endpoint is not looked at",
            ),
            without(
                Right::to("get", Kind::Deployment).at(Scope::System),
                "the version of the webhook is not told",
            ),
            without(
                Right::to("list", Kind::StorageClass),
                "the storage classes are not looked at",
            ),
            without(
                Right::to("create", Kind::Pooler),
                "whether the webhook is in force is not tried (by a dry run)",
            ),
            without(
                Right::to("create", Kind::Cluster),
                "whether the webhook writes the history is not tried (by a dry run)",
            ),
            POLICY,
        ],
    ),
    offline("completion install"),
    offline("completion bash"),
    offline("completion zsh"),
    offline("completion fish"),
    offline("version --client"),
    reads(
        "version",
        NOTHING,
        &[
            without(
                Right::to("list", Kind::Deployment).at(Scope::Everywhere),
                "the operator's version is not known",
            ),
            WEBHOOK,
        ],
    ),
];
