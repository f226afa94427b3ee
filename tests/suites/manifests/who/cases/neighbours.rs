use daap_tests::ground::{CLUSTERS, POOLERS};
use serde_json::{Value, json};

use super::{
    Administrator, Case, Everybody, Nobody, Owner, Section, by_hand, create, delete, label, patch,
    pooler, scale, ungoverned,
};

fn other(spec: &Value) -> Value {
    let mut other = ungoverned("other");
    json_patch::merge(&mut other, &json!({"spec": spec}));
    other
}

pub(super) fn neighbours() -> Vec<Case> {
    let names = |what: &str, spec: Value| create(what, Administrator, CLUSTERS, other(&spec));
    let host = json!([{"name": "x", "connectionParameters": {"host": "daap-orders-rw"}}]);
    let mut mounts = pooler("other", "legacy");
    mounts["spec"]["template"] = json!({"spec": {"containers": [{"name": "pgbouncer"}],
        "volumes": [{"name": "x", "secret": {"secretName": "daap-orders-app"}}]}});
    let legacy = "legacy";
    vec![
        create("create a Cluster", Everybody, CLUSTERS, ungoverned("other")),
        label(
            "label one",
            Everybody,
            CLUSTERS,
            legacy,
            "tier",
            json!("gold"),
        ),
        scale("scale one", Everybody, CLUSTERS, legacy, 2),
        delete("delete one", Everybody, CLUSTERS, legacy),
        label(
            "make it one of daap's by a label",
            Nobody,
            CLUSTERS,
            legacy,
            "daap.dev/owner-team",
            json!("payments"),
        ),
        names(
            "create one that has a password of ours",
            json!({"superuserSecret": {"name": "daap-orders-app"}}),
        ),
        names(
            "… that replicates from ours",
            json!({"externalClusters": host}),
        ),
        names(
            "… that recovers from a Backup of ours",
            json!({"bootstrap": {"recovery": {"backup": {"name": "daap-orders-x"}}}}),
        ),
        names(
            "… whose pods carry labels of ours",
            json!({"inheritedMetadata": {"labels": {"cnpg.io/cluster": "daap-orders"}}}),
        ),
        patch(
            "change one so that it has a password of ours",
            Administrator,
            CLUSTERS,
            legacy,
            json!({"spec": {"superuserSecret": {"name": "daap-orders-app"}}}),
        ),
        create(
            "create a Pooler of one",
            Everybody,
            POOLERS,
            pooler("other", "legacy"),
        ),
        create(
            "… that mounts a Secret of ours",
            Administrator,
            POOLERS,
            mounts,
        ),
    ]
}

/// Once the namespace says `daap.dev/managed-only: "true"`.
pub(in crate::who) fn managed_only() -> Section {
    Section {
        title: "In a namespace with the label `daap.dev/managed-only: \"true\"`",
        cases: vec![
            create(
                "create a Cluster that is not daap's",
                Nobody,
                CLUSTERS,
                ungoverned("other"),
            ),
            create(
                "create a Pooler of one",
                Nobody,
                POOLERS,
                pooler("other", "legacy"),
            ),
            label(
                "change one that was there before",
                Everybody,
                CLUSTERS,
                "legacy",
                "tier",
                json!("gold"),
            ),
            create(
                "create a database of team payments",
                Owner,
                CLUSTERS,
                by_hand("daap-shop", "payments"),
            ),
        ],
    }
}
