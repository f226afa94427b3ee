//! The life of a database: rows and passwords survive what they are to survive.

use serde_json::{Value, json};

use crate::database::{BUSY, Database, HEALTHY, LIMIT, ROWS, condition};

/// How long an instance that stops waits for its sessions.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

#[tokio::test]
async fn rows_written_before_a_pod_is_restarted_are_there_after() {
    let database = Database::with_rows("restart", 1).await;
    let before = database.get("pods", "daap-orders-1").await;
    let params = kube::api::DeleteParams::default().grace_period(1);
    database
        .api("pods")
        .delete("daap-orders-1", &params)
        .await
        .unwrap();
    let is_new =
        |pod: &Value| !pod.is_null() && pod["metadata"]["uid"] != before["metadata"]["uid"];
    database
        .wait("pods", "daap-orders-1", "the pod is made again", is_new)
        .await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
    database.wait_ready(1).await;
}

#[tokio::test]
async fn a_database_detached_and_restored_has_its_rows_and_password() {
    let database = Database::with_rows("restore", 2).await;
    let password = database.password().await;
    database.delete("poolers", &database.pooler()).await;
    database.hibernate().await;
    let hibernated = database.get("clusters", "daap-orders").await;
    let status = &hibernated["status"];
    // What makes it hard to tell: CNPG says all is well while nothing runs.
    assert_eq!(status["phase"], HEALTHY);
    assert_eq!(condition(status, "Ready").0, "True");
    assert_eq!(status["readyInstances"], Value::Null);

    for claim in ["daap-orders-1", "daap-orders-2"] {
        database.detach("persistentvolumeclaims", claim).await;
    }
    database.detach("secrets", "daap-orders-app").await;
    database.delete("clusters", "daap-orders").await;
    for (plural, name) in [
        ("clusters", "daap-orders"),
        ("secrets", "daap-orders-ca"),
        ("services", "daap-orders-rw"),
        ("deployments", "daap-orders-pooler"),
    ] {
        database.wait_gone(plural, name).await;
    }
    assert_eq!(database.password().await, password);

    database.apply(1).await;
    // Both volumes are adopted, then the one too many goes.
    database
        .wait_gone("persistentvolumeclaims", "daap-orders-2")
        .await;
    database.wait_ready(1).await;
    assert_eq!(database.password().await, password);
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}

#[tokio::test]
async fn deleting_a_cluster_destroys_its_data() {
    let database = Database::with_rows("destroy", 1).await;
    let claim = database
        .get("persistentvolumeclaims", "daap-orders-1")
        .await;
    let volume = claim["spec"]["volumeName"].as_str().unwrap().to_owned();
    database.delete("poolers", "daap-orders-pooler").await;
    database.delete("clusters", "daap-orders").await;
    database
        .wait_gone("persistentvolumeclaims", "daap-orders-1")
        .await;
    database.wait_gone("pods", "daap-orders-1").await;
    let volumes: kube::Api<k8s_openapi::api::core::v1::PersistentVolume> =
        kube::Api::all(database.client.clone());
    let gone = daap_tests::sandbox::wait_for("the volume is gone", LIMIT, async || {
        Ok(volumes.get_opt(&volume).await?.is_none().then_some(()))
    });
    gone.await.unwrap();
}

#[tokio::test]
async fn woken_from_hibernation_it_has_its_rows() {
    let database = Database::with_rows("wake", 1).await;
    database.delete("poolers", &database.pooler()).await;
    database.hibernate().await;
    database.wait_gone("pods", "daap-orders-1").await;
    database.annotate("cnpg.io/hibernation", "off".into()).await;
    database.apply_pooler().await;
    database.wait_ready(1).await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}

#[tokio::test]
async fn hibernation_waits_for_clients_and_not_without_the_pooler() {
    let database = Database::with_rows("clients", 1).await;
    let until = database.keep_busy("daap-orders-1").await;
    let (answer, ()) = tokio::join!(database.sql(BUSY), async {
        database.until_busy("daap-orders-1").await;
        database.annotate("cnpg.io/hibernation", "on".into()).await;
        let waits = |status: &Value| {
            condition(status, "cnpg.io/hibernation") == ("False", "WaitingPodsDeletion")
        };
        database.wait_cluster("it waits for its pod", waits).await;
        until.close().unwrap();
    });
    assert_eq!(answer.unwrap(), "done", "it was not cut");
    // The pooler's idle sessions alone hold it up now.
    let begun = std::time::Instant::now();
    database.delete("poolers", "daap-orders-pooler").await;
    database.wait_gone("pods", "daap-orders-1").await;
    assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn deleting_a_hibernated_cluster_destroys_its_data_all_the_same() {
    let database = Database::with_rows("destroy-asleep", 1).await;
    database.delete("poolers", "daap-orders-pooler").await;
    database.hibernate().await;
    database.delete("clusters", "daap-orders").await;
    database
        .wait_gone("persistentvolumeclaims", "daap-orders-1")
        .await;
}

#[tokio::test]
async fn instances_come_and_go() {
    let database = Database::with_rows("scaling", 1).await;
    database
        .patch(
            "clusters",
            "daap-orders",
            json!({ "spec": { "instances": 3 } }),
        )
        .await;
    database.wait_ready(3).await;
    assert_eq!(
        database
            .sql_soon("SELECT count(*) FROM pg_stat_replication")
            .await,
        "2"
    );
    database
        .patch(
            "clusters",
            "daap-orders",
            json!({ "spec": { "instances": 1 } }),
        )
        .await;
    for instance in ["daap-orders-2", "daap-orders-3"] {
        database.wait_gone("persistentvolumeclaims", instance).await;
        database.wait_gone("pods", instance).await;
    }
    database.wait_ready(1).await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}

#[tokio::test]
async fn fencing_stops_it_with_sessions_open() {
    let database = Database::with_rows("fence", 1).await;
    // The pooler keeps its session to the server open.
    let begun = std::time::Instant::now();
    database
        .annotate("cnpg.io/fencedInstances", "[\"*\"]".into())
        .await;
    database
        .wait_cluster("no instance is ready", |status| {
            status["readyInstances"].is_null()
        })
        .await;
    let file = database
        .volume("daap-orders-1")
        .await
        .join("pgdata/postmaster.pid");
    let stopped = daap_tests::sandbox::wait_for("postgres has stopped", LIMIT, async || {
        // Its own last act: it is there still after a crash.
        Ok((!file.exists()).then_some(()))
    });
    stopped.await.unwrap();
    // Sessions would be waited for for twenty seconds.
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(!database.get("pods", "daap-orders-1").await.is_null());
    database
        .annotate("cnpg.io/fencedInstances", Value::Null)
        .await;
    database.wait_ready(1).await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}

#[tokio::test]
async fn a_volume_grows_where_its_class_can() {
    let database = Database::ready("growing", 1).await;
    database
        .patch(
            "clusters",
            "daap-orders",
            json!({ "spec": { "storage": { "size": "2Gi" } } }),
        )
        .await;
    let has_grown = |claim: &Value| claim["status"]["capacity"]["storage"] == "2Gi";
    database
        .wait(
            "persistentvolumeclaims",
            "daap-orders-1",
            "the claim has grown",
            has_grown,
        )
        .await;
}

#[tokio::test]
async fn a_volume_that_cannot_grow_keeps_the_database_from_starting_again() {
    let database = Database::named("stuck-growing", "daap-orders").await;
    let mut manifest = database.cluster_manifest(1);
    manifest["spec"]["storage"]["storageClass"] = "fixed".into();
    database.apply_cluster(&manifest).await;
    database
        .wait_cluster("the cluster is healthy", |status| {
            status["phase"] == HEALTHY
        })
        .await;
    let bigger = json!({ "spec": {
        "storage": { "size": "2Gi" }, "inheritedMetadata": { "labels": { "bigger": "yes" } },
    }});
    database.patch("clusters", "daap-orders", bigger).await;
    // From then on the operator knows.
    let seen = |claim: &Value| claim["metadata"]["labels"]["bigger"] == "yes";
    let what = "the operator has seen it";
    database
        .wait("persistentvolumeclaims", "daap-orders-1", what, seen)
        .await;
    database.delete("pods", "daap-orders-1").await;
    let status = database
        .wait_cluster("the instance is down", |status| {
            !status["danglingPVC"].is_null()
        })
        .await;
    assert_eq!(status["status"]["readyInstances"], Value::Null);
    assert_eq!(
        status["status"]["phase"], HEALTHY,
        "as if nothing were wrong"
    );
    // It stays down: the claim was refused more, and nothing is started before it has it.
    let claim = database
        .get("persistentvolumeclaims", "daap-orders-1")
        .await;
    assert_eq!(claim["status"]["capacity"]["storage"], "1Gi");
    assert!(database.get("pods", "daap-orders-1").await.is_null());
}
