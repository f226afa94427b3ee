use daap_tests::sandbox::User::Operator;
use serde_json::json;

use super::{Case, NOBODY, ORDERS, OWNER, case, cluster, create, patch, record};
use crate::ground::object;

pub(super) fn immutable() -> Vec<Case> {
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
    ]
}

pub(super) fn naming() -> Vec<Case> {
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
