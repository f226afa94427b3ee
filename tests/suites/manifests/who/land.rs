//! What there is to write to, beside what every [`Ground`] has.

use daap_crds::contract::annotation;
use daap_tests::ground::{CLUSTERS, Ground, POOLERS, SECRETS, VOLUMES, operator, payments};
use http::Method;
use serde_json::{Value, json};

use super::cases;

/// Of `offered`.
const OFFERED_ID: &str = "3d813cbb-47fb-42ba-91df-831e1593ac29";
/// Of `leaving`.
const LEAVING_ID: &str = "9125a8dc-52ee-465b-a75e-f73a1c4b0e17";
/// Of `going`.
const GOING_ID: &str = "c9bf9e57-1685-4c89-bafb-ff5af830be8a";

pub(super) async fn lay(namespace: &str) -> Ground {
    let ground = Ground::lay(namespace).await;
    let owner = payments();
    ground.database("offered", OFFERED_ID, &owner).await;
    annotate(&ground, "daap-offered", annotation::OFFERED_TO, "billing").await;
    // The deletion has begun, and its tombstone is not yet written.
    ground.database("leaving", LEAVING_ID, &owner).await;
    let pending = r#"{"operation":"delete","step":"hibernate","since":"2026-01-01T00:00:00Z"}"#;
    annotate(&ground, "daap-leaving", "cnpg.io/hibernation", "on").await;
    annotate(&ground, "daap-leaving", annotation::PENDING, pending).await;
    // Its Cluster may go.
    ground.detached("going", GOING_ID, &owner).await;
    ground
        .create(&operator(), CLUSTERS, &cases::ungoverned("legacy"))
        .await;
    ground
        .create(&owner, POOLERS, &cases::pooler("readers", "daap-orders"))
        .await;
    // CNPG labels it with nothing of ours.
    let authority = json!({"metadata": {"name": "daap-orders-ca"}, "stringData": {"ca.key": "x"}});
    ground.create(&operator(), SECRETS, &authority).await;
    let free = json!({
        "metadata": {"name": "free"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    ground.create(&operator(), VOLUMES, &free).await;
    ground
}

async fn annotate(ground: &Ground, cluster: &str, key: &str, value: &str) -> Value {
    let patch = json!({"metadata": {"annotations": {key: value}}});
    let object = ground.path(CLUSTERS, cluster);
    ground
        .must(&payments(), Method::PATCH, &object, &patch)
        .await
}
