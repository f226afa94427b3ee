//! The controller of Jobs, for the Jobs of Clusters: a pod, and another one when it fails.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ListParams, Patch, PatchParams},
    runtime::{Controller, controller::Action},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Shared, addresses::suffix, drive, error::Error, objects::create, of_clusters, status::now,
};

/// Pods that may fail before the Job does: Kubernetes' default.
const TRIES: usize = 7;

/// Before another pod is tried after one was refused. The real pause doubles.
pub(super) const REFUSED_PAUSE: Duration = Duration::from_secs(5);

/// Runs Jobs.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let jobs = Api::<Job>::all(shared.client.clone());
    let pods = Api::<Pod>::all(shared.client.clone());
    drive(
        Controller::new(jobs, of_clusters()).owns(pods, of_clusters()),
        stop,
        shared,
        reconcile,
    )
    .await;
}

/// Whether a Job has done its work.
pub(super) fn is_complete(job: &Job) -> bool {
    has(job, "Complete")
}

fn has(job: &Job, type_: &str) -> bool {
    let conditions = job
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    conditions
        .iter()
        .any(|condition| condition.type_ == type_ && condition.status == "True")
}

async fn reconcile(job: Arc<Job>, shared: Arc<Shared>) -> Result<Action, Error> {
    if job.metadata.deletion_timestamp.is_some() || is_complete(&job) || has(&job, "Failed") {
        return Ok(Action::await_change());
    }
    let namespace = job.namespace().unwrap_or_default();
    let pods: Api<Pod> = Api::namespaced(shared.client.clone(), &namespace);
    let ours =
        ListParams::default().labels(&format!("batch.kubernetes.io/job-name={}", job.name_any()));
    let pods_now: Vec<Pod> = pods.list(&ours).await?.items;
    let ours: Vec<&Pod> = pods_now
        .iter()
        .filter(|pod| {
            pod.owner_references()
                .iter()
                .any(|owner| Some(&owner.uid) == job.uid().as_ref())
        })
        .collect();
    let phase = |pod: &Pod| {
        pod.status
            .as_ref()
            .and_then(|status| status.phase.clone())
            .unwrap_or_default()
    };
    if ours.iter().any(|pod| phase(pod) == "Succeeded") {
        write(
            &shared,
            &job,
            finished(
                "Complete",
                "SuccessCriteriaMet",
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            ),
        )
        .await?;
        shared
            .events
            .normal(&*job, &(), "Completed", "Job completed".to_owned())
            .await;
        return Ok(Action::await_change());
    }
    let failed = ours.iter().filter(|pod| phase(pod) == "Failed").count();
    if failed >= TRIES {
        let message = "Job has reached the specified backoff limit";
        write(
            &shared,
            &job,
            finished("Failed", "FailureTarget", "BackoffLimitExceeded", message),
        )
        .await?;
        shared
            .events
            .warning(&*job, &(), "BackoffLimitExceeded", message.to_owned())
            .await;
        return Ok(Action::await_change());
    }
    if ours
        .iter()
        .any(|pod| phase(pod) != "Failed" && pod.metadata.deletion_timestamp.is_none())
    {
        let running = ours.iter().any(|pod| phase(pod) == "Running");
        write(&shared, &job, json!({ "active": 1, "ready": u8::from(running), "failed": failed, "startTime": started(&job) })).await?;
        return Ok(Action::await_change());
    }
    if failed > 0 && !waited(&ours, failed) {
        return Ok(Action::requeue(Duration::from_millis(500)));
    }
    add_pod(&shared, &job, &pods).await
}

/// Whether long enough has passed since the last failure; the pause doubles.
fn waited(pods: &[&Pod], failed: usize) -> bool {
    let pause = 1_i64 << failed.min(5);
    let last = pods
        .iter()
        .filter_map(|pod| pod.metadata.creation_timestamp.as_ref())
        .map(|time| time.0)
        .max();
    last.is_none_or(|last| jiff::Timestamp::now().as_second() - last.as_second() >= pause)
}

async fn add_pod(shared: &Shared, job: &Job, api: &Api<Pod>) -> Result<Action, Error> {
    let name = format!("{}-{}", job.name_any(), suffix()?);
    let mut pod = serde_json::to_value(job.spec.as_ref().map(|spec| &spec.template))?;
    pod["metadata"]["name"] = name.as_str().into();
    let mut owner = serde_json::to_value(job.controller_owner_ref(&()))?;
    owner["blockOwnerDeletion"] = true.into();
    pod["metadata"]["ownerReferences"] = json!([owner]);
    match create(api, pod).await {
        Ok(true) => {
            let note = format!("Created pod: {name}");
            shared
                .events
                .normal(job, &(), "SuccessfulCreate", note)
                .await;
        }
        Ok(false) => {}
        Err(error) => {
            let refused = error.refusal().map(str::to_owned).ok_or(error)?;
            let note = format!("Error creating: {refused}");
            shared.events.warning(job, &(), "FailedCreate", note).await;
            return Ok(Action::requeue(REFUSED_PAUSE));
        }
    }
    Ok(Action::await_change())
}

fn started(job: &Job) -> Value {
    let start = job
        .status
        .as_ref()
        .and_then(|status| status.start_time.as_ref());
    start
        .and_then(|time| serde_json::to_value(time).ok())
        .unwrap_or_else(|| now().into())
}

fn finished(type_: &str, before: &str, reason: &str, message: &str) -> Value {
    let condition = |type_: &str| {
        json!({
            "type": type_, "status": "True", "reason": reason, "message": message,
            "lastProbeTime": now(), "lastTransitionTime": now(),
        })
    };
    let mut status =
        json!({ "active": null, "ready": 0, "conditions": [condition(before), condition(type_)] });
    if type_ == "Complete" {
        status["succeeded"] = 1.into();
        status["completionTime"] = now().into();
    }
    status
}

async fn write(shared: &Shared, job: &Job, mut status: Value) -> Result<(), Error> {
    status["startTime"] = started(job);
    let same = |field: &str| {
        let before = serde_json::to_value(&job.status).unwrap_or_default();
        before[field] == status[field] || (before[field].is_null() && status[field] == 0)
    };
    if status.get("conditions").is_none()
        && ["active", "ready", "failed"]
            .iter()
            .all(|field| same(field))
    {
        return Ok(());
    }
    let api: Api<Job> =
        Api::namespaced(shared.client.clone(), &job.namespace().unwrap_or_default());
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(&job.name_any(), &PatchParams::default(), &patch)
        .await?;
    Ok(())
}
