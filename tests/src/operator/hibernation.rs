//! Hibernation: pods stop, one after the other, and claims stay.

use k8s_openapi::api::core::v1::Pod;
use kube::{Api, ResourceExt, api::DeleteParams, runtime::controller::Action};

use super::{
    cluster::{Pass, RETRY},
    contract::{annotation::HIBERNATION, phase},
    error::Error,
    objects::delete,
    status::set_condition,
};

/// Stops the Cluster when it is asked to; `None` leaves it to the rest of the pass.
pub(super) async fn reconcile(pass: &mut Pass) -> Result<Option<Action>, Error> {
    let condition = pass
        .status
        .condition(HIBERNATION)
        .map(|(status, reason)| (status.to_owned(), reason.to_owned()));
    if pass.cluster.annotation(HIBERNATION) != "on" {
        if condition.is_some() {
            pass.clear_condition(HIBERNATION).await?;
        }
        return Ok(None);
    }
    let begun = condition
        .as_ref()
        .is_some_and(|(_, reason)| reason != "WaitingForHealthy");
    if !begun && pass.status.text("phase") != phase::HEALTHY {
        let message = "Waiting for the cluster to be healthy before proceeding with hibernation";
        say(pass, "False", "WaitingForHealthy", message).await?;
        return Ok(None);
    }
    let is_leaving = |pod: &&Pod| pod.metadata.deletion_timestamp.is_some();
    if let Some(leaving) = pass
        .view
        .pods
        .iter()
        .find(is_leaving)
        .map(ResourceExt::name_any)
    {
        return wait_for(pass, &leaving).await;
    }
    // The primary goes first, so that replicas have all that it wrote.
    let primary = pass.status.text("currentPrimary").to_owned();
    let next = pass
        .view
        .pod(&primary)
        .or_else(|| pass.view.pods.first())
        .cloned();
    let Some(next) = next else {
        say(pass, "True", "Hibernated", "Cluster has been hibernated").await?;
        return Ok(Some(Action::await_change()));
    };
    say(pass, "False", "DeletingPods", "Hibernation is in progress").await?;
    let api: Api<Pod> = Api::namespaced(pass.shared.client.clone(), &pass.cluster.namespace);
    delete(&api, &next, DeleteParams::default()).await?;
    wait_for(pass, &next.name_any()).await
}

async fn wait_for(pass: &mut Pass, leaving: &str) -> Result<Option<Action>, Error> {
    let message = format!("Waiting for {leaving} to be deleted");
    say(pass, "False", "WaitingPodsDeletion", &message).await?;
    Ok(Some(Action::requeue(RETRY)))
}

async fn say(pass: &mut Pass, is: &str, reason: &str, message: &str) -> Result<(), Error> {
    pass.status
        .update(|status| set_condition(status, HIBERNATION, is, reason, message))
        .await
}
