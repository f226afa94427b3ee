//! Instances of a Cluster: made, started, removed.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{Api, ResourceExt, api::DeleteParams, runtime::controller::Action};
use serde_json::json;

use super::{
    cluster::{Pass, RETRY},
    contract::{annotation, label, phase},
    error::Error,
    failover, growth, jobs,
    objects::{create, delete, is_ready, label},
    pods::{self, Filling, Role},
    resources::cluster_type,
    view::{is_filled, serial},
};

/// Leads to as many running instances as wanted; `None` when there are.
pub(super) async fn reconcile(pass: &mut Pass) -> Result<Option<Action>, Error> {
    if pass.view.claims.is_empty() {
        return begin(pass).await.map(Some);
    }
    if let Some(action) = failover::reconcile(pass).await? {
        return Ok(Some(action));
    }
    if let Some(action) = fill(pass).await? {
        return Ok(Some(action));
    }
    if !growth::grow_claims(pass).await {
        return Ok(Some(Action::requeue(RETRY * 5)));
    }
    choose_primary(pass).await?;
    failover::label_pods(pass).await?;
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
    let serial = (1..=taken.len() + 1).find(|serial| !taken.contains(serial));
    let serial = serial.unwrap_or(1);
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
    for claim in pods::claims(&pass.cluster, &name, serial) {
        if create(&claims, claim.clone()).await? {
            continue;
        }
        // The operator trusts any claim of the name, and its Job sets aside what is on it.
        let name = claim["metadata"]["name"].as_str().unwrap_or_default();
        let now = claims.get(name).await?;
        let owners = now.owner_references();
        if owners.iter().any(|owner| owner.uid != pass.cluster.uid) {
            return Ok(Action::requeue(RETRY));
        }
        pass.change_claim(name, json!({ "metadata": claim["metadata"] }))
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
            // The one with the data last: by it the instance is known to be filled.
            if let Some(wal) = pass.view.wal_claim(&name) {
                pass.change_claim(&wal.name_any(), patch.clone()).await?;
            }
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
    for claim in pass.view.wal_claim(&name).into_iter().chain([&claim]) {
        delete(&claims, claim, DeleteParams::default()).await?;
    }
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
