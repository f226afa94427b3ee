//! The status of a pod, as the kubelet writes it.

use std::net::Ipv4Addr;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{
    container::{Ending, Run, State},
    container_image, container_name,
};
use crate::operator::{error::Error, status::now};

/// The status of a pod whose container is in this state.
pub(super) fn of(pod: &Pod, state: &State, ip: Ipv4Addr) -> Value {
    let (ready, phase) = match &state.run {
        Run::Waiting { .. } if state.restarts == 0 => (false, "Pending"),
        Run::Waiting { .. } => (false, "Running"),
        Run::Running { ready, .. } => (
            *ready && pod.metadata.deletion_timestamp.is_none(),
            "Running",
        ),
        Run::Terminated(ending) if ending.code == 0 => (false, "Succeeded"),
        Run::Terminated(_) => (false, "Failed"),
    };
    let is = |yes: bool| if yes { "True" } else { "False" };
    let name = container_name(pod);
    let (reason, message) = match (ready, phase) {
        (true, _) => (Value::Null, Value::Null),
        (false, "Succeeded") => ("PodCompleted".into(), Value::Null),
        (false, _) => (
            "ContainersNotReady".into(),
            format!("containers with unready status: [{name}]").into(),
        ),
    };
    let mut conditions = Vec::new();
    for (type_, status) in [
        ("PodScheduled", true),
        ("Initialized", true),
        ("ContainersReady", ready),
        ("Ready", ready),
    ] {
        let mut condition = json!({ "type": type_, "status": is(status) });
        if !status {
            condition["reason"] = reason.clone();
            condition["message"] = message.clone();
        }
        condition["lastTransitionTime"] = transition(pod, type_, is(status)).into();
        conditions.push(condition);
    }
    let ip = ip.to_string();
    json!({
        "phase": phase,
        "conditions": conditions,
        "hostIP": "127.0.0.1", "hostIPs": [{ "ip": "127.0.0.1" }],
        "podIP": ip, "podIPs": [{ "ip": ip }],
        "qosClass": "BestEffort",
        "startTime": started(pod),
        "containerStatuses": [{
            "name": name,
            "image": container_image(pod),
            "imageID": "",
            "ready": ready,
            "started": matches!(state.run, Run::Running { .. }),
            "restartCount": state.restarts,
            "state": run(&state.run),
            "lastState": state.last.as_ref().map_or_else(|| json!({}), |ending| json!({ "terminated": ended(ending) })),
        }],
    })
}

/// The status of a pod that no node can take.
pub(super) fn unschedulable(message: &str) -> Value {
    json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastTransitionTime": now(),
    }]})
}

/// Writes a status if it is another one than before; says whether it was.
pub(super) async fn write(api: &Api<Pod>, pod: &Pod, status: Value) -> Result<bool, Error> {
    let before = serde_json::to_value(&pod.status)?;
    if is_within(&timeless(&status), &timeless(&before)) {
        return Ok(false);
    }
    let patch = Patch::Merge(json!({ "metadata": { "uid": pod.uid() }, "status": status }));
    api.patch_status(&pod.name_any(), &PatchParams::default(), &patch)
        .await?;
    Ok(true)
}

fn run(run: &Run) -> Value {
    match run {
        Run::Waiting { reason, message } if message.is_empty() => {
            json!({ "waiting": { "reason": reason } })
        }
        Run::Waiting { reason, message } => {
            json!({ "waiting": { "reason": reason, "message": message } })
        }
        // A merge patch keeps what it does not name.
        Run::Running { since, .. } => json!({ "running": { "startedAt": since } }),
        Run::Terminated(ending) => json!({ "terminated": ended(ending) }),
    }
}

fn ended(ending: &Ending) -> Value {
    let reason = if ending.code == 0 {
        "Completed"
    } else {
        "Error"
    };
    json!({
        "exitCode": ending.code.clamp(0, 255), "reason": reason,
        "startedAt": ending.since, "finishedAt": ending.until,
    })
}

fn started(pod: &Pod) -> Value {
    let start = pod
        .status
        .as_ref()
        .and_then(|status| status.start_time.as_ref());
    start
        .and_then(|time| serde_json::to_value(time).ok())
        .unwrap_or_else(|| now().into())
}

fn transition(pod: &Pod, type_: &str, is: &str) -> String {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let same = conditions
        .iter()
        .find(|condition| condition.type_ == type_ && condition.status == is);
    same.and_then(|condition| serde_json::to_value(condition.last_transition_time.as_ref()?).ok())
        .and_then(|time| time.as_str().map(str::to_owned))
        .unwrap_or_else(now)
}

fn timeless(status: &Value) -> Value {
    let mut status = status.clone();
    if let Some(conditions) = status["conditions"].as_array_mut() {
        for condition in conditions {
            condition["lastTransitionTime"] = Value::Null;
        }
    }
    status
}

/// Whether all that is said is in the other value too; empty and absent are the same.
fn is_within(said: &Value, other: &Value) -> bool {
    match (said, other) {
        (Value::Object(said), _) => said
            .iter()
            .all(|(key, value)| is_within(value, &other[key.as_str()])),
        (Value::Array(said), Value::Array(other)) => {
            said.len() == other.len()
                && said
                    .iter()
                    .zip(other)
                    .all(|(said, other)| is_within(said, other))
        }
        (Value::String(text), Value::Null) => text.is_empty(),
        (said, other) => said == other,
    }
}
