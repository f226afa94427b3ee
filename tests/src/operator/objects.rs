//! Writing objects without surprises, and reading what is asked of them often.

use std::{collections::BTreeMap, fmt::Debug};

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{
    error::Error,
    resources::{clusters, poolers},
};

/// Adds strings to a JSON object.
pub(super) fn extend(target: &mut Value, entries: &BTreeMap<String, String>) {
    if let Some(target) = target.as_object_mut() {
        target.extend(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), value.as_str().into())),
        );
    }
}

/// The merge patch that leads from one JSON object to another; empty when they are equal.
pub(super) fn difference(from: &Map<String, Value>, to: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to {
        match (from.get(key), value) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) => {
                patch.insert(key.clone(), difference(old, new).into());
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    patch
}

/// Makes an object; that it is already there is no error. Says whether it was made.
pub(super) async fn create<K>(api: &Api<K>, object: Value) -> Result<bool, Error>
where
    K: Resource + Clone + Debug + DeserializeOwned + Serialize,
{
    let owner = &object["metadata"]["ownerReferences"][0];
    if owner["apiVersion"] == "postgresql.cnpg.io/v1" {
        confirm(
            api.clone().into_client(),
            &object["metadata"]["namespace"],
            owner,
        )
        .await?;
    }
    let object: K = serde_json::from_value(object)?;
    match api.create(&PostParams::default(), &object).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that an owner is still there: a pass that is overtaken by its deletion would make
/// anew what the garbage collector has just taken.
async fn confirm(client: Client, namespace: &Value, owner: &Value) -> Result<(), Error> {
    let namespace = namespace.as_str().unwrap_or_default();
    let api = match owner["kind"].as_str() {
        Some("Pooler") => poolers(&client, namespace),
        _ => clusters(&client, namespace),
    };
    let name = owner["name"].as_str().unwrap_or_default();
    let now = api.get_metadata_opt(name).await?;
    if now.is_some_and(|now| now.uid().as_deref() == owner["uid"].as_str()) {
        return Ok(());
    }
    Err(Error::Gone(name.to_owned()))
}

/// Deletes an object if it is still the one that is meant; that it is gone is no error.
pub(super) async fn delete<K>(api: &Api<K>, object: &K, params: DeleteParams) -> Result<(), Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let params = params.preconditions(kube::api::Preconditions {
        uid: object.uid(),
        resource_version: None,
    });
    match api.delete(&object.name_any(), &params).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Changes an object by a merge patch.
pub(super) async fn merge<K>(api: &Api<K>, name: &str, patch: Value) -> Result<K, Error>
where
    K: Clone + Debug + DeserializeOwned,
{
    Ok(api
        .patch(name, &PatchParams::default(), &Patch::Merge(patch))
        .await?)
}

/// Adds labels and annotations where they are missing or different.
pub(super) async fn annotate<K>(
    api: &Api<K>,
    object: &K,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
) -> Result<(), Error>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    let has = |now: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>| {
        wanted
            .iter()
            .all(|(key, value)| now.get(key) == Some(value))
    };
    if has(object.labels(), labels) && has(object.annotations(), annotations) {
        return Ok(());
    }
    let patch = json!({ "metadata": { "labels": labels, "annotations": annotations } });
    merge(api, &object.name_any(), patch).await.map(drop)
}

/// Whether a pod accepts work.
pub(super) fn is_ready(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let conditions = status
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The claims that a pod uses, first the one with the data.
pub(super) fn claims_of(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref());
    let claims = volumes.into_iter().flatten();
    claims.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.as_str()))
}

/// Whether a claim is bound to a volume.
pub(super) fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    let phase = claim
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    phase == Some("Bound")
}

/// A label's value, empty when there is none.
pub(super) fn label<'a, K: Resource>(object: &'a K, key: &str) -> &'a str {
    object.labels().get(key).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_leads_from_one_to_the_other() {
        let from = json!({ "same": 1, "gone": 2, "deep": { "same": [1], "gone": true, "new": 1 } });
        let to = json!({ "same": 1, "deep": { "same": [1], "new": 2 }, "added": [] });
        let (from, to) = (from.as_object().unwrap(), to.as_object().unwrap());
        let patch = difference(from, to);
        let expected = json!({ "gone": null, "deep": { "gone": null, "new": 2 }, "added": [] });
        assert_eq!(Value::Object(patch.clone()), expected);
        let mut merged = Value::Object(from.clone());
        json_patch::merge(&mut merged, &Value::Object(patch));
        assert_eq!(merged.as_object(), Some(to));
        assert!(difference(to, to).is_empty());
    }
}
