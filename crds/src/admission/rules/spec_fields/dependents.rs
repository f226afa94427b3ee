//! The fields of what works on a Cluster: objects inside of it and its backups.

use super::allowed::{Allow, Group};

const INSIDE: &str = "concerns the inside of its own Cluster alone";
const PLUGIN: &str = "tells a plugin what to do, which has rights of its own";

/// A role: a superuser, or one that runs programs, acts as the instance's account.
pub(super) const ROLE: &[Group] = &[
    Group {
        allow: Allow::Any,
        why: INSIDE,
        paths: &[
            "bypassrls",
            "clientCertificate",
            "cluster",
            "comment",
            "connectionLimit",
            "createdb",
            "createrole",
            "databaseRoleReclaimPolicy",
            "disablePassword",
            "ensure",
            "inherit",
            "login",
            "name",
            "validUntil",
        ],
    },
    Group {
        allow: Allow::Roles,
        why: "runs commands as the instance's account",
        paths: &["inRoles"],
    },
    Group {
        allow: Allow::Nothing,
        why: "names a Secret, which may be another database's",
        paths: &["passwordSecret"],
    },
    Group {
        allow: Allow::Nothing,
        why: "copies the whole server, past every right inside of it",
        paths: &["replication"],
    },
    Group {
        allow: Allow::Nothing,
        why: "makes a superuser, who acts as the instance's account",
        paths: &["superuser"],
    },
];

pub(super) const BACKUP: &[Group] = &[
    Group {
        allow: Allow::Any,
        why: INSIDE,
        paths: &[
            "backupOwnerReference",
            "cluster",
            "immediate",
            "method",
            "online",
            "onlineConfiguration",
            "pluginConfiguration.name",
            "schedule",
            "suspend",
            "target",
        ],
    },
    Group {
        allow: Allow::Nothing,
        why: PLUGIN,
        paths: &["pluginConfiguration.parameters"],
    },
];
