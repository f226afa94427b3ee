//! Pods: given to the node, run on it, stopped, let go.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, channel::mpsc};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, PostParams},
    runtime::{Controller, controller::Action},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{container_name, node, pod_status};
use crate::operator::{
    Shared,
    contract::NODE,
    drive,
    error::Error,
    objects::{claims_of, delete, is_bound},
    of_clusters, on_deleted,
};

/// Runs pods and keeps their status truthful.
pub(in super::super) async fn follow(
    shared: Arc<Shared>,
    stop: CancellationToken,
    changes: mpsc::UnboundedReceiver<()>,
) {
    let pods = || Api::<Pod>::all(shared.client.clone());
    let controller = Controller::new(pods(), of_clusters())
        .with_config(kube::runtime::controller::Config::default().concurrency(0))
        // Endless streams only: one that ends would stop the controller.
        .reconcile_all_on(changes.chain(futures::stream::pending()));
    let kubelet = shared.kubelet.clone();
    let gone = on_deleted(pods(), of_clusters(), stop.clone(), move |pod: Pod| {
        if let Some(container) = kubelet.forget(&pod.uid().unwrap_or_default()) {
            tokio::spawn(container.stop_and_wait(Duration::ZERO));
        }
    });
    tokio::join!(drive(controller, stop, shared.clone(), reconcile), gone);
}

async fn reconcile(pod: Arc<Pod>, shared: Arc<Shared>) -> Result<Action, Error> {
    let uid = pod.uid().unwrap_or_default();
    let api: Api<Pod> =
        Api::namespaced(shared.client.clone(), &pod.namespace().unwrap_or_default());
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    match node {
        None => return schedule(&shared, &api, &pod).await,
        Some(NODE) => {}
        Some(_) => return Ok(Action::await_change()),
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return end(&shared, &api, &pod, &uid).await;
    }
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) {
        shared.kubelet.forget(&uid);
        return Ok(Action::await_change());
    }
    shared.kubelet.start(&pod)?;
    let Some((state, ip)) = shared
        .kubelet
        .with(&uid, |container| (container.state(), container.ip()))
    else {
        return Ok(Action::await_change());
    };
    let status = pod_status::of(&pod, &state, ip);
    pod_status::write(&api, &pod, status).await?;
    Ok(Action::await_change())
}

/// Gives a pod to the node as soon as its volume is there, if it fits.
async fn schedule(shared: &Shared, api: &Api<Pod>, pod: &Pod) -> Result<Action, Error> {
    if !node::has_room_for(pod) {
        let message = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        leave_unscheduled(shared, api, pod, message).await?;
        // What a pod asks for never changes.
        return Ok(Action::await_change());
    }
    for claim in claims_of(pod) {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(shared.client.clone(), &pod.namespace().unwrap_or_default());
        let bound = claims.get_opt(claim).await?.as_ref().is_some_and(is_bound);
        if !bound {
            let message = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
            leave_unscheduled(shared, api, pod, message).await?;
            // Claims are bound within moments or never.
            return Ok(Action::requeue(Duration::from_millis(300)));
        }
    }
    let name = pod.name_any();
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": { "name": name },
        "target": { "apiVersion": "v1", "kind": "Node", "name": NODE },
    });
    let _: kube::core::Status = api
        .create_subresource("binding", &name, &PostParams::default(), &binding)
        .await?;
    let note = format!(
        "Successfully assigned {}/{name} to {NODE}",
        pod.namespace().unwrap_or_default()
    );
    shared.events.normal(pod, &(), "Scheduled", note).await;
    Ok(Action::await_change())
}

/// Says why no node takes a pod.
async fn leave_unscheduled(
    shared: &Shared,
    api: &Api<Pod>,
    pod: &Pod,
    message: &str,
) -> Result<(), Error> {
    if pod_status::write(api, pod, pod_status::unschedulable(message)).await? {
        shared
            .events
            .warning(pod, &(), "FailedScheduling", message.to_owned())
            .await;
    }
    Ok(())
}

/// Stops what a deleted pod runs, then lets the object go.
async fn end(shared: &Shared, api: &Api<Pod>, pod: &Pod, uid: &str) -> Result<Action, Error> {
    let grace = pod
        .metadata
        .deletion_grace_period_seconds
        .and_then(|seconds| seconds.try_into().ok());
    let patience = grace.map_or(shared.kubelet.equipment.patience, Duration::from_secs);
    let patience = patience.min(shared.kubelet.equipment.patience);
    let stopping = shared
        .kubelet
        .with(uid, |container| container.stop(patience));
    let state = shared
        .kubelet
        .with(uid, |container| (container.state(), container.ip()));
    if stopping == Some(true) {
        let note = format!("Stopping container {}", container_name(pod));
        shared.events.normal(pod, &(), "Killing", note).await;
    }
    // Where nothing of it runs there is nothing to wait for.
    if let Some((state, ip)) = state.filter(|(state, _)| !state.ended) {
        pod_status::write(api, pod, pod_status::of(pod, &state, ip)).await?;
        return Ok(Action::await_change());
    }
    shared.kubelet.forget(uid);
    delete(api, pod, DeleteParams::default().grace_period(0)).await?;
    Ok(Action::await_change())
}
