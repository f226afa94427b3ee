//! Databases that are not what they were to be, and their end.

use serde_json::{Value, json};

use crate::{
    ground::field,
    life::{ROWS, TABLE, purge},
    place::Place,
    steps::{CLUSTER, NAME, creation},
};

/// A repository that no registry has: its top-level domain is reserved for that.
const MISSING: &str = "registry.invalid/missing";

#[tokio::test]
async fn deleted_while_it_is_provisioned() {
    let place = Place::of("early").await;
    let words = creation();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    place.done(&[&words[..], &["--wait=false"]].concat());
    let id = place.json(&["get", NAME])["record"]["id"].clone();
    place.lasting(&["delete", NAME, "--yes"]);
    let kept = place.deleted(&id)["status"]["deletion"]["dataKept"].clone();
    // A fast cluster may have had the database ready; then it is a database like any other.
    if kept == true {
        place.says("  it was ready already");
        place.restore(&[]);
        assert_eq!(place.sql("select 1"), "1");
    } else {
        is_purged(&place, &id);
    }
}

#[tokio::test]
async fn deleted_by_force_where_the_image_cannot_be_pulled() {
    let place = Place::of("force").await;
    let words = creation();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let image = format!("{MISSING}:17");
    let said = place.fails(&[&words[..], &["--image", &image, "--timeout", "5s"]].concat());
    assert!(said.contains("not ready after 5s"), "{said}");
    let database = place.json(&["get", NAME]);
    assert_ne!(database["status"]["state"], "ready");
    let id = &database["record"]["id"];
    place.lasting(&["delete", NAME, "--yes", "--force"]);
    is_purged(&place, id);
}

/// Nothing was ready, so nothing was kept, and the record says so.
fn is_purged(place: &Place, id: &Value) {
    let record = place.deleted(id);
    let deletion = &record["status"]["deletion"];
    assert_eq!(deletion["dataKept"], false, "{record:#}");
    assert_eq!(deletion["stage"], "purged", "{record:#}");
    let tombstone = format!("configmap/{}", field(deletion, "/tombstone"));
    place.eventually("nothing is left but the record", || {
        (place.left() == [tombstone.as_str()]).then_some(())
    });
}

#[tokio::test]
async fn a_database_with_rows_outlives_an_image_that_cannot_be_pulled() {
    let place = Place::of("image").await;
    let created = place.create(&[]);
    place.sql(TABLE);
    let cluster = format!("clusters.postgresql.cnpg.io/{CLUSTER}");
    let image = field(&created, "/spec/image");
    // Of the same PostgreSQL, by its tag.
    let missing = format!("{MISSING}:{}", image.rsplit(':').next().unwrap());
    place.says(&format!("$ kubectl patch {cluster}: image {missing}"));
    let patch = json!({ "spec": { "imageName": missing } }).to_string();
    place.kubectl(&["patch", &cluster, "--type=merge", "-p", &patch]);
    let pod = format!("pod/{CLUSTER}-1");
    place.kubectl(&[
        "delete",
        &pod,
        "--grace-period=1",
        "--ignore-not-found",
        "--wait=false",
    ]);
    place.eventually("its pod waits for the image", || {
        let pod = place.object(&pod);
        let reason = "/status/containerStatuses/0/state/waiting/reason";
        let initial = "/status/initContainerStatuses/0/state/waiting/reason";
        let waits = [reason, initial].map(|pointer| field(&pod, pointer));
        waits
            .iter()
            .any(|reason| reason.contains("ImagePull"))
            .then_some(())
    });
    let database = place.json(&["get", NAME]);
    assert_ne!(database["status"]["state"], "ready", "{database:#}");

    place.lasting(&["delete", NAME, "--yes", "--force"]);
    let record = place.deleted(&created["record"]["id"]);
    assert_eq!(record["status"]["deletion"]["dataKept"], true, "{record:#}");
    // With the image that it had last it does not come up either.
    let said = place.fails(&["restore", NAME, "--timeout", "5s"]);
    assert!(said.contains("not ready after 5s"), "{said}");
    place.lasting(&["restore", NAME, "--image", &image, "--wait=false"]);
    // CNPG makes no new pod as long as the old one waits for an image that is not wanted any more.
    place.kubectl(&["delete", &pod, "--grace-period=1", "--ignore-not-found"]);
    place.ready_with(1);
    assert_eq!(place.sql(ROWS), "a book, a lamp");
}

#[tokio::test]
async fn a_creation_that_is_refused_is_finished_by_the_same_command() {
    let place = Place::of("refused").await;
    let what = "count/poolers.postgresql.cnpg.io";
    place.says("$ kubectl create quota no-poolers");
    place.kubectl(&["create", "quota", "no-poolers", &format!("--hard={what}=0")]);
    // Where no controller counts, as on a sandbox, a quota takes effect by its status alone.
    let status = json!({ "status": { "hard": { what: "0" }, "used": { what: "0" } } }).to_string();
    let words = [
        "patch",
        "quota",
        "no-poolers",
        "--subresource=status",
        "--type=merge",
        "-p",
    ];
    place.kubectl(&[&words[..], &[&status]].concat());

    let words = creation();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = place.fails(&words);
    assert!(said.contains("exceeded quota"), "{said}");
    let refused = place.json(&["get", NAME]);
    assert_eq!(refused["status"]["state"], "error", "{refused:#}");
    let reason = field(&refused, "/status/reason");
    assert!(reason.contains("exceeded quota"), "{reason}");

    place.kubectl(&["delete", "quota/no-poolers"]);
    let finished = place.create(&[]);
    let id = &refused["record"]["id"];
    assert_eq!(finished["record"]["id"], *id, "the same id");
    assert_eq!(finished["record"]["version"], 1);
    assert_eq!(place.sql("select 1"), "1");
    purge(&place, id);
}
