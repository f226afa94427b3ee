//! What an earlier Cluster of the name left behind, and what the next one makes of it.

use daap_tests::sandbox::wait_for;
use serde_json::{Value, json};

use crate::{
    database::{BUSY, Database, HEALTHY, LIMIT, ROWS},
    leave::{detach, gone, leave},
};

const CLAIM: &str = "daap-orders-1";

/// The data of a table, empty where there is none.
async fn table(database: &Database) -> String {
    database.sql_soon("SELECT to_regclass('orders')").await
}

#[tokio::test]
async fn without_the_clusters_label_the_data_is_set_aside() {
    set_aside(
        "unlabelled",
        json!({ "labels": { "cnpg.io/cluster": null } }),
    )
    .await;
}

#[tokio::test]
async fn without_its_serial_the_data_is_set_aside() {
    set_aside(
        "unnumbered",
        json!({ "annotations": { "cnpg.io/nodeSerial": null } }),
    )
    .await;
}

/// The next Cluster starts empty, on the same volume, where the rows lie under another name.
async fn set_aside(namespace: &str, metadata: Value) {
    let database = Database::with_rows(namespace, 1).await;
    leave(&database, &[]).await;
    let uid = database.get("persistentvolumeclaims", CLAIM).await["metadata"]["uid"].clone();
    database
        .patch(
            "persistentvolumeclaims",
            CLAIM,
            json!({ "metadata": metadata }),
        )
        .await;
    database.apply(1).await;
    database.wait_ready(1).await;
    assert_eq!(table(&database).await, "");
    let claim = database.get("persistentvolumeclaims", CLAIM).await;
    assert_eq!(claim["metadata"]["uid"], uid, "the same volume");
    let folders = std::fs::read_dir(database.volume(CLAIM).await).unwrap();
    let folders = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let aside = folders.filter(|name| name.starts_with("pgdata_")).count();
    assert_eq!(aside, 1);
}

#[tokio::test]
async fn a_volume_that_somebody_owns_is_not_adopted() {
    let database = Database::with_rows("foreign", 1).await;
    leave(&database, &[]).await;
    // An owner that is there, so that the garbage collector leaves the volume alone.
    let owner = database.get("configmaps", "kube-root-ca.crt").await;
    let owner = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt",
        "uid": owner["metadata"]["uid"],
    }]);
    let patch = json!({ "metadata": { "ownerReferences": owner } });
    database.patch("persistentvolumeclaims", CLAIM, patch).await;
    database.apply(1).await;
    let begun = |status: &Value| status["phase"] == "Setting up primary";
    database.wait_cluster("it begins", begun).await;
    let claim = database.get("persistentvolumeclaims", CLAIM).await;
    assert_eq!(claim["metadata"]["ownerReferences"], owner);
}

#[tokio::test]
async fn deleted_during_initdb_it_comes_back_healthy_without_its_database() {
    let database = Database::named("half-made", "daap-orders").await;
    let mut manifest = database.cluster_manifest(1);
    // Between the role and its database.
    let slow = json!({ "initdb": {
        "database": "app", "owner": "app", "postInitSQL": ["SELECT pg_sleep(600)"],
    }});
    manifest["spec"]["bootstrap"] = slow;
    database.apply_cluster(&manifest).await;
    let asleep = wait_for("initdb is on the way", LIMIT, async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        let asleep = database
            .superuser(CLAIM, sql)
            .await
            .is_some_and(|count| count == "1");
        Ok(asleep.then_some(()))
    });
    asleep.await.unwrap();
    let status = "cnpg.io/pvcStatus";
    let claim = database.get("persistentvolumeclaims", CLAIM).await;
    assert_eq!(claim["metadata"]["annotations"][status], "initializing");
    database.detach("persistentvolumeclaims", CLAIM).await;
    gone(&database).await;

    database.apply(1).await;
    database.wait_ready(1).await;
    let claim = database.get("persistentvolumeclaims", CLAIM).await;
    assert_eq!(claim["metadata"]["annotations"][status], "ready");
    let databases = "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database";
    let databases = database.superuser(CLAIM, databases).await;
    assert_eq!(databases.as_deref(), Some("postgres,template0,template1"));
}

#[tokio::test]
async fn a_retained_authority_keeps_clients_that_verify_and_a_new_one_does_not() {
    let (kept, new) = tokio::join!(
        Database::with_rows("authority-kept", 1),
        Database::with_rows("authority-new", 1)
    );
    for (database, secrets) in [
        (&kept, &["daap-orders-app", "daap-orders-ca"][..]),
        (&new, &["daap-orders-app"]),
    ] {
        let old = database.secret("daap-orders-ca", "ca.crt").await;
        leave(database, secrets).await;
        database.apply(1).await;
        database.wait_ready(1).await;
        assert_eq!(database.sql_soon(ROWS).await, "1,2");
        let authority = database.get("secrets", "daap-orders-ca").await;
        let is_owned = !authority["metadata"]["ownerReferences"].is_null();
        let verified = database
            .sql_with(&old, &database.password().await, ROWS)
            .await;
        if secrets.contains(&"daap-orders-ca") {
            assert_eq!(verified.unwrap(), "1,2");
            assert!(!is_owned, "it is used as it is");
        } else {
            let refused = verified.unwrap_err().to_string();
            assert!(refused.contains("certificate verify failed"), "{refused}");
            assert!(is_owned);
        }
    }
}

#[tokio::test]
async fn three_instances_are_adopted_and_the_one_that_was_the_primary_is_it_again() {
    let database = Database::with_rows("three", 3).await;
    database.delete("pods", "daap-orders-1").await;
    let other = |status: &Value| {
        let primary = &status["currentPrimary"];
        *primary == status["targetPrimary"] && *primary != "daap-orders-1"
    };
    let cluster = database.wait_cluster("another is the primary", other).await;
    let primary = cluster["status"]["currentPrimary"].clone();
    database.wait_ready(3).await;
    database.sql_soon("INSERT INTO orders VALUES (3)").await;
    leave(&database, &["daap-orders-app", "daap-orders-ca"]).await;

    database.apply(2).await;
    database
        .wait_cluster("two instances are left", |status| status["instances"] == 2)
        .await;
    database.wait_ready(2).await;
    let cluster = database.get("clusters", "daap-orders").await;
    assert_eq!(cluster["status"]["currentPrimary"], primary);
    assert_eq!(cluster["status"]["timelineID"], 2);
    assert_eq!(database.sql_soon(ROWS).await, "1,2,3");
    let streams = "SELECT count(*) FROM pg_stat_replication";
    assert_eq!(database.sql_soon(streams).await, "1");
}

#[tokio::test]
async fn an_image_that_is_corrected_reaches_an_instance_only_in_a_new_pod() {
    let database = Database::with_rows("image-corrected", 1).await;
    leave(&database, &["daap-orders-app", "daap-orders-ca"]).await;
    let mut manifest = database.cluster_manifest(1);
    manifest["spec"]["imageName"] = "registry.test/missing:17.6".into();
    database.apply_cluster(&manifest).await;
    let waits = |pod: &Value| {
        let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
        waiting
            .as_str()
            .is_some_and(|reason| reason.contains("ImagePull"))
    };
    let pod = database
        .wait("pods", CLAIM, "it waits for its image", waits)
        .await;
    database.apply_cluster(&database.cluster_manifest(1)).await;
    let image = "sandbox.local/postgresql:17.6";
    let told = |status: &Value| status["image"] == image;
    database
        .wait_cluster("the image is another one", told)
        .await;
    let still = database.get("pods", CLAIM).await;
    assert_eq!(still["metadata"]["uid"], pod["metadata"]["uid"]);
    database.delete("pods", CLAIM).await;
    database
        .wait_cluster("it is healthy", |status| status["phase"] == HEALTHY)
        .await;
    database.apply_pooler().await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}

#[tokio::test]
async fn a_pod_that_still_stops_holds_up_the_next_cluster() {
    let database = Database::with_rows("still-stopping", 1).await;
    let pod = database.get("pods", CLAIM).await;
    // Sessions are open: without hibernation or fencing the pod waits for them.
    detach(&database, &["daap-orders-app", "daap-orders-ca"]).await;
    let until = database.keep_busy(CLAIM).await;
    let (answer, ()) = tokio::join!(database.sql(BUSY), async {
        database.until_busy(CLAIM).await;
        database.delete("clusters", "daap-orders").await;
        database.wait_gone("clusters", "daap-orders").await;
        database.apply_cluster(&database.cluster_manifest(1)).await;
        let leaving = |pod: &Value| !pod["metadata"]["deletionTimestamp"].is_null();
        let still = database.wait("pods", CLAIM, "the pod is stopping", leaving);
        assert_eq!(still.await["metadata"]["uid"], pod["metadata"]["uid"]);
        until.close().unwrap();
    });
    assert_eq!(answer.unwrap(), "done");
    database
        .wait_cluster("it is healthy", |status| status["phase"] == HEALTHY)
        .await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}
