//! Instances of a Cluster: adopted, made, started, removed.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
    runtime::controller::Action,
};
use serde_json::json;

pub(super) use super::kubelet::identifier;
use super::{
    cluster::{Pass, RETRY, View, is_filled, serial},
    contract::{annotation, label, phase},
    error::{Error, chain},
    jobs,
    objects::{cluster_type, create, delete, is_ready, label, merge},
    pods::{self, Filling, Role},
    status::set_condition,
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
    let primary = orphans
        .iter()
        .find(was_primary)
        .or_else(|| orphans.iter().min_by_key(|claim| serial(claim)));
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

/// Leads to as many running instances as wanted; `None` when there are.
pub(super) async fn reconcile(pass: &mut Pass) -> Result<Option<Action>, Error> {
    if pass.view.claims.is_empty() {
        return begin(pass).await.map(Some);
    }
    if let Some(action) = fill(pass).await? {
        return Ok(Some(action));
    }
    if !grow_claims(pass).await {
        return Ok(Some(Action::requeue(RETRY * 5)));
    }
    choose_primary(pass).await?;
    pass.synchronise_password().await?;
    stop_orphans(pass).await?;
    if let Some(action) = start(pass).await? {
        return Ok(Some(action));
    }
    let wanted = pass.cluster.instances();
    match pass.view.claims.len() {
        have if have < wanted => add_replica(pass).await.map(Some),
        have if have > wanted => remove_last(pass).await.map(Some),
        _ => Ok(None),
    }
}

/// Makes the first instance.
async fn begin(pass: &mut Pass) -> Result<Action, Error> {
    if !pass.status.text("currentPrimary").is_empty() {
        let reason = "There are no volumes of this cluster any more";
        pass.status
            .enter_phase(phase::UNRECOVERABLE, reason)
            .await?;
        return Ok(Action::await_change());
    }
    let name = format!("{}-1", pass.cluster.name);
    pass.aim_at(&name).await?;
    let reason = format!("Creating primary instance {name}");
    pass.status.enter_phase(phase::SETTING_UP, &reason).await?;
    announce(
        pass,
        "CreatingInstance",
        "Primary instance (initdb)".to_owned(),
    )
    .await;
    make(pass, 1, Filling::Initdb).await
}

async fn add_replica(pass: &mut Pass) -> Result<Action, Error> {
    let taken: Vec<usize> = pass.view.claims.iter().map(serial).collect();
    let serial = (1..).find(|serial| !taken.contains(serial)).unwrap_or(1);
    let name = format!("{}-{serial}", pass.cluster.name);
    let reason = format!("Creating replica {name}-join");
    pass.status.enter_phase(phase::NEW_REPLICA, &reason).await?;
    announce(
        pass,
        "CreatingInstance",
        format!("Creating instance {name}"),
    )
    .await;
    make(pass, serial, Filling::Join).await
}

async fn make(pass: &Pass, serial: usize, filling: Filling) -> Result<Action, Error> {
    let name = format!("{}-{serial}", pass.cluster.name);
    let (client, namespace) = (&pass.shared.client, &pass.cluster.namespace);
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let claim = pods::claim(&pass.cluster, &name, serial);
    if !create(&claims, claim.clone()).await? {
        // The operator trusts any claim of the name, and its Job sets aside what is on it.
        let owned = claims
            .get(&name)
            .await?
            .owner_references()
            .iter()
            .any(|owner| owner.uid != pass.cluster.uid);
        if owned {
            return Ok(Action::requeue(RETRY));
        }
        pass.change_claim(&name, json!({ "metadata": claim["metadata"] }))
            .await?;
    }
    create(
        &Api::<Job>::namespaced(client.clone(), namespace),
        pods::job(&pass.cluster, &name, filling),
    )
    .await?;
    Ok(Action::requeue(RETRY))
}

/// Waits for claims that are being filled.
async fn fill(pass: &mut Pass) -> Result<Option<Action>, Error> {
    let Some(claim) = pass.view.claims.iter().find(|claim| !is_filled(claim)) else {
        return Ok(None);
    };
    let name = claim.name_any();
    match pass.view.job(&name) {
        Some(job) if jobs::is_complete(job) => {
            let patch =
                json!({ "metadata": { "annotations": { annotation::VOLUME_STATUS: "ready" } } });
            pass.change_claim(&name, patch).await?;
        }
        Some(_) => {}
        None => {
            let filling = if pass.status.text("targetPrimary") == name {
                Filling::Initdb
            } else {
                Filling::Join
            };
            let api: Api<Job> =
                Api::namespaced(pass.shared.client.clone(), &pass.cluster.namespace);
            create(&api, pods::job(&pass.cluster, &name, filling)).await?;
        }
    }
    Ok(Some(Action::await_change()))
}

/// Asks for more storage where the Cluster does; false when the API server refuses.
///
/// The real operator stops here too when the class cannot grow: the phase stays what it was, and no
/// instance is started any more.
async fn grow_claims(pass: &Pass) -> bool {
    let Some(wanted) = pass.cluster.spec.storage.size.as_deref() else {
        return true;
    };
    for claim in &pass.view.claims {
        let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
        let asked = resources.and_then(|resources| resources.requests.as_ref()?.get("storage"));
        let asked = asked.map_or("0", |quantity| quantity.0.as_str());
        if bytes(wanted) <= bytes(asked) {
            continue;
        }
        let patch = json!({ "spec": { "resources": { "requests": { "storage": wanted } } } });
        if let Err(error) = pass.change_claim(&claim.name_any(), patch).await {
            tracing::warn!(claim = %claim.name_any(), "could not be resized: {}", chain(&error));
            return false;
        }
    }
    true
}

/// Aims at an instance that is there, and writes on every claim which role it has.
async fn choose_primary(pass: &mut Pass) -> Result<(), Error> {
    let target = pass.status.text("targetPrimary").to_owned();
    if !pass
        .view
        .claims
        .iter()
        .any(|claim| claim.name_any() == target)
    {
        let first = pass
            .view
            .claims
            .first()
            .map(ResourceExt::name_any)
            .unwrap_or_default();
        pass.aim_at(&first).await?;
    }
    for claim in &pass.view.claims {
        let role = role(pass, &claim.name_any()).name();
        if label(claim, label::INSTANCE_ROLE) != role && pass.view.pod(&claim.name_any()).is_some()
        {
            let patch =
                json!({ "metadata": { "labels": { label::INSTANCE_ROLE: role, "role": role } } });
            pass.change_claim(&claim.name_any(), patch).await?;
        }
    }
    Ok(())
}

fn role(pass: &Pass, instance: &str) -> Role {
    if pass.status.text("targetPrimary") == instance {
        Role::Primary
    } else {
        Role::Replica
    }
}

/// Removes pods whose claims were deleted.
async fn stop_orphans(pass: &Pass) -> Result<(), Error> {
    let api: Api<Pod> = Api::namespaced(pass.shared.client.clone(), &pass.cluster.namespace);
    for pod in &pass.view.pods {
        let has_claim = pass
            .view
            .claims
            .iter()
            .any(|claim| claim.name_any() == pod.name_any());
        if !has_claim && pod.metadata.deletion_timestamp.is_none() {
            delete(&api, pod, DeleteParams::default()).await?;
        }
    }
    Ok(())
}

/// Starts the instances, the primary first and one at a time; `None` when all run.
async fn start(pass: &mut Pass) -> Result<Option<Action>, Error> {
    let cluster = &pass.cluster;
    let waited_for = pass
        .view
        .pods
        .iter()
        .any(|pod| !is_ready(pod) && !cluster.is_fenced(&pod.name_any()));
    if waited_for {
        let reason = "Some instances are not yet active. Please wait.";
        pass.status.enter_phase(phase::WAITING, reason).await?;
        return Ok(Some(Action::await_change()));
    }
    let mut dangling: Vec<_> = pass
        .view
        .claims
        .iter()
        .filter(|claim| pass.view.pod(&claim.name_any()).is_none())
        .collect();
    dangling.sort_by_key(|claim| role(pass, &claim.name_any()) == Role::Replica);
    let Some(claim) = dangling.first() else {
        return Ok(None);
    };
    let name = claim.name_any();
    let number = claim
        .annotations()
        .get(annotation::SERIAL)
        .cloned()
        .unwrap_or_default();
    let api: Api<Pod> = Api::namespaced(pass.shared.client.clone(), &cluster.namespace);
    create(
        &api,
        pods::instance(cluster, &name, &number, role(pass, &name)),
    )
    .await?;
    // A pod of this name that belongs to an earlier Cluster has to go first.
    Ok(Some(Action::requeue(RETRY)))
}

async fn remove_last(pass: &mut Pass) -> Result<Action, Error> {
    let target = pass.status.text("targetPrimary").to_owned();
    let Some(claim) = pass
        .view
        .claims
        .iter()
        .rev()
        .find(|claim| claim.name_any() != target)
        .cloned()
    else {
        return Ok(Action::await_change());
    };
    let name = claim.name_any();
    announce(
        pass,
        "ScaleDown",
        format!("Scaling down - removing instance: {name}"),
    )
    .await;
    let (client, namespace) = (&pass.shared.client, &pass.cluster.namespace);
    // The claim first: it stays while the pod uses it, but no new pod is made for it.
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    delete(&claims, &claim, DeleteParams::default()).await?;
    if let Some(pod) = pass.view.pod(&name) {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        delete(&pods, pod, DeleteParams::default()).await?;
    }
    Ok(Action::await_change())
}

/// Removes Jobs that are done.
pub(super) async fn remove_jobs(pass: &Pass) -> Result<(), Error> {
    let api: Api<Job> = Api::namespaced(pass.shared.client.clone(), &pass.cluster.namespace);
    for job in pass.view.jobs.iter().filter(|job| jobs::is_complete(job)) {
        delete(&api, job, DeleteParams::background()).await?;
    }
    Ok(())
}

async fn announce(pass: &Pass, reason: &str, note: String) {
    pass.shared
        .events
        .normal(&pass.cluster.object, &cluster_type(), reason, note)
        .await;
}

/// A quantity in bytes; zero when it is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes of volumes, compared only"
)]
fn bytes(quantity: &str) -> u128 {
    let digits = quantity
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(digits);
    let power = |base: f64, units: &str| {
        units
            .find(unit.trim_end_matches('i'))
            .map(|n| base.powi(n as i32 + 1))
    };
    let factor = match unit {
        "" => Some(1.0),
        _ if unit.ends_with('i') => power(1024.0, "KMGTPE"),
        _ => power(1000.0, "kMGTPE"),
    };
    (number.parse::<f64>().unwrap_or_default() * factor.unwrap_or_default()) as u128
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn quantities_compare_by_size() {
        assert!(bytes("1Gi") > bytes("1G"));
        assert!(bytes("2Gi") > bytes("2047Mi"));
        assert_eq!(bytes("1024Mi"), bytes("1Gi"));
        assert_eq!(bytes("1.5Gi"), bytes("1536Mi"));
    }
}
