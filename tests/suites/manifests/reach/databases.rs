use daap_tests::sandbox::User;
use serde_json::json;

use super::{CREATE, Dead, cluster, pooler};

const VALIDATE: &str = "validate.admission.daap.dev";
const NEIGHBOURS: &str = "neighbours.admission.daap.dev";

#[tokio::test(flavor = "multi_thread")]
async fn governed_is_what_is_or_was_called_or_labelled_so() {
    let dead = Dead::with("ValidatingWebhookConfiguration", true).await;
    dead.asked(VALIDATE, CREATE, Some(&cluster("daap-new", &json!({}))));
    dead.asked(
        VALIDATE,
        CREATE,
        Some(&cluster("other", &json!({"daap.dev/name": "other"}))),
    );
    dead.asked(VALIDATE, CREATE, Some(&pooler("other", "daap-orders")));
    let mut generated = cluster("", &json!({}));
    generated["metadata"] = json!({"generateName": "daap-"});
    dead.asked(VALIDATE, CREATE, Some(&generated));
    for words in [
        &["label", "cluster/daap-orders", "tier=gold"][..],
        &["annotate", "cluster/daap-orders", "cnpg.io/hibernation=on"],
        // The old object was ours: taking the label off is no way around.
        &["label", "cluster/labelled", "daap.dev/owner-team-"],
        &["label", "cluster/legacy", "daap.dev/owner-team=billing"],
        &["label", "pooler/readers", "tier=gold"],
        &["delete", "cluster/daap-orders", "--dry-run=server"],
        &["delete", "cluster/labelled", "--dry-run=server"],
        &["delete", "pooler/readers", "--dry-run=server"],
        &["scale", "cluster/daap-orders", "--replicas=3"],
        &["scale", "pooler/daap-orders-pooler", "--replicas=3"],
    ] {
        dead.asked(VALIDATE, words, None);
    }
    // Conditions have a budget: no object that the API server takes spends it.
    let many = |name: &str| {
        let mut large = cluster(name, &json!({}));
        for map in ["labels", "annotations"] {
            let entries =
                (0..1500).map(|n| (format!("example.com/{map}-{n}"), "x".repeat(60).into()));
            let entries: serde_json::Map<_, _> = entries.collect();
            large["metadata"][map] = entries.into();
        }
        large
    };
    dead.asked(VALIDATE, CREATE, Some(&many("daap-large")));
    dead.asked(NEIGHBOURS, CREATE, Some(&many("large")));
    // What is not ours, and a Pooler's Scale, which does not say whose it is.
    let mut anonymous = cluster("", &json!({}));
    anonymous["metadata"] = json!({"generateName": "other-"});
    dead.asked(NEIGHBOURS, CREATE, Some(&anonymous));
    dead.asked(NEIGHBOURS, &["label", "cluster/legacy", "tier=gold"], None);
    dead.asked(
        NEIGHBOURS,
        &["scale", "pooler/readers", "--replicas=3"],
        None,
    );
    dead.not_asked(
        User::Admin,
        &["scale", "cluster/legacy", "--replicas=3"],
        None,
    );
    dead.not_asked(
        User::Admin,
        &["delete", "cluster/legacy", "--dry-run=server"],
        None,
    );
    dead.sandbox.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_ours_is_completed() {
    let dead = Dead::with("MutatingWebhookConfiguration", false).await;
    let mutate = "mutate.admission.daap.dev";
    dead.asked(mutate, CREATE, Some(&cluster("daap-new", &json!({}))));
    dead.asked(mutate, CREATE, Some(&pooler("other", "daap-orders")));
    dead.asked(mutate, &["label", "cluster/daap-orders", "tier=gold"], None);
    dead.not_asked(User::Outsider, CREATE, Some(&cluster("other", &json!({}))));
    dead.not_asked(
        User::Outsider,
        &["label", "cluster/legacy", "tier=gold"],
        None,
    );
    dead.not_asked(
        User::Operator,
        &[
            "patch",
            "cluster/daap-orders",
            "--type=merge",
            "-p",
            r#"{"spec":{"logLevel":"debug"}}"#,
        ],
        None,
    );
    dead.not_asked(
        User::Admin,
        &["scale", "cluster/daap-orders", "--replicas=3"],
        None,
    );
    dead.not_asked(User::Admin, &["delete", "cluster/daap-orders"], None);
    dead.sandbox.stop().await.unwrap();
}
