//! The table: a row a command, and one more for a flag that needs something else. A new command is a
//! row here.

use super::pieces::{
    APP_SECRET, APPLIED_POOLER, APPLIED_STORAGE, CLASS, DELETED_WITH, DEPLOYMENT, DRIFTED_CLUSTER,
    DRIFTED_POOLER, EVENTS, FORWARDED, GET_CLUSTER, GET_KEPT_BACKUP, GET_KEPT_SNAPSHOT, GET_POOLER,
    GET_SECRET, LIST_EVENTS, LIST_TOMBSTONES, LISTED_DEPLOYMENTS, LISTED_SECRETS, PATCH_CLUSTER,
    PATCH_KEPT_BACKUP, PATCH_KEPT_SNAPSHOT, PATCH_POOLER, PERSISTENT_VOLUME, PODS, POLICY,
    POOLER_SERVICE, RESTORED_PODS, RESTORED_SECRETS, RESTORED_SECRETS_OWNED, RESTORED_TOMBSTONE,
    RESTORED_VOLUMES, RESTORED_WITH, RESUMED_POOLER, SECRETS, SERVICES, SHOWN_DELETED,
    UNKNOWN_NAME, UNSEEN_DEPLOYMENTS, UNSEEN_POOLERS, VOLUMES, WATCH_CLUSTERS, WEBHOOK, without,
};
use super::{CommandRights, Optional};
use crate::kubernetes::{Kind, Right, Scope};
use crate::operation::{DELETE_RIGHTS, PURGE_RIGHTS, RESTORE_RIGHTS, ROTATE_RIGHTS};

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

/// What `repair` needs of a database that wants more than a Pooler: drifted, half restored. Last, what shows it
/// become ready.
const REPAIRED: &[Optional] = &[
    DRIFTED_CLUSTER,
    DRIFTED_POOLER,
    RESTORED_PODS,
    RESTORED_VOLUMES,
    RESTORED_SECRETS,
    RESTORED_SECRETS_OWNED,
    RESTORED_TOMBSTONE,
    GET_KEPT_BACKUP,
    PATCH_KEPT_BACKUP,
    GET_KEPT_SNAPSHOT,
    PATCH_KEPT_SNAPSHOT,
    DEPLOYMENT,
];
/// The same of many, which are not waited for.
const REPAIRED_UNWATCHED: &[Optional] = match REPAIRED.split_last() {
    Some((_, unwatched)) => unwatched,
    None => &[],
};

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
        &[RESUMED_POOLER, DEPLOYMENT, APP_SECRET, POLICY],
    ),
    reads("get", &[GET_CLUSTER, GET_POOLER], &[DEPLOYMENT, APP_SECRET]),
    reads(
        "get --watch",
        &[
            GET_CLUSTER,
            GET_POOLER,
            Right::to("list", Kind::Cluster),
            WATCH_CLUSTERS,
        ],
        &[
            DEPLOYMENT,
            APP_SECRET,
            without(Right::to("list", Kind::Pooler), UNSEEN_POOLERS),
            without(Right::to("watch", Kind::Pooler), UNSEEN_POOLERS),
            without(Right::to("list", Kind::Deployment), UNSEEN_DEPLOYMENTS),
            without(Right::to("watch", Kind::Deployment), UNSEEN_DEPLOYMENTS),
        ],
    ),
    reads("get --deleted", &[LIST_TOMBSTONES], &[]),
    reads(
        "list",
        &[
            Right::to("list", Kind::Cluster),
            Right::to("list", Kind::Pooler),
        ],
        &[LISTED_DEPLOYMENTS, LISTED_SECRETS],
    ),
    reads(
        "list --watch",
        &[
            Right::to("list", Kind::Cluster),
            Right::to("list", Kind::Pooler),
            WATCH_CLUSTERS,
            // To look again at what has changed.
            GET_CLUSTER,
            GET_POOLER,
        ],
        &[
            DEPLOYMENT,
            APP_SECRET,
            LISTED_DEPLOYMENTS,
            LISTED_SECRETS,
            without(Right::to("watch", Kind::Pooler), UNSEEN_POOLERS),
            without(Right::to("watch", Kind::Deployment), UNSEEN_DEPLOYMENTS),
        ],
    ),
    reads(
        "list --deleted",
        &[LIST_TOMBSTONES, Right::to("list", Kind::Cluster)],
        &[],
    ),
    reads(
        "tree",
        &[GET_CLUSTER, GET_POOLER],
        &[
            DEPLOYMENT,
            SECRETS,
            PODS,
            VOLUMES,
            SERVICES,
            POOLER_SERVICE,
            EVENTS,
            SHOWN_DELETED,
        ],
    ),
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
            SHOWN_DELETED,
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
    reads(
        "describe",
        &[GET_CLUSTER, GET_POOLER],
        &[
            DEPLOYMENT,
            SECRETS,
            PODS,
            VOLUMES,
            SERVICES,
            POOLER_SERVICE,
            EVENTS,
        ],
    ),
    reads(
        "events",
        &[LIST_EVENTS],
        &[
            without(GET_CLUSTER, UNKNOWN_NAME),
            without(GET_POOLER, UNKNOWN_NAME),
        ],
    ),
    reads(
        "events --watch",
        &[LIST_EVENTS, Right::to("watch", Kind::Event)],
        &[],
    ),
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
        &[
            APPLIED_POOLER,
            APPLIED_STORAGE,
            CLASS,
            DEPLOYMENT,
            APP_SECRET,
            POLICY,
        ],
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
    reads(
        "diff --filename",
        &[GET_CLUSTER, GET_POOLER],
        &[DEPLOYMENT, APP_SECRET],
    ),
    writes(
        "repair",
        &[
            GET_CLUSTER,
            GET_POOLER,
            Right::to("create", Kind::Pooler),
            LIST_TOMBSTONES,
        ],
        REPAIRED,
    ),
    writes(
        "repair --all",
        &[
            Right::to("list", Kind::Cluster),
            GET_CLUSTER,
            GET_POOLER,
            Right::to("create", Kind::Pooler),
            LIST_TOMBSTONES,
        ],
        REPAIRED_UNWATCHED,
    ),
    writes(
        "repair --abort",
        &[
            GET_CLUSTER,
            PATCH_CLUSTER,
            GET_POOLER,
            Right::to("create", Kind::Pooler),
            LIST_TOMBSTONES,
            Right::to("delete", Kind::ConfigMap),
            Right::to("get", Kind::Volume),
            Right::to("patch", Kind::Volume),
            GET_SECRET,
            Right::to("patch", Kind::Secret),
        ],
        &[
            DRIFTED_POOLER,
            GET_KEPT_BACKUP,
            PATCH_KEPT_BACKUP,
            GET_KEPT_SNAPSHOT,
            PATCH_KEPT_SNAPSHOT,
            DEPLOYMENT,
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
