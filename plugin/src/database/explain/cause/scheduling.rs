//! No node can take a pod.

use daap_crds::object::View;
use serde_json::Value;

use crate::database::explain::facts::pod_object;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};
use crate::database::pod;

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    let (pod, condition) = facts
        .pods()
        .find_map(|pod| Some((pod, pod::unscheduled(pod)?)))?;
    // Until the scheduler has looked at it, it gives no reason.
    let message = condition
        .text("/message")
        .filter(|_| condition.text("/reason") == Some("Unschedulable"))?;
    let asked = requests(pod);
    let mut verdict = format!(
        "no node can take the pod {}: {}",
        pod.name(),
        shortened(message)
    );
    if message.contains("Insufficient") && !asked.is_empty() {
        verdict = format!("{verdict}; it asks for {asked}");
    }
    let mut evidence = vec![Evidence::new(
        pod_object(pod),
        "condition PodScheduled",
        pod::joined(condition.text("/reason"), Some(message)),
    )];
    if !asked.is_empty() {
        evidence.push(Evidence::new(
            pod_object(pod),
            "spec.containers.resources.requests",
            asked,
        ));
    }
    let scheduler = facts.warning(pod, "Pod", |event| {
        event.text("/reason") == Some("FailedScheduling") && event.text("/message") != Some(message)
    });
    evidence.extend(scheduler.map(Facts::quote_event));
    Some(Finding {
        cause: Cause::Scheduling,
        verdict,
        evidence,
        remedy: remedy(facts, pod, message),
    })
}

/// Without what the scheduler says about preemption.
fn shortened(message: &str) -> &str {
    [". no new claims", ". preemption", " preemption:"]
        .iter()
        .filter_map(|end| message.split_once(end))
        .map(|(first, _)| first)
        .min_by_key(|first| first.len())
        .unwrap_or(message)
        .trim_end_matches('.')
}

/// What the containers ask for, as in `cpu 64, memory 1Gi`; what several ask for is shown of each.
fn requests(pod: View<'_>) -> String {
    let containers = pod.at("/spec/containers").and_then(Value::as_array);
    let requests = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.pointer("/resources/requests")?.as_object());
    let words: Vec<String> = requests
        .flatten()
        .map(|(resource, amount)| match amount {
            Value::String(amount) => format!("{resource} {amount}"),
            amount => format!("{resource} {amount}"),
        })
        .collect();
    words.join(", ")
}

fn remedy(facts: &Facts, pod: View<'_>, message: &str) -> Remedy {
    let describe = facts.here(&format!("kubectl describe pod {}", pod.name()));
    if !message.contains("Insufficient") {
        return Remedy::new(
            "ask your platform team for a node that fits, or have the rules relaxed by which its nodes are chosen; it goes on by itself then",
            [describe],
        );
    }
    if !pod::is_instance(pod) {
        return Remedy::new(
            "ask your platform team for more nodes; it goes on by itself then",
            [describe],
        );
    }
    if facts.has_run() {
        return Remedy::new(
            "ask your platform team for a larger node, and it goes on by itself; or let the database ask for less",
            [facts.patch_cluster(r#"{"spec":{"resources":{"requests":{"cpu":"<less>"}}}}"#)],
        );
    }
    Remedy::new(
        "ask your platform team for a larger node, and it goes on by itself; or begin anew with a database that asks for less, which loses nothing, since this one has never run",
        facts.begin_anew(""),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_scheduler_says_is_shortened() {
        for (message, expected) in [
            (
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
                "0/1 nodes are available: 1 Insufficient cpu",
            ),
            (
                "0/3 nodes are available: 3 node(s) had untolerated taint(s). preemption: 0/3 nodes are available",
                "0/3 nodes are available: 3 node(s) had untolerated taint(s)",
            ),
            (
                "no nodes available to schedule pods",
                "no nodes available to schedule pods",
            ),
        ] {
            assert_eq!(shortened(message), expected);
        }
    }
}
