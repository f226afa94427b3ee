use daap_tests::ground::{ARCHIVE_ID, Kind, LEDGER_ID, ORDERS_ID, SECRETS, VOLUMES};
use serde_json::{Value, json};

use super::{
    Administrator, Case, Everybody, OtherTeam, Owner, Whose, annotate, create, delete, delete_all,
    label, patch, status,
};

const NEW_ID: &str = "0b3b1c7a-5f0e-4a86-9d53-2e4c8a3b7d11";

fn change(kind: Kind, name: &str, what: &str, whose: Whose, body: Value) -> Case {
    patch(what, whose, kind, name, body)
}

/// What holds for both.
fn both(kind: Kind, name: &str) -> Vec<Case> {
    let protection = ["kubernetes.io/pvc-protection", "example.com/mine"];
    let metadata = |what: &str, whose, metadata: Value| {
        change(kind, name, what, whose, json!({"metadata": metadata}))
    };
    vec![
        annotate(
            "add an annotation of one's own",
            Everybody,
            kind,
            name,
            "note",
            json!("x"),
        ),
        label(
            "take the id away",
            Owner,
            kind,
            name,
            "daap.dev/id",
            Value::Null,
        ),
        label(
            "give it another team",
            Owner,
            kind,
            name,
            "daap.dev/owner-team",
            json!("billing"),
        ),
        label(
            "give it another Cluster",
            Owner,
            kind,
            name,
            "cnpg.io/cluster",
            json!("other"),
        ),
        annotate(
            "tell CNPG what it is",
            Owner,
            kind,
            name,
            "cnpg.io/pvcStatus",
            json!("detached"),
        ),
        metadata(
            "detach it from its Cluster",
            Owner,
            json!({"ownerReferences": null}),
        ),
        metadata(
            "give it an owner that is not there",
            Owner,
            json!({"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]}),
        ),
        metadata(
            "hold it by a finalizer",
            Owner,
            json!({"finalizers": protection}),
        ),
        delete("delete it", Owner, kind, name),
        delete_all(
            "delete all of a collection",
            Owner,
            kind,
            "&labelSelector=daap.dev/name=orders",
        ),
    ]
}

pub(super) fn volumes() -> Vec<Case> {
    let (volume, archive) = ("daap-orders-1", "daap-archive-1");
    let mut cases = both(VOLUMES, volume);
    let called = |name: &str, labels: Value| {
        json!({"metadata": {"name": name, "labels": labels},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    };
    let new = |id: &str| called("new", json!({"daap.dev/id": id}));
    cases.extend([
        change(
            VOLUMES,
            volume,
            "take its protection away",
            Owner,
            json!({"metadata": {"finalizers": null}}),
        ),
        change(
            VOLUMES,
            volume,
            "bind it to a disk",
            Owner,
            json!({"spec": {"volumeName": "mine"}}),
        ),
        status(
            "write its status",
            Everybody,
            VOLUMES,
            volume,
            json!({"phase": "Lost"}),
        ),
        change(
            VOLUMES,
            volume,
            "take the id away by its status",
            Owner,
            json!({"metadata": {"labels": {"daap.dev/id": null}}}),
        )
        .of("/status"),
        delete("delete one of a deleted database", Owner, VOLUMES, archive),
        label(
            "take its id away",
            Owner,
            VOLUMES,
            archive,
            "daap.dev/id",
            Value::Null,
        ),
        create(
            "create one with the id of `orders`",
            Owner,
            VOLUMES,
            new(ORDERS_ID),
        )
        .and_the_instance(),
        create("… of the deleted database", Owner, VOLUMES, new(ARCHIVE_ID)),
        create("… of the other team's", OtherTeam, VOLUMES, new(LEDGER_ID)),
        create("… of nobody", Everybody, VOLUMES, new(NEW_ID)),
        create(
            "create one that the next instance of `orders` would take by its name",
            Owner,
            VOLUMES,
            called("daap-orders-2", json!({})),
        ),
        create(
            "… that no database would take",
            Everybody,
            VOLUMES,
            called("daap-orders-notes", json!({})),
        ),
        label(
            "give one the id of `orders`",
            Owner,
            VOLUMES,
            "free",
            "daap.dev/id",
            json!(ORDERS_ID),
        ),
        delete("delete one that is nobody's", Everybody, VOLUMES, "free"),
    ]);
    cases
}

pub(super) fn secrets() -> Vec<Case> {
    let (secret, archive, authority) = ("daap-orders-app", "daap-archive-app", "daap-orders-ca");
    let mut cases = both(SECRETS, secret);
    let password = || json!({"data": {"password": "bmV3"}});
    let new = |name: &str, labels: Value| json!({"metadata": {"name": name, "labels": labels}});
    let of = |id: &str| json!({"daap.dev/id": id});
    cases.extend([
        change(SECRETS, secret, "change the password", Owner, password()),
        change(
            SECRETS,
            archive,
            "… of a deleted database",
            Owner,
            password(),
        ),
        delete("delete that", Owner, SECRETS, archive),
        change(
            SECRETS,
            authority,
            "change the authority, which has no label",
            Owner,
            password(),
        ),
        delete("delete that", Owner, SECRETS, authority),
        create(
            "create one with the id of `orders`",
            Owner,
            SECRETS,
            new("new", of(ORDERS_ID)),
        )
        .and_the_instance(),
        create(
            "create one that `orders` trusts by its name",
            Owner,
            SECRETS,
            new("daap-orders-superuser", json!({})),
        ),
        create(
            "… with the id of the other team's",
            Administrator,
            SECRETS,
            new("daap-orders-superuser", of(LEDGER_ID)),
        ),
        create(
            "create one that is nobody's",
            Everybody,
            SECRETS,
            new("orders-app", json!({})),
        ),
    ]);
    cases
}
