use daap_tests::sandbox::User::{self, Admin, BillingDev, Operator, PaymentsDev};
use serde_json::{Value, json};

use super::{Case, case, cluster, create, patch};
use crate::ground::object;

const RULE: &str = "neighbours";
/// As elsewhere, what opens more than one database is an administrator's.
const PLATFORM: [User; 2] = [Admin, Operator];

fn everyone() -> [User; 5] {
    [PaymentsDev, BillingDev, User::Outsider, Admin, Operator]
}

/// A Cluster that is not ours, with more in its spec.
fn other(spec: &Value) -> Value {
    cluster("other", &json!({}), spec)
}

/// What a Cluster that is not ours may not name.
pub(super) fn references() -> Vec<Case> {
    let external =
        |key: &str, value: Value| json!({"externalClusters": [{"name": "x", key: value}]});
    let password = json!({"name": "daap-orders-app", "key": "password"});
    let key = json!({"name": "daap-orders-replication", "key": "tls.key"});
    let host = json!({"host": "daap-orders-rw"});
    let backup = json!({"recovery": {"backup": {"name": "daap-orders-1"}}});
    let labels = json!({"labels": {"cnpg.io/cluster": "daap-orders"}});
    let named = [
        (
            "… that replicates from ours by its password",
            external("password", password),
        ),
        ("… by its host", external("connectionParameters", host)),
        ("… by its certificate", external("sslKey", key)),
        (
            "… that recovers from our backup",
            json!({"bootstrap": backup}),
        ),
        (
            "… that uses our authority",
            json!({"certificates": {"serverCASecret": "daap-orders-ca"}}),
        ),
        (
            "… whose pods carry our labels",
            json!({"inheritedMetadata": labels}),
        ),
        (
            "… whose superuser has our password",
            json!({"superuserSecret": {"name": "daap-orders-app"}}),
        ),
    ];
    let begins = r#"{"spec":{"superuserSecret":{"name":"daap-orders-app"}}}"#;
    let change = ["label", "cluster/legacy", "tier=gold"];
    let mut cases = vec![
        create(
            "create a Cluster that is not ours",
            RULE,
            other(&json!({})),
            &everyone(),
        ),
        create("… a large one", RULE, large(), &everyone()),
        case("change one", RULE, &change, &everyone()),
        patch(
            "change one so that it has our password",
            RULE,
            "cluster/legacy",
            begins,
            &PLATFORM,
        ),
    ];
    cases.extend(named.map(|(what, spec)| create(what, RULE, other(&spec), &PLATFORM)));
    cases
}

/// Conditions and policies have a budget, and fail when it is spent: no ordinary object may come near.
fn large() -> Value {
    let external: Vec<Value> = (0..300)
        .map(|n| json!({"name": format!("source-{n}"), "password": {"name": format!("s-{n}"), "key": "p"}}))
        .collect();
    let mut large = other(&json!({"externalClusters": external}));
    let metadata = large["metadata"].as_object_mut().unwrap();
    let many = |name: &str| -> Value {
        let entries = (0..1000).map(|n| {
            (
                format!("example.com/{name}-{n}"),
                Value::from("x".repeat(60)),
            )
        });
        entries.collect::<serde_json::Map<_, _>>().into()
    };
    metadata.insert("labels".into(), many("label"));
    metadata.insert("annotations".into(), many("annotation"));
    large
}

/// What a Pooler that is not ours may not be given.
pub(super) fn templates() -> Vec<Case> {
    let pooler = |key: &str, value: Value| {
        let mut spec =
            json!({"cluster": {"name": "legacy"}, "instances": 1, "type": "rw", "pgbouncer": {}});
        spec[key] = value;
        object("Pooler", "other", &spec)
    };
    let template = |container: Value, volumes: Value| json!({"spec": {"containers": [container], "volumes": volumes}});
    let plain = json!({"name": "pgbouncer"});
    let secret = json!({"name": "daap-orders-app", "key": "password"});
    let given =
        json!({"name": "pgbouncer", "env": [{"name": "X", "valueFrom": {"secretKeyRef": secret}}]});
    let mounted = json!([{"name": "x", "secret": {"secretName": "daap-orders-app"}}]);
    let by_query = json!({"authQuery": "SELECT 1", "authQuerySecret": {"name": "daap-orders-app"}});
    [
        (
            "a Pooler that mounts our Secret",
            pooler("template", template(plain, mounted)),
        ),
        (
            "… is given it",
            pooler("template", template(given, json!([]))),
        ),
        ("… authenticates by it", pooler("pgbouncer", by_query)),
    ]
    .map(|(what, pooler)| create(what, RULE, pooler, &PLATFORM))
    .into()
}
