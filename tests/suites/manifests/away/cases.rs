//! Writes, and who of the users gets through with each.

use daap_tests::sandbox::User;
use daap_tests::sandbox::User::{Admin, BillingDev, Operator, PaymentsDev};
use serde_json::{Value, json};

use crate::ground::object;

/// A write.
pub(super) struct Case {
    /// In the words of the page.
    pub(super) what: &'static str,
    /// The rule that refuses it.
    pub(super) rule: &'static str,
    /// What is typed after `kubectl`.
    pub(super) words: Vec<&'static str>,
    pub(super) input: Option<Value>,
    /// Who gets through; `daap-orders` is of team payments.
    pub(super) may: Vec<User>,
}

fn case(what: &'static str, rule: &'static str, words: &[&'static str], may: &[User]) -> Case {
    Case {
        what,
        rule,
        words: words.to_vec(),
        input: None,
        may: may.to_vec(),
    }
}

fn create(what: &'static str, rule: &'static str, input: Value, may: &[User]) -> Case {
    Case {
        input: Some(input),
        ..case(what, rule, &["create", "-f", "-"], may)
    }
}

fn patch(
    what: &'static str,
    rule: &'static str,
    object: &'static str,
    patch: &'static str,
    may: &[User],
) -> Case {
    case(
        what,
        rule,
        &["patch", object, "--type=merge", "-p", patch],
        may,
    )
}

const ORDERS: &str = "cluster/daap-orders";
const POOLER: &str = "pooler/daap-orders-pooler";
/// The owner, and who may do everything.
const OWNER: [User; 3] = [PaymentsDev, Admin, Operator];
const NOBODY: [User; 0] = [];

pub(super) fn cases() -> Vec<Case> {
    [ownership(), immutable(), naming(), status(), neighbours()]
        .into_iter()
        .flatten()
        .collect()
}

fn cluster(name: &str, labels: &Value, spec: &Value) -> Value {
    let mut whole = json!({"instances": 1, "storage": {"size": "1Gi"}});
    for (key, value) in spec.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let mut cluster = object("Cluster", name, &whole);
    cluster["metadata"]["labels"] = labels.clone();
    cluster
}

fn record(name: &str) -> Value {
    json!({
        "daap.dev/name": name,
        "daap.dev/owner-team": "payments",
        "daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8",
    })
}

fn ownership() -> Vec<Case> {
    let rule = "ownership";
    vec![
        create(
            "create a database of team payments",
            rule,
            cluster("daap-shop", &record("shop"), &json!({})),
            &OWNER,
        ),
        case(
            "label the Cluster",
            rule,
            &["label", ORDERS, "tier=gold"],
            &OWNER,
        ),
        case(
            "hibernate it",
            rule,
            &["annotate", ORDERS, "cnpg.io/hibernation=on"],
            &OWNER,
        ),
        patch(
            "change its spec",
            rule,
            ORDERS,
            r#"{"spec":{"instances":2}}"#,
            &OWNER,
        ),
        case("delete the Cluster", rule, &["delete", ORDERS], &OWNER),
        case(
            "delete every Cluster",
            rule,
            &["delete", "clusters", "-l", "daap.dev/name=orders"],
            &OWNER,
        ),
        case(
            "label the Pooler",
            rule,
            &["label", POOLER, "tier=gold"],
            &OWNER,
        ),
        case("delete the Pooler", rule, &["delete", POOLER], &OWNER),
        case(
            "offer it to team billing",
            rule,
            &["annotate", ORDERS, "daap.dev/offered-to=billing"],
            &OWNER,
        ),
        case(
            "give it to team billing outright",
            rule,
            &[
                "label",
                ORDERS,
                "--overwrite",
                "daap.dev/owner-team=billing",
            ],
            &[Admin, Operator],
        ),
        case(
            "take it to team billing when that was offered",
            rule,
            &[
                "label",
                "cluster/daap-offered",
                "--overwrite",
                "daap.dev/owner-team=billing",
            ],
            &[BillingDev, Admin, Operator],
        ),
        patch(
            "take it, and change its spec with that",
            rule,
            "cluster/daap-offered",
            r#"{"metadata":{"labels":{"daap.dev/owner-team":"billing"}},"spec":{"instances":3}}"#,
            &[Admin, Operator],
        ),
    ]
}

fn immutable() -> Vec<Case> {
    let rule = "immutable";
    vec![
        case(
            "change the id",
            rule,
            &[
                "label",
                ORDERS,
                "--overwrite",
                "daap.dev/id=67e55044-10b1-426f-9247-bb680e5fe0c8",
            ],
            &NOBODY,
        ),
        case(
            "remove the id",
            rule,
            &["label", ORDERS, "daap.dev/id-"],
            &NOBODY,
        ),
        case(
            "change the name",
            rule,
            &["label", ORDERS, "--overwrite", "daap.dev/name=other"],
            &NOBODY,
        ),
        case(
            "remove the owner",
            rule,
            &["label", ORDERS, "daap.dev/owner-team-"],
            &NOBODY,
        ),
        patch(
            "remove every label",
            rule,
            ORDERS,
            r#"{"metadata":{"labels":null}}"#,
            &NOBODY,
        ),
        case(
            "change who created it",
            "history",
            &[
                "annotate",
                ORDERS,
                "--overwrite",
                "daap.dev/created-by=mallory",
            ],
            &NOBODY,
        ),
        case(
            "remove when it was created",
            "history",
            &["annotate", ORDERS, "daap.dev/created-at-"],
            &NOBODY,
        ),
        patch(
            "change the storage class",
            rule,
            ORDERS,
            r#"{"spec":{"storage":{"storageClass":"fixed"}}}"#,
            &[Operator],
        ),
        patch(
            "change what it was made from",
            rule,
            ORDERS,
            r#"{"spec":{"bootstrap":{"recovery":{"source":"other"}}}}"#,
            &[Operator],
        ),
        patch(
            "point the Pooler at another Cluster",
            rule,
            POOLER,
            r#"{"spec":{"cluster":{"name":"daap-offered"}}}"#,
            &[Operator],
        ),
    ]
}

fn naming() -> Vec<Case> {
    let rule = "naming";
    let pooler = |name: &str| {
        let spec = json!({"cluster": {"name": "daap-orders"}, "instances": 1, "type": "rw", "pgbouncer": {}});
        let mut pooler = object("Pooler", name, &spec);
        pooler["metadata"]["labels"] = json!({"daap.dev/owner-team": "payments"});
        pooler
    };
    let none = json!({});
    vec![
        create(
            "create a Cluster daap-… without labels",
            "required",
            cluster("daap-shop", &none, &none),
            &NOBODY,
        ),
        create(
            "call a Cluster otherwise than its label",
            rule,
            cluster("daap-shop", &record("other"), &none),
            &NOBODY,
        ),
        create(
            "label a Cluster that is not called daap-…",
            rule,
            cluster("shop", &record("shop"), &none),
            &NOBODY,
        ),
        case(
            "label one that is there",
            rule,
            &["label", "cluster/legacy", "daap.dev/owner-team=payments"],
            &NOBODY,
        ),
        create(
            "take the name of another's Pooler",
            rule,
            cluster("daap-orders-pooler", &record("orders-pooler"), &none),
            &NOBODY,
        ),
        create(
            "call a Cluster too long",
            rule,
            cluster(
                "daap-a234567890123456789012345678901234567890",
                &record("a234567890123456789012345678901234567890"),
                &none,
            ),
            &NOBODY,
        ),
        create(
            "call a Pooler of a database daap-anything",
            rule,
            pooler("daap-anything"),
            &NOBODY,
        ),
        create("call one otherwise", rule, pooler("readers"), &OWNER),
    ]
}

fn status() -> Vec<Case> {
    let patch = r#"{"status":{"targetPrimary":"daap-orders-2"}}"#;
    let words = |object| {
        [
            "patch",
            object,
            "--subresource=status",
            "--type=merge",
            "-p",
            patch,
        ]
    };
    vec![
        case(
            "write the status of the Cluster (a switchover)",
            "ownership",
            &words(ORDERS),
            &OWNER,
        ),
        case(
            "write the status of the Pooler",
            "ownership",
            &words(POOLER),
            &OWNER,
        ),
    ]
}

fn neighbours() -> Vec<Case> {
    let rule = "neighbours";
    let other = |spec: &Value| cluster("other", &json!({}), spec);
    let pooler = |spec: &Value| {
        let mut whole =
            json!({"cluster": {"name": "legacy"}, "instances": 1, "type": "rw", "pgbouncer": {}});
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        object("Pooler", "other", &whole)
    };
    let secret = json!({"name": "daap-orders-app", "key": "password"});
    let external = |more: &Value| {
        let mut cluster = json!({"name": "source"});
        for (key, value) in more.as_object().unwrap() {
            cluster[key] = value.clone();
        }
        json!({"externalClusters": [cluster]})
    };
    let everyone = [PaymentsDev, BillingDev, User::Outsider, Admin, Operator];
    let platform = [Admin, Operator];
    vec![
        create(
            "create a Cluster that is not ours",
            rule,
            other(&json!({})),
            &everyone,
        ),
        case(
            "change one",
            rule,
            &["label", "cluster/legacy", "tier=gold"],
            &everyone,
        ),
        create(
            "… that replicates from ours by its password",
            rule,
            other(&external(&json!({"password": secret}))),
            &platform,
        ),
        create(
            "… by its host",
            rule,
            other(&external(
                &json!({"connectionParameters": {"host": "daap-orders-rw"}}),
            )),
            &platform,
        ),
        create(
            "… by its certificate",
            rule,
            other(&external(
                &json!({"sslKey": {"name": "daap-orders-replication", "key": "tls.key"}}),
            )),
            &platform,
        ),
        create(
            "… that recovers from our backup",
            rule,
            other(&json!({"bootstrap": {"recovery": {"backup": {"name": "daap-orders-1"}}}})),
            &platform,
        ),
        create(
            "… that uses our authority",
            rule,
            other(&json!({"certificates": {"serverCASecret": "daap-orders-ca"}})),
            &platform,
        ),
        create(
            "… whose pods carry our labels",
            rule,
            other(&json!({"inheritedMetadata": {"labels": {"cnpg.io/cluster": "daap-orders"}}})),
            &platform,
        ),
        create(
            "… whose superuser has our password",
            rule,
            other(&json!({"superuserSecret": {"name": "daap-orders-app"}})),
            &platform,
        ),
        patch(
            "… and an old one that begins to",
            rule,
            "cluster/legacy",
            r#"{"spec":{"superuserSecret":{"name":"daap-orders-app"}}}"#,
            &platform,
        ),
        create(
            "a Pooler that mounts our Secret",
            rule,
            pooler(&json!({"template": {"spec": {"containers": [],
            "volumes": [{"name": "x", "secret": {"secretName": "daap-orders-app"}}]}}})),
            &platform,
        ),
        create(
            "… is given it",
            rule,
            pooler(
                &json!({"template": {"spec": {"containers": [{"name": "pgbouncer",
            "env": [{"name": "X", "valueFrom": {"secretKeyRef": secret}}]}]}}}),
            ),
            &platform,
        ),
        create(
            "… authenticates by it",
            rule,
            pooler(&json!({"pgbouncer": {"authQuery": "SELECT 1",
            "authQuerySecret": {"name": "daap-orders-app"}}})),
            &platform,
        ),
    ]
}
