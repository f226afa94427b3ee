//! The status of a Deployment: how far its pods are.

use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{error::Error, objects::difference, status::now};

/// The condition that is there only while pods are refused.
const REPLICA_FAILURE: &str = "ReplicaFailure";

type Counts = (usize, usize, usize, usize);

/// Reports how many pods there are: new ones, all, available ones, new ones that are ready.
pub(super) async fn report(
    api: &Api<Deployment>,
    deployment: &Deployment,
    set: &str,
    wanted: usize,
    (new, all, available, ready_new): Counts,
    refused: Option<&str>,
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
    if let Some(refused) = refused {
        // How far it had come is said still.
        let failure = condition(REPLICA_FAILURE, "True", "FailedCreate", refused);
        return write(api, deployment, &counts, vec![available, failure]).await;
    }
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

/// A condition of a Deployment; its times are set when it is written.
pub(super) fn condition(type_: &str, is: &str, reason: &str, message: &str) -> Value {
    json!({ "type": type_, "status": is, "reason": reason, "message": message })
}

/// Writes counts and conditions, if any of them changed.
pub(super) async fn write(
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
        earlier["type"] != REPLICA_FAILURE
            && dated
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
