//! A recorded review, decided by the cluster that is there.

use std::process::Output;

use daap_tests::sandbox::User;
use serde_json::{Value, json};

use crate::place::{Crds, Place};

/// The review of a change that is no matter of the record, so that mutation adds nothing to it.
fn change_by(user: User, place: &Place, cluster: &Value) -> Value {
    let mut changed = cluster.clone();
    changed["spec"]["logLevel"] = "debug".into();
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "postgresql.cnpg.io", "version": "v1", "kind": "Cluster"},
            "resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "clusters"},
            "name": "daap-orders", "namespace": place.namespace, "operation": "UPDATE",
            "userInfo": {"username": user.name(), "groups": user.groups()},
            "object": changed, "oldObject": cluster, "dryRun": false,
        },
    })
}

fn decide(place: &Place, review: &Value) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (review, policy) = (
        file("review.json", &review.to_string()),
        file("policy.yaml", "{}"),
    );
    let mut command = place.sandbox.webhook(User::Webhook);
    command
        .arg("review")
        .arg(review)
        .arg("--policy")
        .arg(policy);
    command.arg("--live").output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_review_is_decided_by_the_cluster_that_is_there() {
    let place = Place::of(Crds::Own, "recorded").await.unwrap();
    let cluster = place.create_orders();
    for (user, allowed) in [(User::PaymentsDev, true), (User::BillingDev, false)] {
        let review = change_by(user, &place, &cluster);
        let decided = decide(&place, &review);
        let answer: Value = serde_json::from_slice(&decided.stdout)
            .unwrap_or_else(|error| panic!("{error}: {decided:?}"));
        let response = &answer["response"];
        assert_eq!(response["uid"], review["request"]["uid"]);
        assert_eq!(response["allowed"], allowed, "{user}: {response}");
        assert_eq!(decided.status.success(), allowed, "{user}");
        let said = response["status"]["message"].as_str().unwrap_or_default();
        assert_eq!(said.contains("[ownership]"), !allowed, "{user}: {said}");
    }
    // Nothing was written.
    assert_eq!(place.read("cluster/daap-orders"), cluster);
}
