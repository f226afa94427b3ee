//! The provisioner, for volumes: a directory for each claim, gone when the claim is.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use k8s_openapi::api::{
    core::v1::{PersistentVolume, PersistentVolumeClaim},
    storage::v1::StorageClass,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::DeleteParams,
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    contract::{STAND_IN, STAND_IN_SAYS},
    drive,
    error::Error,
    everything,
    objects::{create, delete, merge},
    of_clusters,
};

pub(super) const PROVISIONER: &str = "sandbox.daap.dev/local";
/// Claims of this class are never bound.
pub(super) const UNBINDABLE: &str = "unbindable";
/// Makes the folders that the stand-in works in.
pub(super) fn prepare_folder(state: &Path) -> io::Result<()> {
    for folder in [state.to_owned(), state.join("volumes"), state.join("pods")] {
        fs::create_dir_all(&folder)?;
        // PostgreSQL's user has to get through, and need not see what else is there.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o711))?;
    }
    Ok(())
}

/// Folder of a claim's volume.
pub(super) fn folder(state: &Path, claim_uid: &str) -> PathBuf {
    state.join("volumes").join(claim_uid)
}

/// Registers the storage classes: one that can grow (the default), one that cannot, one that never binds.
pub(super) async fn register_classes(client: &Client) -> Result<(), Error> {
    let api: Api<StorageClass> = Api::all(client.clone());
    for (name, default, growing) in [
        ("standard", true, true),
        ("fixed", false, false),
        (UNBINDABLE, false, false),
    ] {
        create(
            &api,
            json!({
                "metadata": { "name": name, "annotations": {
                    STAND_IN: STAND_IN_SAYS,
                    "storageclass.kubernetes.io/is-default-class": default.to_string(),
                }},
                "provisioner": PROVISIONER,
                "allowVolumeExpansion": growing,
                "reclaimPolicy": "Delete",
                "volumeBindingMode": "Immediate",
            }),
        )
        .await?;
    }
    Ok(())
}

/// Removes volumes whose claims are gone, with their directories.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let api = Api::<PersistentVolume>::all(shared.client.clone());
    let claims = Api::<PersistentVolumeClaim>::all(shared.client.clone());
    let controller = Controller::new(api, everything()).watches(claims, of_clusters(), |claim| {
        Some(ObjectRef::new(&volume_name(&claim)))
    });
    drive(controller, stop, shared, reconcile).await;
}

async fn reconcile(volume: Arc<PersistentVolume>, shared: Arc<Shared>) -> Result<Action, Error> {
    if volume
        .annotations()
        .get("pv.kubernetes.io/provisioned-by")
        .map(String::as_str)
        != Some(PROVISIONER)
    {
        return Ok(Action::await_change());
    }
    let api: Api<PersistentVolume> = Api::all(shared.client.clone());
    let Some(reference) = volume.spec.as_ref().and_then(|spec| spec.claim_ref.clone()) else {
        return Ok(Action::await_change());
    };
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(
        shared.client.clone(),
        reference.namespace.as_deref().unwrap_or_default(),
    );
    let claim = claims
        .get_metadata_opt(reference.name.as_deref().unwrap_or_default())
        .await?;
    if claim.is_some_and(|claim| claim.uid() == reference.uid) {
        return Ok(Action::await_change());
    }
    match fs::remove_dir_all(folder(
        &shared.state_dir,
        reference.uid.as_deref().unwrap_or("none"),
    )) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    merge(
        &api,
        &volume.name_any(),
        json!({ "metadata": { "finalizers": null } }),
    )
    .await?;
    delete(&api, &*volume, DeleteParams::default()).await?;
    tracing::info!(claim = ?reference.name, "its claim is gone, and so is its directory");
    Ok(Action::await_change())
}

pub(super) fn volume_name(claim: &PersistentVolumeClaim) -> String {
    format!("pvc-{}", claim.uid().unwrap_or_default())
}
