//! What goes wrong on demand goes wrong as with the real operator, and comes right when it stops.

use kube::api::{ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::database::{Database, HEALTHY, LIMIT, sandbox};

/// Asks for a fault, or for none.
async fn fault(database: &Database, target: &str, fault: Value) {
    let client = sandbox()
        .await
        .client(daap_tests::sandbox::User::Harness)
        .await;
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client, "daap-sandbox");
    // Nobody owns any of it: every test merges in a key of its own.
    let none = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "faults" } });
    let params = PatchParams::apply("suite");
    api.patch("faults", &params, &Patch::Apply(none))
        .await
        .unwrap();
    let key = format!("{}.{target}", database.namespace);
    let data = json!({ "data": { key: fault } });
    let params = PatchParams::default();
    api.patch("faults", &params, &Patch::Merge(data))
        .await
        .unwrap();
}

/// Waits until a pod of this role waits for one of these reasons.
async fn wait_waiting(database: &Database, selector: &str, reasons: &[&str]) -> Value {
    let pods = database.api("pods");
    let what = format!("a pod waits for {reasons:?}");
    let found = daap_tests::sandbox::wait_for(&what, LIMIT, async || {
        let pods = pods.list(&ListParams::default().labels(selector)).await?;
        Ok(pods.items.into_iter().find_map(|pod| {
            let waiting = &pod.data["status"]["containerStatuses"][0]["state"]["waiting"];
            reasons
                .contains(&waiting["reason"].as_str()?)
                .then(|| waiting.clone())
        }))
    });
    found.await.unwrap()
}

async fn events(database: &Database, reason: &str) -> Vec<String> {
    let what = format!("an event {reason}");
    let found = daap_tests::sandbox::wait_for(&what, LIMIT, async || {
        let events = database.api("events").list(&ListParams::default()).await?;
        let notes = events
            .items
            .iter()
            .filter(|event| event.data["reason"] == reason);
        let notes: Vec<String> = notes
            .filter_map(|event| Some(event.data["message"].as_str()?.to_owned()))
            .collect();
        Ok((!notes.is_empty()).then_some(notes))
    });
    found.await.unwrap()
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled() {
    let database = Database::named("image-pull", "daap-orders").await;
    fault(&database, "daap-orders", "image-pull".into()).await;
    database.apply(1).await;
    let selector = "cnpg.io/jobRole=initdb";
    let waiting = wait_waiting(&database, selector, &["ErrImagePull", "ImagePullBackOff"]).await;
    assert!(
        waiting["message"]
            .as_str()
            .unwrap()
            .contains("sandbox.local/postgresql:17.6")
    );
    let cluster = database.get("clusters", "daap-orders").await;
    assert_eq!(cluster["status"]["phase"], "Setting up primary");
    assert!(
        events(&database, "Failed")
            .await
            .iter()
            .any(|note| note.contains("sandbox.local/postgresql:17.6"))
    );
    fault(&database, "daap-orders", Value::Null).await;
    database.wait_ready(1).await;
}

#[tokio::test]
async fn an_image_whose_name_asks_for_it_cannot_be_pulled() {
    let database = Database::named("missing-image", "daap-orders").await;
    let mut manifest = database.cluster_manifest(1);
    manifest["spec"]["imageName"] = "registry.test/missing:17.6".into();
    database.apply_cluster(&manifest).await;
    wait_waiting(
        &database,
        "cnpg.io/jobRole=initdb",
        &["ErrImagePull", "ImagePullBackOff"],
    )
    .await;
}

#[tokio::test]
async fn a_volume_that_cannot_be_bound() {
    let database = Database::named("volume-unbound", "daap-orders").await;
    fault(&database, "daap-orders", "volume-unbound".into()).await;
    database.apply(1).await;
    events(&database, "ProvisioningFailed").await;
    events(&database, "FailedScheduling").await;
    let claim = database
        .get("persistentvolumeclaims", "daap-orders-1")
        .await;
    assert_eq!(claim["status"]["phase"], "Pending");
    let cluster = database.get("clusters", "daap-orders").await;
    assert_eq!(cluster["status"]["phase"], "Setting up primary");
    fault(&database, "daap-orders", Value::Null).await;
    database.wait_ready(1).await;
}

#[tokio::test]
async fn a_storage_class_that_does_not_exist() {
    let database = Database::named("no-class", "daap-orders").await;
    let mut manifest = database.cluster_manifest(1);
    manifest["spec"]["storage"]["storageClass"] = "nowhere".into();
    database.apply_cluster(&manifest).await;
    let notes = events(&database, "ProvisioningFailed").await;
    assert!(
        notes
            .iter()
            .any(|note| note.contains("\"nowhere\" not found")),
        "{notes:?}"
    );
}

#[tokio::test]
async fn a_pooler_that_crash_loops_stays_active() {
    let database = Database::named("pooler-crash", "daap-orders").await;
    fault(&database, "daap-orders-pooler", "pooler-crash".into()).await;
    database.apply(1).await;
    database
        .wait_cluster("the cluster is healthy", |status| {
            status["phase"] == HEALTHY
        })
        .await;
    wait_waiting(
        &database,
        "cnpg.io/poolerName=daap-orders-pooler",
        &["CrashLoopBackOff"],
    )
    .await;
    let pooler = database.get("poolers", "daap-orders-pooler").await;
    assert_eq!(pooler["status"]["phase"], "active");
    assert_eq!(pooler["status"]["instances"], 1);
    let deployment = database.get("deployments", "daap-orders-pooler").await;
    assert_eq!(deployment["status"]["availableReplicas"], Value::Null);
    fault(&database, "daap-orders-pooler", Value::Null).await;
    database.wait_ready(1).await;
    assert_eq!(database.sql_soon("SELECT 1").await, "1");
}

#[tokio::test]
async fn a_pooler_with_a_parameter_that_is_none_crash_loops() {
    let database = Database::ready("pooler-parameter", 1).await;
    let parameters = json!({ "max_client_conn": "many" });
    database
        .patch(
            "poolers",
            "daap-orders-pooler",
            json!({ "spec": { "pgbouncer": { "parameters": parameters } } }),
        )
        .await;
    database
        .api("pods")
        .delete_collection(
            &kube::api::DeleteParams::default(),
            &ListParams::default().labels("cnpg.io/poolerName"),
        )
        .await
        .unwrap();
    wait_waiting(
        &database,
        "cnpg.io/poolerName=daap-orders-pooler",
        &["CrashLoopBackOff"],
    )
    .await;
}

#[tokio::test]
async fn an_instance_that_is_never_healthy() {
    let database = Database::named("never-healthy", "daap-orders").await;
    fault(&database, "daap-orders", "never-healthy".into()).await;
    database.apply(1).await;
    let waits = |status: &Value| status["phase"] == "Waiting for the instances to become active";
    database.wait_cluster("the cluster waits", waits).await;
    fault(&database, "daap-orders", Value::Null).await;
    database.wait_ready(1).await;
}

#[tokio::test]
async fn hibernation_of_a_broken_cluster_waits() {
    let database = Database::named("broken", "daap-orders").await;
    fault(&database, "daap-orders", "image-pull".into()).await;
    database.apply(1).await;
    database.annotate("cnpg.io/hibernation", "on".into()).await;
    let waits = |status: &Value| {
        super::database::condition(status, "cnpg.io/hibernation") == ("False", "WaitingForHealthy")
    };
    database.wait_cluster("hibernation waits", waits).await;
}

#[tokio::test]
async fn a_pooler_without_its_cluster_is_inactive() {
    let database = Database::named("no-cluster", "daap-ghost").await;
    database.apply_pooler().await;
    let is_inactive = |pooler: &Value| pooler["status"]["phase"] == "inactive";
    let pooler = database
        .wait(
            "poolers",
            "daap-ghost-pooler",
            "the pooler is inactive",
            is_inactive,
        )
        .await;
    assert_eq!(
        pooler["status"]["phaseReason"],
        "Cluster \"daap-ghost\" not found"
    );
}

#[tokio::test]
async fn woken_without_its_volumes_it_is_unrecoverable_until_it_owns_them_again() {
    let database = Database::ready("unrecoverable", 1).await;
    database.delete("poolers", "daap-orders-pooler").await;
    database.hibernate().await;
    let claim = database
        .get("persistentvolumeclaims", "daap-orders-1")
        .await;
    database
        .detach("persistentvolumeclaims", "daap-orders-1")
        .await;
    database.annotate("cnpg.io/hibernation", "off".into()).await;
    let unrecoverable = |status: &Value| {
        status["phase"] == "Cluster is unrecoverable and needs manual intervention"
    };
    database
        .wait_cluster("it is unrecoverable", unrecoverable)
        .await;
    let owners = json!({ "metadata": { "ownerReferences": claim["metadata"]["ownerReferences"] } });
    database
        .patch("persistentvolumeclaims", "daap-orders-1", owners)
        .await;
    database
        .wait_cluster("it is healthy again", |status| status["phase"] == HEALTHY)
        .await;
}
