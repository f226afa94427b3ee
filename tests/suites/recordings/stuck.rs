//! The recorded ways to be stuck: an image, a volume, a Cluster that is not there.

use daap_reference::Reference;
use serde_json::Value;

use crate::{
    database::{Database, condition},
    history::{Watched, hold, read},
};

const PATHS: [&str; 9] = [
    "/status/phase",
    "/status/phaseReason",
    "/status/readyInstances",
    "/status/instances",
    "/status/initializingPVC",
    "/status/currentPrimary",
    "condition:Initialized",
    "condition:Ready",
    "condition:cnpg.io/hibernation",
];

#[tokio::test]
async fn an_image_that_cannot_be_pulled_and_hibernation_on_top() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let database = Database::named("recorded-image", "daap-noimage").await;
    let clusters = Watched::start(database.api("clusters")).await;
    let poolers = Watched::start(database.api("poolers")).await;
    let mut manifest = database.cluster_manifest(1);
    manifest["spec"]["imageName"] = "sandbox.local/postgresql:missing".into();
    database.apply_cluster(&manifest).await;
    database.apply_pooler().await;
    let filling = |status: &Value| status["initializingPVC"][0] == "daap-noimage-1";
    database
        .wait_cluster("the volume is being filled", filling)
        .await;
    let counted = |pooler: &Value| pooler["status"]["instances"] == 1;
    database
        .wait(
            "poolers",
            "daap-noimage-pooler",
            "the pooler's pod is counted",
            counted,
        )
        .await;
    database.annotate("cnpg.io/hibernation", "on".into()).await;
    let waits = |status: &Value| condition(status, "cnpg.io/hibernation").1 == "WaitingForHealthy";
    database.wait_cluster("hibernation waits", waits).await;
    hold(
        &alive(read(&folder, "clusters.jsonl")),
        &clusters.events().await,
        "daap-noimage",
        &PATHS,
    );
    let pooler = ["/status/phase", "/status/phaseReason", "/status/instances"];
    hold(
        &alive(read(&folder, "poolers.jsonl")),
        &poolers.events().await,
        "daap-noimage-pooler",
        &pooler,
    );
}

#[tokio::test]
async fn a_volume_that_cannot_be_bound() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let database = Database::named("recorded-volume", "daap-novolume").await;
    let clusters = Watched::start(database.api("clusters")).await;
    let claims = Watched::start(database.api("persistentvolumeclaims")).await;
    let mut manifest = database.cluster_manifest(1);
    manifest["spec"]["storage"]["storageClass"] = "unbindable".into();
    database.apply_cluster(&manifest).await;
    database.apply_pooler().await;
    let filling = |status: &Value| status["initializingPVC"][0] == "daap-novolume-1";
    database
        .wait_cluster("the volume is to be filled", filling)
        .await;
    hold(
        &alive(read(&folder, "clusters.jsonl")),
        &clusters.events().await,
        "daap-novolume",
        &PATHS,
    );
    let claim = ["/status/phase", "/metadata/annotations/cnpg.io~1pvcStatus"];
    hold(
        &alive(read(&folder, "pvc.jsonl")),
        &claims.events().await,
        "daap-novolume-1",
        &claim,
    );
}

#[tokio::test]
async fn a_pooler_whose_cluster_does_not_exist() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let database = Database::named("recorded-ghost", "daap-ghost").await;
    let poolers = Watched::start(database.api("poolers")).await;
    database.apply_pooler().await;
    let inactive = |pooler: &Value| pooler["status"]["phase"] == "inactive";
    database
        .wait("poolers", "daap-ghost-pooler", "it is inactive", inactive)
        .await;
    let paths = ["/status/phase", "/status/phaseReason", "/status/instances"];
    hold(
        &alive(read(&folder, "poolers.jsonl")),
        &poolers.events().await,
        "daap-ghost-pooler",
        &paths,
    );
}

/// What was recorded before everything was deleted.
fn alive(events: Vec<Value>) -> Vec<Value> {
    let ends = |event: &Value| {
        event["type"] == "DELETED" || !event["metadata"]["deletionTimestamp"].is_null()
    };
    let orphaned = |event: &Value| {
        let reason = event["status"]["phaseReason"].as_str().unwrap_or_default();
        reason.ends_with("not found")
            && !reason.contains("ghost")
            && !reason.starts_with("AuthUser")
    };
    events
        .into_iter()
        .filter(|event| !ends(event) && !orphaned(event))
        .collect()
}
