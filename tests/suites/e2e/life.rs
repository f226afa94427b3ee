//! The whole life of a database.

use serde_json::Value;

use crate::{
    ground::field,
    place::Place,
    steps::{CLUSTER, NAME},
};

/// A table, and what is in it.
pub(crate) const TABLE: &str =
    "create table items (id int, name text); insert into items values (1, 'a book'), (2, 'a lamp')";
/// What is in the table, on one line.
pub(crate) const ROWS: &str = "select string_agg(name, ', ' order by id) from items";

#[tokio::test]
async fn one_instance() {
    live(&Place::of("life-1").await, 1);
}

#[tokio::test]
async fn three_instances() {
    live(&Place::of("life-3").await, 3);
}

fn live(place: &Place, instances: u64) {
    let created = place.create(&["--instances", &instances.to_string()]);
    assert_eq!(created["record"]["version"], 1);
    assert_eq!(created["spec"]["instances"], instances);
    place.sql(TABLE);
    change(place, instances);
    kill_primary(place, instances);
    assert_eq!(place.sql(ROWS), "a book, a lamp");

    let (id, password) = (&created["record"]["id"], place.password());
    place.delete();
    is_deleted(place, id, instances);
    let restored = place.restore(&[]);
    assert_eq!(restored["record"]["id"], *id);
    assert_eq!(restored["spec"]["instances"], instances);
    assert_eq!(place.password(), password);
    assert_eq!(place.sql(ROWS), "a book, a lamp");
    place.ready_with(instances);

    purge(place, id);
    tells_all(place, id);
}

/// Another purpose, another number of instances, and back: three versions more.
fn change(place: &Place, instances: u64) {
    let reason = ["--change-reason", "more to do"];
    place.done(
        &[
            &["update", NAME, "--purpose", "orders and returns"][..],
            &reason,
        ]
        .concat(),
    );
    assert_eq!(place.json(&["get", NAME])["record"]["version"], 2);
    let other = if instances == 1 { 2 } else { instances - 1 };
    for (version, wanted) in [(3, other), (4, instances)] {
        place.done(&["update", NAME, "--instances", &wanted.to_string()]);
        let changed = place.ready_with(wanted);
        assert_eq!(changed["record"]["version"], version);
        assert_eq!(changed["record"]["purpose"], "orders and returns");
    }
    place.eventually("there is a volume for each instance, and no more", || {
        (place.names("pvc").len() as u64 == instances).then_some(())
    });
}

/// Deletes the pod of the primary, as a node that fails would.
pub(crate) fn kill_primary(place: &Place, instances: u64) -> String {
    let primary = place.primary();
    let pod = format!("pod/{primary}");
    let before = field(&place.object(&pod), "/metadata/uid");
    place.says(&format!("$ kubectl delete {pod}"));
    place.kubectl(&["delete", &pod, "--grace-period=1", "--wait=false"]);
    place.eventually("another pod is there instead", || {
        let uid = field(&place.object(&pod), "/metadata/uid");
        (!uid.is_empty() && uid != before).then_some(())
    });
    place.ready_with(instances);
    place.sql_becomes("select count(*) from items", "2");
    primary
}

/// The record and the data stay, and nothing of it runs.
fn is_deleted(place: &Place, id: &Value, instances: u64) {
    assert!(place.fails(&["get", NAME]).contains("not found"));
    assert!(!place.done(&["list"]).contains(NAME));
    let record = place.deleted(id);
    assert_eq!(record["status"]["deletion"]["dataKept"], true, "{record:#}");
    let kinds = "clusters.postgresql.cnpg.io,poolers.postgresql.cnpg.io,pods,deployments";
    // The pooler's pod goes with its Deployment, when the garbage collector comes to it.
    place.eventually("nothing of it runs", || {
        place.names(kinds).is_empty().then_some(())
    });
    let volumes = place.names("pvc");
    assert_eq!(volumes.len() as u64, instances, "{volumes:?}");
    let secrets = ["app", "ca"].map(|which| format!("secret/{CLUSTER}-{which}"));
    for kept in volumes.iter().chain(&secrets) {
        let object = place.object(kept);
        assert!(object.is_object(), "{kept} is kept");
        let owners = &object["metadata"]["ownerReferences"];
        assert!(owners.is_null(), "{kept} is owned: {owners}");
    }
}

/// Deleted with its data: nothing is left but the record.
pub(crate) fn purge(place: &Place, id: &Value) {
    let said = place.lasting(&["delete", NAME, "--yes", "--purge"]);
    assert!(said.contains("database/orders deleted"), "{said}");
    let record = place.deleted(id);
    let deletion = &record["status"]["deletion"];
    assert_eq!(deletion["dataKept"], false, "{record:#}");
    let tombstone = format!("configmap/{}", field(deletion, "/tombstone"));
    place.eventually("nothing is left but the record", || {
        (place.left() == [tombstone.as_str()]).then_some(())
    });
}

/// Every version from the creation to the end, without a gap.
fn tells_all(place: &Place, id: &Value) {
    let history = place.json(&["history", NAME]);
    let versions = history["items"].as_array().cloned().unwrap_or_default();
    let actions: Vec<String> = versions.iter().map(|row| field(row, "/action")).collect();
    let updates = ["updated"; 3];
    let wanted = [
        &["created"][..],
        &updates,
        &["deleted", "restored", "deleted"],
    ]
    .concat();
    assert_eq!(actions, wanted, "{history:#}");
    for (row, next) in versions.iter().zip(versions.iter().skip(1)) {
        assert_eq!(row["id"], *id);
        assert_eq!(row["effectiveTo"], next["effectiveFrom"], "{history:#}");
        assert_eq!(row["isCurrent"], false);
    }
    assert_eq!(versions[1]["reason"], "more to do");
    place.done(&["history", NAME, "--verify"]);
}
