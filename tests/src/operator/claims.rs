//! The provisioner, for claims: binds them, grows them, lets go of them.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use k8s_openapi::{
    api::{
        core::v1::{PersistentVolume, PersistentVolumeClaim, Pod},
        storage::v1::StorageClass,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    contract::{NODE, STAND_IN, STAND_IN_SAYS, label},
    drive,
    error::Error,
    faults::Fault,
    kubelet::ticks,
    objects::{claims_of, create, is_bound, merge},
    of_clusters,
    volumes::{PROVISIONER, UNBINDABLE, folder, volume_name},
};

/// How soon a claim that pods still use is looked at again.
const RETRY: Duration = Duration::from_millis(500);

/// Binds claims, grows them, and lets go of those that are deleted.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let api = Api::<PersistentVolumeClaim>::all(shared.client.clone());
    let pods = Api::<Pod>::all(shared.client.clone());
    let faults = ticks(shared.faults.changes());
    let controller = Controller::new(api, of_clusters())
        .watches(pods, of_clusters(), |pod| {
            let namespace = pod.namespace().unwrap_or_default();
            let claims = claims_of(&pod).map(|claim| ObjectRef::new(claim).within(&namespace));
            claims.collect::<Vec<_>>()
        })
        .reconcile_all_on(faults);
    drive(controller, stop, shared, reconcile).await;
}

async fn reconcile(
    claim: Arc<PersistentVolumeClaim>,
    shared: Arc<Shared>,
) -> Result<Action, Error> {
    let namespace = claim.namespace().unwrap_or_default();
    let api: Api<PersistentVolumeClaim> = Api::namespaced(shared.client.clone(), &namespace);
    if claim.metadata.deletion_timestamp.is_some() {
        return release(&shared, &api, &claim, &namespace).await;
    }
    if is_bound(&claim) {
        grow(&shared, &api, &claim).await?;
        return Ok(Action::await_change());
    }
    if let Some((reason, message)) = why_unbound(&shared, &claim, &namespace).await? {
        shared.events.warning(&*claim, &(), reason, message).await;
        // A class may come; nothing tells us.
        return Ok(Action::requeue(Duration::from_secs(5)));
    }
    bind(&shared, &api, &claim, &namespace).await?;
    Ok(Action::await_change())
}

/// Why a claim has to wait, as an event says it.
async fn why_unbound(
    shared: &Shared,
    claim: &PersistentVolumeClaim,
    namespace: &str,
) -> Result<Option<(&'static str, String)>, Error> {
    let spec = claim.spec.as_ref();
    let class = spec
        .and_then(|spec| spec.storage_class_name.as_deref())
        .unwrap_or_default();
    if class.is_empty() {
        return Ok(Some((
            "FailedBinding",
            "no persistent volumes available for this claim and no storage class is set".to_owned(),
        )));
    }
    let cluster = claim
        .labels()
        .get(label::CLUSTER)
        .map_or("", String::as_str);
    if class == UNBINDABLE || shared.faults.has(namespace, cluster, Fault::VolumeUnbound) {
        return Ok(Some((
            "ProvisioningFailed",
            format!(
                "failed to provision volume with StorageClass \"{class}\": no space left on any node"
            ),
        )));
    }
    let classes: Api<StorageClass> = Api::all(shared.client.clone());
    Ok(match classes.get_opt(class).await? {
        Some(_) => None,
        None => Some((
            "ProvisioningFailed",
            format!("storageclass.storage.k8s.io \"{class}\" not found"),
        )),
    })
}

async fn bind(
    shared: &Shared,
    api: &Api<PersistentVolumeClaim>,
    claim: &PersistentVolumeClaim,
    namespace: &str,
) -> Result<(), Error> {
    let name = claim.name_any();
    let volume = volume_name(claim);
    let size = requested(claim).unwrap_or_else(|| Quantity("1Gi".to_owned()));
    let directory = folder(&shared.state_dir, &claim.uid().unwrap_or_default());
    shared.programs.make_folder(&directory)?;
    let class = claim
        .spec
        .as_ref()
        .and_then(|spec| spec.storage_class_name.clone());
    create(
        &Api::<PersistentVolume>::all(shared.client.clone()),
        json!({
            "metadata": { "name": volume, "annotations": {
                STAND_IN: STAND_IN_SAYS, "pv.kubernetes.io/provisioned-by": PROVISIONER,
            }},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": { "storage": size },
                "claimRef": claim.object_ref(&()),
                "local": { "path": directory },
                "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                    { "key": "kubernetes.io/hostname", "operator": "In", "values": [NODE] }
                ]}]}},
                "persistentVolumeReclaimPolicy": "Delete",
                "storageClassName": class,
            },
        }),
    )
    .await?;
    let volumes: Api<PersistentVolume> = Api::all(shared.client.clone());
    write_status(&volumes, &volume, json!({ "phase": "Bound" })).await?;
    merge(api, &name, json!({
        "metadata": { "annotations": {
            "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
        }},
        "spec": { "volumeName": volume },
    })).await?;
    write_status(
        api,
        &name,
        json!({
            "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": { "storage": size },
        }),
    )
    .await?;
    tracing::info!(%namespace, claim = %name, "bound to a directory");
    Ok(())
}

/// Gives a claim what it asks for; the API server lets only those ask for more whose class allows it.
async fn grow(
    shared: &Shared,
    api: &Api<PersistentVolumeClaim>,
    claim: &PersistentVolumeClaim,
) -> Result<(), Error> {
    let has = claim
        .status
        .as_ref()
        .and_then(|status| status.capacity.as_ref())
        .and_then(|capacity| capacity.get("storage"));
    let Some(wanted) = requested(claim).filter(|wanted| has != Some(wanted)) else {
        return Ok(());
    };
    let volumes: Api<PersistentVolume> = Api::all(shared.client.clone());
    merge(
        &volumes,
        &volume_name(claim),
        json!({ "spec": { "capacity": { "storage": wanted } } }),
    )
    .await?;
    write_status(
        api,
        &claim.name_any(),
        json!({ "capacity": { "storage": wanted } }),
    )
    .await
}

/// Drops the protection of a deleted claim once no pod uses it, as the controller manager does.
async fn release(
    shared: &Shared,
    api: &Api<PersistentVolumeClaim>,
    claim: &PersistentVolumeClaim,
    namespace: &str,
) -> Result<Action, Error> {
    let name = claim.name_any();
    let pods: Api<Pod> = Api::namespaced(shared.client.clone(), namespace);
    let finished = |pod: &Pod| {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let used = pods
        .list(&ListParams::default())
        .await?
        .items
        .iter()
        .any(|pod| claims_of(pod).any(|claim| claim == name) && !finished(pod));
    if used {
        return Ok(Action::requeue(RETRY));
    }
    let kept: Vec<&String> = claim
        .finalizers()
        .iter()
        .filter(|finalizer| *finalizer != "kubernetes.io/pvc-protection")
        .collect();
    if kept.len() < claim.finalizers().len() {
        merge(api, &name, json!({ "metadata": { "finalizers": kept, "resourceVersion": claim.resource_version() } })).await?;
    }
    Ok(Action::await_change())
}

async fn write_status<K>(api: &Api<K>, name: &str, status: Value) -> Result<(), Error>
where
    K: Clone + Debug + DeserializeOwned,
{
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(name, &PatchParams::default(), &patch)
        .await?;
    Ok(())
}

fn requested(claim: &PersistentVolumeClaim) -> Option<Quantity> {
    let resources = claim.spec.as_ref()?.resources.as_ref()?;
    let requests: &BTreeMap<String, Quantity> = resources.requests.as_ref()?;
    requests.get("storage").cloned()
}
