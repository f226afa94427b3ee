//! What the stand-in writes on objects, whether or not recordings are at hand.

use serde_json::{Value, json};

use crate::database::Database;

#[tokio::test]
async fn metadata_is_inherited_by_what_may_and_by_nothing_else() {
    let database = Database::ready("metadata", 1).await;
    let inherits = async |plural: &str, name: &str| {
        let object = database.get(plural, name).await;
        assert!(!object.is_null(), "{plural}/{name}");
        let metadata = &object["metadata"];
        (
            metadata["labels"]["daap.dev/name"] == "orders",
            metadata["annotations"]["daap.dev/id"] == "6b0b8d3e",
        )
    };
    for (plural, name) in [
        ("pods", "daap-orders-1"),
        ("persistentvolumeclaims", "daap-orders-1"),
        ("secrets", "daap-orders-app"),
        ("services", "daap-orders-rw"),
    ] {
        assert_eq!(
            inherits(plural, name).await,
            (true, true),
            "{plural}/{name}"
        );
    }
    for (plural, name) in [
        ("secrets", "daap-orders-ca"),
        ("secrets", "daap-orders-server"),
        ("secrets", "daap-orders-replication"),
        ("secrets", "daap-orders-pooler"),
        ("services", "daap-orders-pooler"),
        ("deployments", "daap-orders-pooler"),
    ] {
        assert_eq!(
            inherits(plural, name).await,
            (false, false),
            "{plural}/{name}"
        );
    }
    database
        .patch(
            "clusters",
            "daap-orders",
            json!({
                "spec": { "inheritedMetadata": { "labels": { "daap.dev/owner-team": "billing" } } },
            }),
        )
        .await;
    let follows = |claim: &Value| claim["metadata"]["labels"]["daap.dev/owner-team"] == "billing";
    for (plural, name) in [
        ("persistentvolumeclaims", "daap-orders-1"),
        ("pods", "daap-orders-1"),
        ("secrets", "daap-orders-app"),
    ] {
        database
            .wait(plural, name, "the new label is inherited", follows)
            .await;
    }
}

#[tokio::test]
async fn it_says_that_it_is_a_stand_in() {
    let database = Database::ready("stand-in", 1).await;
    for (plural, name) in [
        ("pods", "daap-orders-1"),
        ("persistentvolumeclaims", "daap-orders-1"),
        ("secrets", "daap-orders-app"),
        ("services", "daap-orders-pooler"),
        ("deployments", "daap-orders-pooler"),
    ] {
        let object = database.get(plural, name).await;
        let mark = &object["metadata"]["annotations"]["sandbox.daap.dev/stand-in"];
        assert!(
            mark.as_str()
                .is_some_and(|mark| mark.contains("sandbox operator")),
            "{plural}/{name}"
        );
    }
    let events = database
        .api("events")
        .list(&kube::api::ListParams::default())
        .await
        .unwrap();
    assert!(
        events
            .items
            .iter()
            .any(|event| event.data["reason"] == "CreatingInstance")
    );
    for event in events {
        assert_eq!(event.data["reportingComponent"], "daap-sandbox-operator");
    }
}

#[tokio::test]
async fn a_secret_that_is_already_there_is_used_as_it_is() {
    let database = Database::named("own-secret", "daap-orders").await;
    let secret: kube::api::DynamicObject = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth",
        "metadata": { "name": "daap-orders-app" },
        "stringData": { "username": "app", "password": "mine" },
    }))
    .unwrap();
    database
        .api("secrets")
        .create(&kube::api::PostParams::default(), &secret)
        .await
        .unwrap();
    database.apply(1).await;
    database.wait_ready(1).await;
    assert_eq!(database.sql_as("mine", "SELECT 1").await.unwrap(), "1");
    assert!(
        database.get("secrets", "daap-orders-app").await["metadata"]["ownerReferences"].is_null()
    );
}
