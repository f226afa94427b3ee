//! Failover: another instance becomes the primary, and the old one its replica.

use std::{fs, process::Command};

use daap_tests::sandbox::wait_for;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::database::{Database, LIMIT, ROWS};

/// Waits until another instance is the primary; its name.
async fn promoted(database: &Database, instead_of: &str) -> String {
    let other = |status: &Value| {
        let primary = &status["currentPrimary"];
        *primary == status["targetPrimary"] && *primary != instead_of
    };
    let cluster = database
        .wait_cluster("another instance is the primary", other)
        .await;
    let name = cluster["status"]["currentPrimary"].as_str().unwrap();
    name.to_owned()
}

/// Everything runs, with the old primary as a replica of the new one.
async fn follows(database: &Database, old: &str, new: &str) {
    database.wait_ready(3).await;
    let streams = "SELECT count(*) FROM pg_stat_replication";
    let all = wait_for("replicas stream", LIMIT, async || {
        Ok((database.sql(streams).await? == "2").then_some(()))
    });
    all.await.unwrap();
    for (name, role) in [(old, "replica"), (new, "primary")] {
        for plural in ["pods", "persistentvolumeclaims"] {
            let object = database.get(plural, name).await;
            let said = &object["metadata"]["labels"]["cnpg.io/instanceRole"];
            assert_eq!(said, role, "{plural}/{name}");
        }
    }
    let cluster = database.get("clusters", "daap-orders").await;
    assert_eq!(cluster["status"]["timelineID"], 2);
    let reported = &cluster["status"]["instancesReportedState"];
    assert_eq!(reported[new]["isPrimary"], true);
    assert_eq!(reported[old]["isPrimary"], false);
}

#[tokio::test]
async fn a_replica_takes_over_when_the_primarys_pod_is_deleted() {
    let database = Database::with_rows("failover-pod", 3).await;
    database.delete("pods", "daap-orders-1").await;
    database
        .wait_cluster("it fails over", |status| status["phase"] == "Failing over")
        .await;
    let new = promoted(&database, "daap-orders-1").await;
    // Through the pooler, which follows by the Service -rw.
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
    database
        .sql_soon("INSERT INTO orders SELECT 3 WHERE NOT pg_is_in_recovery()")
        .await;
    follows(&database, "daap-orders-1", &new).await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2,3");
}

#[tokio::test]
async fn a_replica_takes_over_when_postgres_crashes_on_the_primary() {
    let database = Database::with_rows("failover-crash", 3).await;
    // What a primary has not sent when it crashes is lost.
    let received =
        "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()";
    let all = wait_for("replicas have every row", LIMIT, async || {
        let count = database.superuser("daap-orders-1", received).await;
        Ok((count.as_deref() == Some("2")).then_some(()))
    });
    all.await.unwrap();
    crash(&database, "daap-orders-1").await;
    let new = promoted(&database, "daap-orders-1").await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
    follows(&database, "daap-orders-1", &new).await;
}

#[tokio::test]
async fn a_target_that_somebody_sets_in_the_status_is_a_switchover() {
    let database = Database::with_rows("switchover", 3).await;
    database.sql_soon("INSERT INTO orders VALUES (3)").await;
    let status = json!({ "status": { "targetPrimary": "daap-orders-3" } });
    let (params, status) = (PatchParams::default(), Patch::Merge(status));
    let clusters = database.api("clusters");
    clusters
        .patch_status("daap-orders", &params, &status)
        .await
        .unwrap();
    let new = promoted(&database, "daap-orders-1").await;
    assert_eq!(new, "daap-orders-3");
    // The old primary stops first, and gives all that it has.
    assert_eq!(database.sql_soon(ROWS).await, "1,2,3");
    follows(&database, "daap-orders-1", &new).await;
}

/// Ends `postgres` of an instance at once, as a crash would.
async fn crash(database: &Database, instance: &str) {
    let volume = database.volume(instance).await;
    let pid = fs::read_to_string(volume.join("pgdata/postmaster.pid")).unwrap();
    let pid = pid.lines().next().unwrap();
    let killed = Command::new("kill").args(["-QUIT", pid]).status().unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn the_only_instance_is_started_again_where_it_was() {
    let database = Database::with_rows("failover-alone", 1).await;
    let params = DeleteParams::default().grace_period(1);
    database
        .api("pods")
        .delete("daap-orders-1", &params)
        .await
        .unwrap();
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
    database.wait_ready(1).await;
    let cluster = database.get("clusters", "daap-orders").await;
    assert_eq!(cluster["status"]["currentPrimary"], "daap-orders-1");
    assert_eq!(cluster["status"]["timelineID"], 1);
}

#[tokio::test]
async fn a_fenced_primary_is_not_failed_over() {
    let database = Database::with_rows("failover-fenced", 2).await;
    let fenced = "[\"daap-orders-1\"]";
    database
        .annotate("cnpg.io/fencedInstances", fenced.into())
        .await;
    let down = |status: &Value| status["readyInstances"] == 1;
    database.wait_cluster("the primary is down", down).await;
    database
        .annotate("cnpg.io/fencedInstances", Value::Null)
        .await;
    database.wait_ready(2).await;
    let cluster = database.get("clusters", "daap-orders").await;
    assert_eq!(cluster["status"]["currentPrimary"], "daap-orders-1");
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}
