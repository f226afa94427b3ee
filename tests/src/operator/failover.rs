//! Failover: a replica is promoted when the primary is lost.

use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt as _, runtime::controller::Action};
use serde_json::json;

use super::{
    cluster::{Pass, RETRY},
    contract::{label, phase},
    error::Error,
    objects::{is_ready, label, merge},
    resources::cluster_type,
};

/// What the status says of the primary to be while it is not chosen yet.
const PENDING: &str = "pending";

/// Promotes a replica when the primary is lost; `None` when there is nothing to do, or nobody to do
/// it with: the instance is started again then.
pub(super) async fn reconcile(pass: &mut Pass) -> Result<Option<Action>, Error> {
    let current = pass.status.text("currentPrimary").to_owned();
    let target = pass.status.text("targetPrimary").to_owned();
    if current.is_empty() {
        return Ok(None);
    }
    let candidates = candidates(pass, &current);
    if target == current {
        if candidates.is_empty() || !is_lost(pass, &current) {
            return Ok(None);
        }
        begin(pass, &current).await?;
    } else if candidates.iter().any(|pod| pod.name_any() == target) {
        // Its instance manager promotes it, and writes that it is the primary.
        return Ok(Some(Action::await_change()));
    } else if candidates.is_empty() {
        // The last one is lost, too.
        pass.aim_at(&current).await?;
        return Ok(None);
    }
    choose(pass, &current, &candidates).await.map(Some)
}

/// Those that could take over.
fn candidates(pass: &Pass, current: &str) -> Vec<Pod> {
    let others = pass.view.pods.iter().filter(|pod| {
        let name = pod.name_any();
        name != current && is_ready(pod) && !pass.cluster.is_fenced(&name)
    });
    others.cloned().collect()
}

/// Whether an instance is gone or its `PostgreSQL` has ended. A fenced one is not lost.
fn is_lost(pass: &Pass, instance: &str) -> bool {
    let Some(pod) = pass.view.pod(instance) else {
        return true;
    };
    let silent = !is_ready(pod) && pass.reported(pod).is_none();
    !pass.cluster.is_fenced(instance) && (pod.metadata.deletion_timestamp.is_some() || silent)
}

async fn begin(pass: &mut Pass, current: &str) -> Result<(), Error> {
    let reason = format!("Initiating a failover from {current}");
    pass.status
        .enter_phase(phase::FAILING_OVER, &reason)
        .await?;
    let note = format!("Current primary isn't healthy, initiating a failover from {current}");
    announce(pass, "FailingOver", note).await;
    // From here on a primary that still runs stops: there are never two.
    pass.aim_at(PENDING).await
}

/// Aims at the replica that has most, once none of them receives any more.
async fn choose(pass: &mut Pass, current: &str, candidates: &[Pod]) -> Result<Action, Error> {
    let sql = "SELECT (SELECT count(*) FROM pg_stat_wal_receiver), \
               coalesce(pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0'), 0)";
    let mut best: Option<(u64, String)> = None;
    for pod in candidates {
        let uid = pod.uid().unwrap_or_default();
        let line = pass.shared.kubelet.sql(&uid, "postgres", sql).await?;
        let (receivers, position) = line.trim().split_once('|').unwrap_or_default();
        if receivers != "0" {
            return Ok(Action::requeue(RETRY / 4));
        }
        let position = position.parse().unwrap_or_default();
        if best.as_ref().is_none_or(|(most, _)| position > *most) {
            best = Some((position, pod.name_any()));
        }
    }
    if let Some((_, chosen)) = best {
        let reason = format!("Failing over from {current} to {chosen}");
        pass.status
            .enter_phase(phase::FAILING_OVER, &reason)
            .await?;
        announce(pass, "FailoverTarget", reason).await;
        pass.aim_at(&chosen).await?;
    }
    Ok(Action::await_change())
}

/// Writes on every pod which role it has, which the Services go by.
pub(super) async fn label_pods(pass: &Pass) -> Result<(), Error> {
    let primary = pass.status.text("currentPrimary");
    if primary.is_empty() || primary != pass.status.text("targetPrimary") {
        return Ok(());
    }
    let api = kube::Api::<Pod>::namespaced(pass.shared.client.clone(), &pass.cluster.namespace);
    for pod in &pass.view.pods {
        let name = pod.name_any();
        let role = if name == primary {
            "primary"
        } else {
            "replica"
        };
        if label(pod, label::INSTANCE_ROLE) != role {
            // It may be another pod by now, or none: only this one is meant.
            let patch = json!({ "metadata": {
                "uid": pod.uid(), "labels": { label::INSTANCE_ROLE: role, "role": role },
            }});
            merge(&api, &name, patch).await?;
        }
    }
    Ok(())
}

async fn announce(pass: &Pass, reason: &str, note: String) {
    let events = &pass.shared.events;
    events
        .normal(&pass.cluster.object, &cluster_type(), reason, note)
        .await;
}
