//! A database that never becomes ready: image, volume, quota, node, Job.

use daap_tests::place::{Place, creation, eventually, run, text};
use daap_tests::sandbox::User;
use serde_json::{Value, json};

use crate::advice::{NAME, advises, begin, explained, follow, ready, shown, shows};

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_cannot_be_pulled() {
    let place = Place::shared("understand-image").await;
    begin(&place, &["--image", "registry.test/missing:17.6"]);
    let said = explained(&place, "image").await;
    assert_eq!(
        said["verdict"],
        "the image registry.test/missing:17.6 cannot be pulled: there is no such image"
    );
    shows(&said, "Pod/daap-orders-1-initdb-", "ErrImagePull");
    advises(
        &said,
        "kubectl daap delete orders --force --purge -n understand-image",
    );
    let shown = place.done(&["explain", NAME]);
    assert!(
        shown.starts_with("database/orders: provisioning (setting up primary)\n\nWhy:\n"),
        "{shown}"
    );
    let one = place.done(&["explain", NAME, "-o", "jsonpath={.cause}"]);
    assert_eq!(one.trim(), "image");
    // The whole of it, and what happened.
    let described = place.done(&["describe", NAME]);
    for part in [
        "Name:",
        "Owner Team:",
        "registry.test/missing:17.6",
        "ErrImagePull",
        "Events:",
        "created",
    ] {
        assert!(described.contains(part), "{part}: {described}");
    }
    let events = place.done(&["events", NAME, "--types", "Warning"]);
    assert!(
        events.contains("Failed to pull image") && !events.contains("Normal"),
        "{events}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_class_that_there_is_not() {
    let place = Place::shared("understand-class").await;
    // Past the webhook's policy nobody names one that it does not allow.
    begin(&place, &["--storage-class", "nowhere"]);
    let said = explained(&place, "volume").await;
    assert!(
        said["verdict"]
            .as_str()
            .unwrap()
            .contains("no storage class 'nowhere'"),
        "{said:#}"
    );
    shows(&said, "PersistentVolumeClaim/daap-orders-1", "not found");
    advises(&said, "--storage-class <class>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_is_used_up_and_raised() {
    let place = Place::shared("understand-quota").await;
    place.kubectl(&["create", "quota", "small", "--hard=pods=0"], None);
    // No controller of quotas runs here: what it would write.
    let limit = |pods: &str| {
        let status = json!({"status": {"hard": {"pods": pods}, "used": {"pods": "0"}}}).to_string();
        let patch = [
            "patch",
            "quota",
            "small",
            "--subresource=status",
            "--type=merge",
            "-p",
            &status,
        ];
        place.kubectl(&patch, None);
    };
    limit("0");
    eventually("the quota is in force", || {
        let mut try_one = place.sandbox.kubectl(User::Admin);
        try_one.args([
            "run",
            "probe",
            "--image=x",
            "--dry-run=server",
            "-n",
            place.namespace,
        ]);
        text(&run(&mut try_one, None))
            .contains("exceeded quota")
            .then_some(())
    })
    .await;
    begin(&place, &[]);
    let said = explained(&place, "quota").await;
    assert_eq!(
        said["verdict"],
        "the quota 'small' of the namespace allows no more: requested: pods=1, used: pods=0, limited: pods=0"
    );
    let both = [
        ("Job/daap-orders-1-initdb", "event FailedCreate"),
        ("Deployment/daap-orders-pooler", "condition ReplicaFailure"),
    ];
    for (object, words) in both {
        shown(&place, "quota", object, words).await;
    }
    limit("10");
    ready(&place).await;
    assert_eq!(explained(&place, "none").await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_no_node_can_take() {
    let place = Place::shared("understand-cpu").await;
    // Before its first pod is made, so that the first one asks for it.
    created_with(&place, "resources", &json!({"requests": {"cpu": "64"}}));
    let said = explained(&place, "scheduling").await;
    let verdict = said["verdict"].as_str().unwrap();
    assert!(
        verdict.ends_with("1 Insufficient cpu; it asks for cpu 64"),
        "{verdict}"
    );
    shows(&said, "Pod/daap-orders-1-initdb-", "Unschedulable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_again_and_again() {
    let place = Place::shared("understand-job").await;
    let bootstrap = json!({"initdb": {
        "database": "app", "owner": "app", "localeCollate": "xx_XX", "localeCType": "xx_XX",
    }});
    created_with(&place, "bootstrap", &bootstrap);
    let said = explained(&place, "job").await;
    shows(&said, "Pod/daap-orders-1-initdb-", "Error (exit code 1)");
    advises(&said, "kubectl logs daap-orders-1-initdb-");
    // Its remedy is one: nothing of it is left in the way.
    place.done(&["delete", NAME, "--force", "--purge", "--yes"]);
    follow(&place, &said, "kubectl daap create");
    ready(&place).await;
}

/// Created as `create` would, but for this field of the Cluster's spec.
fn created_with(place: &Place<'_>, field: &str, value: &Value) {
    let shown = ["--storage", "1Gi", "--dry-run=client", "-o", "json"];
    let mut list = place.json(&[&creation(NAME)[..], &shown].concat());
    for object in list["items"].as_array_mut().unwrap() {
        if object["kind"] == "Cluster" {
            object["spec"][field] = value.clone();
        }
        place.kubectl_by(User::PaymentsDev, &["apply", "-f", "-"], Some(object));
    }
}
