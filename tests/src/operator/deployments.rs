//! The controllers of Deployments and `ReplicaSet`s, for the Deployments of Poolers.
//!
//! A new template gets its own `ReplicaSet`; old pods go once as many new ones are ready.

use std::sync::Arc;

use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    addresses::suffix,
    contract::label,
    drive,
    error::Error,
    jobs::REFUSED_PAUSE,
    objects::{create, delete, is_ready, label},
    of_clusters,
    pooler::short_hash,
    rollout::{condition, report, write},
};

/// Runs Deployments.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let deployments = Api::<Deployment>::all(shared.client.clone());
    let pods = Api::<Pod>::all(shared.client.clone());
    let controller =
        Controller::new(deployments, of_clusters()).watches(pods, of_clusters(), |pod| {
            let pooler = label(&pod, label::POOLER);
            (!pooler.is_empty())
                .then(|| ObjectRef::new(pooler).within(&pod.namespace().unwrap_or_default()))
        });
    drive(controller, stop, shared, reconcile).await;
}

async fn reconcile(deployment: Arc<Deployment>, shared: Arc<Shared>) -> Result<Action, Error> {
    let namespace = deployment.namespace().unwrap_or_default();
    let api: Api<Deployment> = Api::namespaced(shared.client.clone(), &namespace);
    let Some(deployment) = api.get_opt(&deployment.name_any()).await? else {
        return Ok(Action::await_change());
    };
    if deployment.metadata.deletion_timestamp.is_some()
        || label(&deployment, label::POOLER).is_empty()
    {
        return Ok(Action::await_change());
    }
    let template = serde_json::to_value(deployment.spec.as_ref().map(|spec| &spec.template))?;
    let hash = short_hash(&template);
    let set = format!("{}-{hash}", deployment.name_any());
    let wanted = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.replicas)
        .unwrap_or(1);
    let wanted = usize::try_from(wanted).unwrap_or_default();
    let fresh = ensure_set(&shared, &deployment, &set, &hash, &template).await?;
    if fresh {
        let progress = condition(
            "Progressing",
            "True",
            "NewReplicaSetCreated",
            &format!("Created new replica set \"{set}\""),
        );
        write(&api, &deployment, &json!({}), vec![progress]).await?;
        let note = format!("Scaled up replica set {set} from 0 to {wanted}");
        shared
            .events
            .normal(&deployment, &(), "ScalingReplicaSet", note)
            .await;
    }
    let pods: Api<Pod> = Api::namespaced(shared.client.clone(), &namespace);
    let ours =
        ListParams::default().labels(&format!("{}={}", label::POOLER, deployment.name_any()));
    let live = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
    let all: Vec<Pod> = pods
        .list(&ours)
        .await?
        .items
        .into_iter()
        .filter(live)
        .collect();
    let (new, old): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|pod| label(*pod, label::TEMPLATE_HASH) == hash);
    let ready = |pods: &[&Pod]| pods.iter().filter(|pod| is_ready(pod)).count();

    let mut refused = None;
    for _ in new.len()..wanted {
        refused = add_pod(&shared, &pods, &namespace, &set, &hash, &template).await?;
    }
    for pod in new.iter().skip(wanted) {
        delete(&pods, *pod, DeleteParams::default()).await?;
    }
    if ready(&new) >= wanted {
        for pod in &old {
            delete(&pods, *pod, DeleteParams::default()).await?;
        }
    }
    let deployment = api.get(&deployment.name_any()).await?;
    report(
        &api,
        &deployment,
        &set,
        wanted,
        (new.len(), all.len(), ready(&new) + ready(&old), ready(&new)),
        refused.as_deref(),
    )
    .await?;
    Ok(match refused {
        Some(_) => Action::requeue(REFUSED_PAUSE),
        None => Action::await_change(),
    })
}

/// Makes the `ReplicaSet` of a template; says whether it is new.
async fn ensure_set(
    shared: &Shared,
    deployment: &Deployment,
    name: &str,
    hash: &str,
    template: &Value,
) -> Result<bool, Error> {
    let namespace = deployment.namespace().unwrap_or_default();
    let sets: Api<ReplicaSet> = Api::namespaced(shared.client.clone(), &namespace);
    let mut template = template.clone();
    template["metadata"]["labels"][label::TEMPLATE_HASH] = hash.into();
    let fresh = create(&sets, json!({
        "metadata": {
            "name": name, "namespace": namespace, "labels": template["metadata"]["labels"],
            "ownerReferences": [owner(serde_json::to_value(deployment.controller_owner_ref(&()))?)],
        },
        "spec": {
            "replicas": deployment.spec.as_ref().and_then(|spec| spec.replicas),
            "selector": { "matchLabels": {
                label::POOLER: deployment.name_any(), label::TEMPLATE_HASH: hash,
            }},
            "template": template,
        },
    })).await?;
    if fresh {
        let revisions = sets
            .list(&ListParams::default().labels(&format!(
                "{}={}",
                label::POOLER,
                deployment.name_any()
            )))
            .await?;
        let api: Api<Deployment> = Api::namespaced(shared.client.clone(), &namespace);
        let revision = json!({ "metadata": { "annotations": {
            "deployment.kubernetes.io/revision": revisions.items.len().to_string(),
        }}});
        // By way of the status, as the real controller does: else it counts as a new generation.
        api.patch_status(
            &deployment.name_any(),
            &PatchParams::default(),
            &Patch::Merge(revision),
        )
        .await?;
    }
    Ok(fresh)
}

/// Makes a pod; what admission says where it refuses one.
async fn add_pod(
    shared: &Shared,
    pods: &Api<Pod>,
    namespace: &str,
    set: &str,
    hash: &str,
    template: &Value,
) -> Result<Option<String>, Error> {
    let sets: Api<ReplicaSet> = Api::namespaced(shared.client.clone(), namespace);
    let set = sets.get(set).await?;
    let name = format!("{}-{}", set.name_any(), suffix()?);
    let mut pod = template.clone();
    pod["metadata"]["name"] = name.as_str().into();
    pod["metadata"]["namespace"] = namespace.into();
    pod["metadata"]["labels"][label::TEMPLATE_HASH] = hash.into();
    pod["metadata"]["ownerReferences"] =
        json!([owner(serde_json::to_value(set.controller_owner_ref(&()))?)]);
    match create(pods, pod).await {
        Ok(true) => {
            let note = format!("Created pod: {name}");
            shared
                .events
                .normal(&set, &(), "SuccessfulCreate", note)
                .await;
        }
        Ok(false) => {}
        Err(error) => {
            let refused = error.refusal().map(str::to_owned).ok_or(error)?;
            let note = format!("Error creating: {refused}");
            shared.events.warning(&set, &(), "FailedCreate", note).await;
            return Ok(Some(refused));
        }
    }
    Ok(None)
}

fn owner(mut reference: Value) -> Value {
    reference["blockOwnerDeletion"] = true.into();
    reference
}
