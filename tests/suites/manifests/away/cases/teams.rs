use daap_tests::sandbox::User::{Admin, BillingDev, Operator};
use serde_json::json;

use super::{Case, ORDERS, OWNER, POOLER, case, cluster, create, patch, record};

pub(super) fn ownership() -> Vec<Case> {
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

pub(super) fn status() -> Vec<Case> {
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
