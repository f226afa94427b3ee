//! Inputs to begin with: what is written of a database in its life, and what the real operator wrote,
//! where its recordings are at hand.

use daap_crds::contract::{annotation, cnpg};
use daap_reference::Reference;
use serde_json::{Value, json};

use crate::world::{NAMESPACE, WORLD};

/// Who writes.
const USERS: [&str; 6] = [
    "payments-dev",
    "nobody",
    "billing-dev",
    "admin",
    "system:serviceaccount:apps:daap-orders",
    cnpg::OPERATOR_ACCOUNT,
];

/// Inputs of the entry point of that name.
#[must_use]
pub fn of(entry: &str) -> Vec<Vec<u8>> {
    let texts: Vec<String> = match entry {
        "review" => reviews().iter().map(Value::to_string).collect(),
        "policy" => policies(),
        "history" => annotations(annotation::HISTORY),
        "tombstone" => annotations(annotation::TOMBSTONE),
        "names" => names(),
        _ => Vec::new(),
    };
    texts.into_iter().map(String::into_bytes).collect()
}

/// Reviews: every object of the world and of the recordings, created, changed and deleted.
#[must_use]
pub fn reviews() -> Vec<Value> {
    let world = &*WORLD;
    let mut objects = vec![
        ("clusters", world.cluster.clone()),
        ("poolers", world.pooler.clone()),
        ("configmaps", world.tombstone.clone()),
        ("persistentvolumeclaims", world.volume.clone()),
        ("secrets", world.secret.clone()),
    ];
    let mut raw = world.cluster.clone();
    raw["metadata"] = json!({"name": "daap-shop", "namespace": NAMESPACE,
        "labels": {"daap.dev/owner-team": "payments"}, "annotations": {"daap.dev/purpose": "a shop"}});
    raw["spec"] = json!({"instances": 1, "storage": {"size": "1Gi"}});
    objects.push(("clusters", raw));
    for plural in [
        "databases",
        "databaseroles",
        "publications",
        "subscriptions",
        "backups",
        "scheduledbackups",
    ] {
        let object = json!({"metadata": {"name": "daap-orders-x"}, "spec": {"cluster": {"name": "daap-orders"}}});
        objects.push((plural, object));
    }
    objects.extend(recorded());
    let mut reviews: Vec<Value> = Vec::new();
    for (index, (plural, object)) in objects.into_iter().enumerate() {
        let user = |turn: usize| USERS[(index + turn) % USERS.len()];
        let mut changed = object.clone();
        changed["metadata"]["annotations"]["daap.dev/purpose"] = "another".into();
        reviews.push(review(user(0), "CREATE", plural, &object, &Value::Null));
        reviews.push(review(
            "payments-dev",
            "CREATE",
            plural,
            &object,
            &Value::Null,
        ));
        reviews.push(review(user(1), "UPDATE", plural, &changed, &object));
        reviews.push(review("payments-dev", "UPDATE", plural, &changed, &object));
        reviews.push(review(user(2), "DELETE", plural, &Value::Null, &object));
    }
    for plural in ["clusters", "poolers"] {
        let scale =
            json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}});
        let mut scaled = review("payments-dev", "UPDATE", plural, &scale, &scale);
        scaled["request"]["subResource"] = "scale".into();
        scaled["request"]["name"] = "daap-orders-pooler".into();
        reviews.push(scaled);
    }
    reviews
}

fn review(user: &str, operation: &str, plural: &str, object: &Value, old: &Value) -> Value {
    let core = ["configmaps", "persistentvolumeclaims", "secrets"].contains(&plural);
    let group = if core { "" } else { "postgresql.cnpg.io" };
    let named = if object.is_null() { old } else { object };
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": group, "version": "v1", "kind": named["kind"]},
            "resource": {"group": group, "version": "v1", "resource": plural},
            "name": named["metadata"]["name"], "namespace": NAMESPACE, "operation": operation,
            "userInfo": {"username": user, "groups": ["system:authenticated"]},
            "object": object, "oldObject": old, "dryRun": false,
        },
    })
}

/// What the real operator wrote, read where it stands.
fn recorded() -> Vec<(&'static str, Value)> {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return Vec::new();
    };
    let files = [
        ("clusters", "cluster.json"),
        ("clusters", "clusters.jsonl"),
        ("poolers", "pooler.json"),
        ("poolers", "poolers.jsonl"),
        ("persistentvolumeclaims", "pvc.json"),
        ("persistentvolumeclaims", "pvc.jsonl"),
        ("secrets", "secret-app.json"),
    ];
    let mut found = Vec::new();
    for (plural, file) in files {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        if let Ok(object) = serde_json::from_str(&text) {
            found.push((plural, object));
            continue;
        }
        // Neighbours differ in their status alone, which is not judged.
        let lines = text.lines().step_by(16);
        let objects = lines.filter_map(|line| serde_json::from_str(line).ok());
        found.extend(objects.map(|object| (plural, object)));
    }
    found
}

fn policies() -> Vec<String> {
    [
        "{}",
        "retentionDays: 7\nteams: [payments, billing]\n",
        "limits: {instances: {min: 1, max: 3}, storage: {min: 1Gi, max: 100Gi}, poolModes: [transaction], images: ['registry.example/*']}\n",
        "defaults: {instances: 2, storage: 5Gi, image: registry.example/postgresql:17.6, poolMode: session, poolInstances: 2}\n",
        "names: {pattern: '[a-z]+', reserved: [postgres, admin]}\n",
        "&a [*a]",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn annotations(key: &str) -> Vec<String> {
    let world = &*WORLD;
    let mut texts: Vec<String> = [&world.cluster, &world.tombstone]
        .iter()
        .filter_map(|object| object["metadata"]["annotations"][key].as_str())
        .map(str::to_owned)
        .collect();
    texts.push(r#"{"folded":{"versions":7,"from":"2025-01-01T00:00:00Z","by":"ada","record":{"ownerTeam":"payments","purpose":"x","instances":1,"storage":"1Gi"}},"rows":[]}"#.into());
    texts.push(r#"{"packed":"mwq4b280B.00ada.A0T.00payments.P.00x.S.001Gi.I1;259tuR.00SHOP-17: sale.I2;ffk0R.668.I3;","rows":[]}"#.into());
    texts.push("{}".into());
    texts
}

fn names() -> Vec<String> {
    [
        "orders",
        "orders-pooler",
        "o",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        "a-name-that-is-longer-than-what-cnpg-takes-for-a-cluster",
        "abcdefghijklmnopqrstuvwxyzabc-0123abcd",
        "payments",
        "1st-team",
    ]
    .map(str::to_owned)
    .to_vec()
}
