//! The recorded life of a database: created, its pod lost, scaled, its pooler broken, hibernated,
//! woken, detached and deleted, restored.

use daap_reference::Reference;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::{
    database::{Database, HEALTHY},
    history::{Watched, hold, read},
};

const CLUSTER: &str = "daap-orders";

#[tokio::test]
async fn the_stand_in_writes_what_the_real_operator_wrote() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let database = Database::named("recorded-life", CLUSTER).await;
    let clusters = Watched::start(database.api("clusters")).await;
    let poolers = Watched::start(database.api("poolers")).await;
    let deployments = Watched::start(database.api("deployments")).await;
    let claims = Watched::start(database.api("persistentvolumeclaims")).await;

    live(&database).await;

    hold(
        &until_restored(read(&folder, "clusters.jsonl")),
        &clusters.events().await,
        CLUSTER,
        &[
            "/status/phase",
            "/status/phaseReason",
            "/status/readyInstances",
            "/status/instances",
            "/status/instanceNames",
            "/status/currentPrimary",
            "/status/targetPrimary",
            "/status/danglingPVC",
            "/status/healthyPVC",
            "/status/initializingPVC",
            "/status/pvcCount",
            "/status/jobCount",
            "/status/image",
            "/status/pgDataImageInfo",
            "/status/poolerIntegrations/pgBouncerIntegration/secrets",
            "/status/readService",
            "/status/writeService",
            "/status/selector",
            "condition:Initialized",
            "condition:Ready",
            "condition:ConsistentSystemID",
            "condition:cnpg.io/hibernation",
        ],
    );
    hold(
        &until_restored(read(&folder, "poolers.jsonl")),
        &poolers.events().await,
        "daap-orders-pooler",
        &[
            "/status/phase",
            "/status/phaseReason",
            "/status/instances",
            "/status/secrets/clientTLS/name",
            "/status/secrets/serverCA/name",
            "/status/secrets/pgBouncerSecrets/authQuery/name",
        ],
    );
    hold(
        &until_restored(read(&folder, "deployments.jsonl")),
        &deployments.events().await,
        "daap-orders-pooler",
        &[
            "/status/replicas",
            "/status/availableReplicas",
            "/status/readyReplicas",
            "/status/unavailableReplicas",
            "/status/updatedReplicas",
            "/status/observedGeneration",
            "condition:Available",
        ],
    );
    let recorded = until_restored(read(&folder, "pvc.jsonl"));
    for claim in ["daap-orders-1", "daap-orders-2"] {
        hold(
            &recorded,
            &claims.events().await,
            claim,
            &[
                "/metadata/annotations/cnpg.io~1pvcStatus",
                "/metadata/annotations/cnpg.io~1nodeSerial",
                "/metadata/labels/cnpg.io~1instanceRole",
                "/metadata/labels/cnpg.io~1cluster",
                "/metadata/ownerReferences/0/kind",
                "/metadata/ownerReferences/0/controller",
                "/status/phase",
            ],
        );
    }
}

/// The recorded life ends with all deleted, which is not lived again.
fn until_restored(mut events: Vec<Value>) -> Vec<Value> {
    let is_end = |event: &Value| {
        event["metadata"]["name"]
            .as_str()
            .is_some_and(|name| name.starts_with(CLUSTER))
            && !event["metadata"]["name"]
                .as_str()
                .is_some_and(|name| name.ends_with("-2"))
            && (event["type"] == "DELETED" || !event["metadata"]["deletionTimestamp"].is_null())
    };
    let inactive =
        |event: &Value| event["status"]["phaseReason"] == "Cluster \"daap-orders\" not found";
    while events
        .last()
        .is_some_and(|event| is_end(event) || inactive(event) || !is_of_life(event))
    {
        events.pop();
    }
    events
}

fn is_of_life(event: &Value) -> bool {
    event["metadata"]["name"]
        .as_str()
        .is_some_and(|name| name.starts_with(CLUSTER))
}

async fn live(database: &Database) {
    database.apply(1).await;
    database.wait_ready(1).await;
    settled(database).await;

    let lost = database.get("pods", "daap-orders-1").await;
    database
        .api("pods")
        .delete("daap-orders-1", &DeleteParams::default().grace_period(1))
        .await
        .unwrap();
    let is_new = |pod: &Value| !pod.is_null() && pod["metadata"]["uid"] != lost["metadata"]["uid"];
    database
        .wait("pods", "daap-orders-1", "the pod is made again", is_new)
        .await;
    database.wait_ready(1).await;

    database
        .patch("clusters", CLUSTER, json!({ "spec": { "instances": 2 } }))
        .await;
    database.wait_ready(2).await;
    settled(database).await;

    let broken = json!([{ "name": "pgbouncer", "image": "sandbox.local/pgbouncer:missing" }]);
    let broken = json!({ "spec": { "template": { "spec": { "containers": broken } } } });
    database
        .patch("poolers", "daap-orders-pooler", broken)
        .await;
    let stuck = |pooler: &Value| pooler["status"]["instances"] == 2;
    database
        .wait(
            "poolers",
            "daap-orders-pooler",
            "a second pod is tried",
            stuck,
        )
        .await;
    database.delete("poolers", "daap-orders-pooler").await;
    let alone =
        |status: &Value| status["poolerIntegrations"]["pgBouncerIntegration"]["secrets"].is_null();
    database.wait_cluster("the pooler is gone", alone).await;
    database
        .wait_gone("deployments", "daap-orders-pooler")
        .await;

    database.hibernate().await;
    database.annotate("cnpg.io/hibernation", "off".into()).await;
    let awake = |status: &Value| status["phase"] == HEALTHY && status["readyInstances"] == 2;
    database.wait_cluster("it is awake", awake).await;
    database.hibernate().await;

    for (claim, left) in [("daap-orders-1", json!(1)), ("daap-orders-2", Value::Null)] {
        database.detach("persistentvolumeclaims", claim).await;
        database
            .wait_cluster("the claim is let go", |status| status["instances"] == left)
            .await;
    }
    database.detach("secrets", "daap-orders-app").await;
    database.delete("clusters", CLUSTER).await;
    database.wait_gone("services", "daap-orders-rw").await;
    database.wait_gone("secrets", "daap-orders-pooler").await;

    database.apply(1).await;
    database
        .wait_gone("persistentvolumeclaims", "daap-orders-2")
        .await;
    database.wait_ready(1).await;
}

/// Waits until the Job that filled a volume is gone, as it was when the next step was recorded.
async fn settled(database: &Database) {
    database
        .wait_cluster("the Job is gone", |status| status["jobCount"].is_null())
        .await;
}
