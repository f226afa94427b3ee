//! The only node, as an object.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::operator::{
    Shared,
    contract::{NODE, STAND_IN, STAND_IN_SAYS},
    error::Error,
    objects::{create, merge},
    status::now,
};

/// Processors that the node says it has.
const PROCESSORS: i64 = 16;

/// Whether a pod asks for no more than the whole node has; what others use is not counted.
pub(super) fn has_room_for(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let asked = containers.filter_map(|container| {
        let requests = container.resources.as_ref()?.requests.as_ref()?;
        millicores(&requests.get("cpu")?.0)
    });
    asked.sum::<i64>() <= PROCESSORS * 1000
}

/// `64` and `500m`.
fn millicores(quantity: &str) -> Option<i64> {
    match quantity.strip_suffix('m') {
        Some(thousandths) => thousandths.parse().ok(),
        None => quantity.parse::<i64>().ok().map(|whole| whole * 1000),
    }
}

/// Registers the node.
pub(in super::super) async fn register(
    shared: &Arc<Shared>,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let api: Api<Node> = Api::all(shared.client.clone());
    create(&api, json!({ "metadata": { "name": NODE } })).await?;
    let metadata = json!({ "metadata": {
        "labels": { "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux" },
        "annotations": { STAND_IN: STAND_IN_SAYS },
    }});
    merge(&api, NODE, metadata).await?;
    let port = super::portforward::listen(shared.clone(), stop.clone()).await?;
    let status = json!({ "status": {
        // No host name: the API server would try to look it up.
        "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
        "daemonEndpoints": { "kubeletEndpoint": { "Port": port } },
        "capacity": { "cpu": PROCESSORS.to_string() },
        "allocatable": { "cpu": PROCESSORS.to_string() },
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "KubeletReady",
            "message": "the sandbox operator plays the kubelet",
            "lastHeartbeatTime": now(), "lastTransitionTime": now(),
        }],
    }});
    api.patch_status(NODE, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}
