//! The condition of a pod, as short as kubectl's STATUS and with the reason that `kubectl describe`
//! would have to be asked for.

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use serde_json::Value;

use super::Node;
use crate::database::pod::{self, ended, exit_code, joined, statuses, unscheduled};

pub(super) fn node(pod: View<'_>) -> Node {
    let containers: Vec<View<'_>> = statuses(pod, "containerStatuses").collect();
    let ready = containers
        .iter()
        .filter(|container| container.at("/ready") == Some(&Value::Bool(true)))
        .count();
    let wanted = pod
        .at("/spec/containers")
        .and_then(Value::as_array)
        .map_or(containers.len(), Vec::len);
    let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
    Node::new("Pod", pod.name(), status(pod)).ready(count(ready), count(wanted))
}

fn status(pod: View<'_>) -> String {
    let phase = if pod.is_being_deleted() {
        "Terminating"
    } else {
        pod.text("/status/phase").unwrap_or("Pending")
    };
    let mut text = phase.to_owned();
    if let Some(role) = role(pod) {
        text = format!("{text}, {role}");
    }
    if let Some(node) = pod.text("/spec/nodeName") {
        text = format!("{text} on {node}");
    }
    match reason(pod) {
        Some(reason) => format!("{text}: {reason}"),
        None => text,
    }
}

fn role(pod: View<'_>) -> Option<&str> {
    pod.label(cnpg::INSTANCE_ROLE)
        .or_else(|| pod.label(cnpg::JOB_ROLE))
}

/// Why it does not run: containers that wait or have ended, else that no node takes it.
fn reason(pod: View<'_>) -> Option<String> {
    pod::containers(pod).find_map(container).or_else(|| {
        let scheduled = unscheduled(pod)?;
        Some(joined(
            scheduled.text("/reason"),
            scheduled.text("/message"),
        ))
    })
}

fn container(container: View<'_>) -> Option<String> {
    let waiting = "/state/waiting/reason";
    if let Some(reason) = container.text(waiting) {
        // Nothing is wrong yet.
        if ["ContainerCreating", "PodInitializing"].contains(&reason) {
            return None;
        }
        let last = container.at("/lastState/terminated").map(View).map(ended);
        let message = container.text("/state/waiting/message");
        let detail = last.or_else(|| message.map(str::to_owned));
        let image = container.text("/image").unwrap_or_default();
        // What nobody tells: which image.
        let named = detail
            .as_deref()
            .is_some_and(|detail| detail.contains(image));
        if reason.contains("Image") && !named {
            let detail = joined(Some(image), detail.as_deref());
            return Some(joined(Some(reason), Some(&detail)));
        }
        return Some(joined(Some(reason), detail.as_deref()));
    }
    let terminated = container.at("/state/terminated").map(View)?;
    (exit_code(terminated) != 0).then(|| ended(terminated))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &Value) -> Value {
        json!({"metadata": {"name": "p", "labels": {"cnpg.io/jobRole": "initdb"}},
            "spec": {"nodeName": "n", "containers": [{}]}, "status": status})
    }

    #[test]
    fn an_image_that_cannot_be_pulled_is_named() {
        let waiting = |message: Value| {
            pod(
                &json!({"phase": "Pending", "containerStatuses": [{"image": "registry.example/postgresql:99",
                "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}}]}),
            )
        };
        assert_eq!(
            status(View(&waiting(Value::Null))),
            "Pending, initdb on n: ImagePullBackOff: registry.example/postgresql:99"
        );
        let message = "Back-off pulling image \"registry.example/postgresql:99\"";
        assert_eq!(
            status(View(&waiting(message.into()))),
            format!("Pending, initdb on n: ImagePullBackOff: {message}")
        );
    }

    #[test]
    fn a_crash_says_how_it_ended() {
        let crashing = pod(
            &json!({"phase": "Running", "containerStatuses": [{"image": "i",
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 1, "message": "no such locale"}}}]}),
        );
        assert_eq!(
            status(View(&crashing)),
            "Running, initdb on n: CrashLoopBackOff: Error (exit code 1): no such locale"
        );
    }

    #[test]
    fn what_is_being_made_has_nothing_wrong() {
        let creating = pod(
            &json!({"phase": "Pending", "containerStatuses": [{"image": "i",
            "state": {"waiting": {"reason": "ContainerCreating"}}}]}),
        );
        assert_eq!(status(View(&creating)), "Pending, initdb on n");
    }

    #[test]
    fn a_pod_without_a_node_says_why() {
        let mut pending = pod(&json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "1 Insufficient cpu."}]}));
        pending["spec"]["nodeName"] = Value::Null;
        assert_eq!(
            status(View(&pending)),
            "Pending, initdb: Unschedulable: 1 Insufficient cpu."
        );
    }
}
