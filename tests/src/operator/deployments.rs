//! The controllers of Deployments and ReplicaSets, for the Deployments of Poolers.
//!
//! A new template gets its own ReplicaSet; old pods go once as many new ones are ready.

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
    addresses::random_bytes,
    contract::label,
    drive,
    error::Error,
    objects::{create, delete, difference, is_ready, label, merge},
    of_clusters,
    pooler::short_hash,
    status::now,
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

    for _ in new.len()..wanted {
        add_pod(&shared, &pods, &namespace, &set, &hash, &template).await?;
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
    )
    .await?;
    Ok(Action::await_change())
}

/// Makes the ReplicaSet of a template; says whether it is new.
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
        merge(
            &api,
            &deployment.name_any(),
            json!({ "metadata": { "annotations": {
                "deployment.kubernetes.io/revision": revisions.items.len().to_string(),
            }}}),
        )
        .await?;
    }
    Ok(fresh)
}

async fn add_pod(
    shared: &Shared,
    pods: &Api<Pod>,
    namespace: &str,
    set: &str,
    hash: &str,
    template: &Value,
) -> Result<(), Error> {
    const LETTERS: &[u8; 32] = b"bcdfghjklmnpqrstvwxz2456789bcdfg";
    let suffix: String = random_bytes::<5>()?
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    let sets: Api<ReplicaSet> = Api::namespaced(shared.client.clone(), namespace);
    let set = sets.get(set).await?;
    let name = format!("{}-{suffix}", set.name_any());
    let mut pod = template.clone();
    pod["metadata"]["name"] = name.as_str().into();
    pod["metadata"]["namespace"] = namespace.into();
    pod["metadata"]["labels"][label::TEMPLATE_HASH] = hash.into();
    pod["metadata"]["ownerReferences"] =
        json!([owner(serde_json::to_value(set.controller_owner_ref(&()))?)]);
    if create(pods, pod).await? {
        shared
            .events
            .normal(
                &set,
                &(),
                "SuccessfulCreate",
                format!("Created pod: {name}"),
            )
            .await;
    }
    Ok(())
}

fn owner(mut reference: Value) -> Value {
    reference["blockOwnerDeletion"] = true.into();
    reference
}

type Counts = (usize, usize, usize, usize);

async fn report(
    api: &Api<Deployment>,
    deployment: &Deployment,
    set: &str,
    wanted: usize,
    (new, all, available, ready_new): Counts,
) -> Result<(), Error> {
    let count = |number: usize| {
        if number == 0 {
            Value::Null
        } else {
            number.into()
        }
    };
    // One more than wanted runs while a new template comes up.
    let missing = wanted.max(all).saturating_sub(available);
    let counts = json!({
        "observedGeneration": deployment.metadata.generation,
        "replicas": count(all), "updatedReplicas": count(new),
        "readyReplicas": count(available), "availableReplicas": count(available),
        "unavailableReplicas": count(missing),
    });
    let available = if available >= wanted {
        condition(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        condition(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let progressing = if ready_new >= wanted {
        condition(
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            &format!("ReplicaSet \"{set}\" has successfully progressed."),
        )
    } else {
        condition(
            "Progressing",
            "True",
            "ReplicaSetUpdated",
            &format!("ReplicaSet \"{set}\" is progressing."),
        )
    };
    write(api, deployment, &counts, vec![available, progressing]).await
}

fn condition(type_: &str, is: &str, reason: &str, message: &str) -> Value {
    json!({ "type": type_, "status": is, "reason": reason, "message": message })
}

/// Writes counts and conditions, if any of them changed.
async fn write(
    api: &Api<Deployment>,
    deployment: &Deployment,
    counts: &Value,
    conditions: Vec<Value>,
) -> Result<(), Error> {
    let before = serde_json::to_value(&deployment.status)?;
    let before = before.as_object().cloned().unwrap_or_default();
    let mut after = before.clone();
    for (field, value) in counts.as_object().into_iter().flatten() {
        if value.is_null() {
            after.remove(field);
        } else {
            after.insert(field.clone(), value.clone());
        }
    }
    let old: Vec<Value> = before
        .get("conditions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let dated: Vec<Value> = conditions
        .into_iter()
        .map(|mut condition| {
            let earlier = old
                .iter()
                .find(|earlier| earlier["type"] == condition["type"]);
            let same =
                |field: &str| earlier.is_some_and(|earlier| earlier[field] == condition[field]);
            let (kept, said) = (same("status"), same("reason") && same("message"));
            let from = |field: &str, keep: bool| match earlier {
                Some(earlier) if keep => earlier[field].clone(),
                _ => now().into(),
            };
            let (transition, update) = (
                from("lastTransitionTime", kept),
                from("lastUpdateTime", kept && said),
            );
            condition["lastTransitionTime"] = transition;
            condition["lastUpdateTime"] = update;
            condition
        })
        .collect();
    let kept = old.into_iter().filter(|earlier| {
        dated
            .iter()
            .all(|condition| condition["type"] != earlier["type"])
    });
    let all: Vec<Value> = kept.chain(dated.iter().cloned()).collect();
    after.insert("conditions".to_owned(), all.into());
    let patch = difference(&before, &after);
    if patch.is_empty() {
        return Ok(());
    }
    let patch = Patch::Merge(json!({ "status": patch }));
    api.patch_status(&deployment.name_any(), &PatchParams::default(), &patch)
        .await?;
    Ok(())
}
