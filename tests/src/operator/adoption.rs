//! Adoption: a new Cluster takes over the volumes that an earlier one of its name left behind.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{Api, ResourceExt, api::ListParams};
use serde_json::json;

use super::{
    cluster::Pass,
    contract::{annotation, label},
    error::Error,
    objects::{label, merge},
    status::set_condition,
    view::{View, is_for_wal, serial},
};

/// Takes over claims that an earlier Cluster of this name left behind, when this one is new.
pub(super) async fn adopt(pass: &mut Pass) -> Result<(), Error> {
    if !pass.view.claims.is_empty() || pass.status.condition("Initialized").is_some() {
        return Ok(());
    }
    let api: Api<PersistentVolumeClaim> =
        Api::namespaced(pass.shared.client.clone(), &pass.cluster.namespace);
    let ours = ListParams::default().labels(&format!("{}={}", label::CLUSTER, pass.cluster.name));
    let orphans: Vec<_> = api
        .list(&ours)
        .await?
        .items
        .into_iter()
        .filter(|claim| {
            claim.owner_references().is_empty()
                && claim.annotations().contains_key(annotation::SERIAL)
        })
        .filter(|claim| claim.metadata.deletion_timestamp.is_none())
        .collect();
    if orphans.is_empty() {
        return Ok(());
    }
    let was_primary =
        |claim: &&PersistentVolumeClaim| label(*claim, label::INSTANCE_ROLE) == "primary";
    let data = || orphans.iter().filter(|claim| !is_for_wal(claim));
    let primary = data().find(was_primary);
    let primary = primary.or_else(|| data().min_by_key(|claim| serial(claim)));
    let primary = primary.map(ResourceExt::name_any).unwrap_or_default();
    for claim in &orphans {
        let patch = json!({ "metadata": {
            "ownerReferences": pass.cluster.owner_reference(),
            "annotations": { annotation::VOLUME_STATUS: "ready" },
        }});
        merge(&api, &claim.name_any(), patch).await?;
        tracing::info!(cluster = %pass.cluster.name, claim = %claim.name_any(), "adopted");
    }
    pass.view = View::read(&pass.shared, &pass.cluster).await?;
    pass.status
        .update(|status| {
            status.insert("targetPrimary".to_owned(), primary.into());
            set_condition(
                status,
                "Initialized",
                "True",
                "BootstrapCompleted",
                "Cluster has been bootstrapped",
            );
        })
        .await
}
