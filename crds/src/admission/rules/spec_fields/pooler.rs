//! The fields of a Pooler's spec, as CNPG 1.30 has them.

use super::allowed::{Allow, Group};

const SECRET: &str = "names a Secret, which may be another database's";
const POD: &str = "changes the pod: what it mounts, runs or may do";
const SERVICE: &str = "can stand in for another's Service";
const MODE: &str = "is what a pooler needs";
const SCHEDULING: &str = "is scheduling";

/// Every field, with what is decided for it and why.
pub(super) const GROUPS: &[Group] = &[
    Group {
        allow: Allow::Any,
        why: MODE,
        paths: &[
            "cluster.name",
            "deploymentStrategy",
            "instances",
            "monitoring",
            "pgbouncer.image",
            "pgbouncer.paused",
            "pgbouncer.poolMode",
            "template.spec.terminationGracePeriodSeconds",
            "template.spec.containers[].image",
            "template.spec.containers[].resources.limits",
            "template.spec.containers[].resources.requests",
            "type",
        ],
    },
    Group {
        allow: Allow::Any,
        why: SCHEDULING,
        paths: &[
            "template.spec.affinity",
            "template.spec.nodeSelector",
            "template.spec.tolerations",
            "template.spec.topologySpreadConstraints",
            "template.spec.schedulerName",
        ],
    },
    Group {
        allow: Allow::Parameters,
        why: "names a command, a file or a query",
        paths: &["pgbouncer.parameters"],
    },
    Group {
        allow: Allow::Metadata,
        why: SERVICE,
        paths: &["serviceTemplate.metadata.labels"],
    },
    Group {
        allow: Allow::Only(&["ClusterIP", "NodePort", "LoadBalancer"]),
        why: SERVICE,
        paths: &["serviceTemplate.spec.type"],
    },
    Group {
        allow: Allow::Metadata,
        why: "puts its pods behind another's Service",
        paths: &["template.metadata.labels"],
    },
    Group {
        allow: Allow::Metadata,
        why: "would pass for another database's pod",
        paths: &["template.metadata.annotations"],
    },
    Group {
        allow: Allow::Only(&["pgbouncer"]),
        why: "runs a container of its own",
        paths: &["template.spec.containers[].name"],
    },
    Group {
        allow: Allow::Nothing,
        why: "asks the database whatever it says, with the pooler's rights",
        paths: &["pgbouncer.authQuery"],
    },
    Group {
        allow: Allow::Nothing,
        why: SECRET,
        paths: &[
            "pgbouncer.authQuerySecret",
            "pgbouncer.clientCASecret",
            "pgbouncer.clientTLSSecret",
            "pgbouncer.serverCASecret",
            "pgbouncer.serverTLSSecret",
            "template.spec.imagePullSecrets",
        ],
    },
    Group {
        allow: Allow::Nothing,
        why: "names an image that the policy does not see",
        paths: &["pgbouncer.imageCatalogRef"],
    },
    Group {
        allow: Allow::Nothing,
        why: "can let in anybody without a password",
        paths: &["pgbouncer.pg_hba"],
    },
    Group {
        allow: Allow::Nothing,
        why: "runs as another account",
        paths: &[
            "serviceAccountName",
            "template.spec.serviceAccountName",
            "template.spec.serviceAccount",
        ],
    },
    Group {
        allow: Allow::Nothing,
        why: "claims addresses and names, by what listens to annotations",
        paths: &["serviceTemplate.metadata.annotations"],
    },
    Group {
        allow: Allow::Nothing,
        why: SERVICE,
        paths: &["serviceTemplate.metadata.name", "serviceTemplate.spec.*"],
    },
    Group {
        allow: Allow::Nothing,
        why: POD,
        paths: &[
            "template.metadata.name",
            "template.spec.containers[].command",
            "template.spec.containers[].args",
            "template.spec.containers[].securityContext",
            "template.spec.securityContext",
            "template.spec.hostNetwork",
            "template.spec.hostPID",
            "template.spec.hostIPC",
            "template.spec.*",
            "template.spec.containers[].*",
        ],
    },
    Group {
        allow: Allow::Nothing,
        why: "can hold any Secret of the namespace",
        paths: &[
            "template.spec.containers[].env",
            "template.spec.containers[].envFrom",
        ],
    },
    Group {
        allow: Allow::Nothing,
        why: "mounts what its volumes name",
        paths: &["template.spec.containers[].volumeMounts"],
    },
    Group {
        allow: Allow::Nothing,
        why: "runs a container of its own",
        paths: &["template.spec.initContainers"],
    },
    Group {
        allow: Allow::Nothing,
        why: "mounts any Secret or volume of the namespace",
        paths: &["template.spec.volumes"],
    },
    Group {
        allow: Allow::Nothing,
        why: "evicts other databases' pods",
        paths: &["template.spec.priorityClassName"],
    },
    Group {
        allow: Allow::Nothing,
        why: "claims devices that others hold",
        paths: &["template.spec.containers[].resources.claims"],
    },
];
