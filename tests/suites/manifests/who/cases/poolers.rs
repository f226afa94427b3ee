use daap_tests::ground::POOLERS;
use serde_json::{Value, json};

use super::{Administrator, Case, Nobody, Owner, create, delete, label, patch, scale, status};
use crate::ground::object;

const POOLER: &str = "daap-orders-pooler";

/// A Pooler of that Cluster.
pub(in crate::who) fn pooler(name: &str, cluster: &str) -> Value {
    let spec = json!({"cluster": {"name": cluster}, "instances": 1, "type": "rw",
        "pgbouncer": {"poolMode": "transaction"}});
    object("Pooler", name, &spec)
}

pub(super) fn poolers() -> Vec<Case> {
    let change =
        |what: &str, whose, spec: Value| patch(what, whose, POOLERS, POOLER, json!({"spec": spec}));
    let mounted = json!({"containers": [{"name": "pgbouncer"}],
        "volumes": [{"name": "x", "secret": {"secretName": "daap-ledger-app"}}]});
    vec![
        create(
            "create a second Pooler",
            Owner,
            POOLERS,
            pooler("more", "daap-orders"),
        ),
        create(
            "call it daap-…",
            Nobody,
            POOLERS,
            pooler("daap-more", "daap-orders"),
        ),
        create(
            "create one for a Cluster that is not there",
            Nobody,
            POOLERS,
            pooler("more", "daap-nowhere"),
        ),
        label("label it", Owner, POOLERS, POOLER, "tier", json!("gold")),
        change("change its instances", Owner, json!({"instances": 2})),
        change(
            "more than the policy allows",
            Nobody,
            json!({"instances": 9}),
        ),
        change(
            "a pool mode that the policy does not allow",
            Nobody,
            json!({"pgbouncer": {"poolMode": "session"}}),
        )
        .wants("/spec/pgbouncer/poolMode", "session"),
        change(
            "a parameter of PgBouncer",
            Owner,
            json!({"pgbouncer": {"parameters": {"default_pool_size": "10"}}}),
        ),
        change(
            "a template that mounts a Secret of another",
            Administrator,
            json!({"template": {"spec": mounted}}),
        ),
        patch(
            "take its owner away",
            Nobody,
            POOLERS,
            POOLER,
            json!({"metadata": {"ownerReferences": null}}),
        )
        .wants("/metadata/ownerReferences/0/name", ""),
        scale("scale", Owner, POOLERS, POOLER, 2),
        scale("scale beyond the policy", Nobody, POOLERS, POOLER, 9),
        scale("scale one with another name", Owner, POOLERS, "readers", 2),
        status(
            "write the status",
            Owner,
            POOLERS,
            POOLER,
            json!({"instances": 2}),
        ),
        delete("delete it", Owner, POOLERS, POOLER),
        delete("delete one with another name", Owner, POOLERS, "readers"),
    ]
}
