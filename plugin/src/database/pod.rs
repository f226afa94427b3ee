//! What pods say of themselves.

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use serde_json::Value;

/// Whether it runs `PostgreSQL`, or fills a volume for it.
pub(super) fn is_instance(pod: View<'_>) -> bool {
    pod.label(cnpg::INSTANCE_NAME).is_some() || pod.label(cnpg::JOB_ROLE).is_some()
}

/// A pod that has done what it was for: CNPG leaves those of its Jobs behind.
pub(super) fn has_succeeded(pod: View<'_>) -> bool {
    pod.text("/status/phase") == Some("Succeeded")
}

/// The status of every container, in the order in which they are started.
pub(super) fn containers(pod: View<'_>) -> impl Iterator<Item = View<'_>> {
    statuses(pod, "initContainerStatuses").chain(statuses(pod, "containerStatuses"))
}

/// The status of the containers of one kind.
pub(super) fn statuses<'a>(pod: View<'a>, field: &str) -> impl Iterator<Item = View<'a>> {
    pod.at(&format!("/status/{field}"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(View)
}

/// That no node has taken it yet, and why.
pub(super) fn unscheduled(pod: View<'_>) -> Option<View<'_>> {
    pod.condition("PodScheduled")
        .filter(|condition| condition.text("/status") != Some("True"))
}

/// How a container ended, as in `Error (exit code 1)`.
pub(super) fn ended(terminated: View<'_>) -> String {
    let reason = terminated.text("/reason").unwrap_or("ended");
    joined(
        Some(&format!("{reason} (exit code {})", exit_code(terminated))),
        terminated.text("/message"),
    )
}

/// The exit code of a container that ended.
pub(super) fn exit_code(terminated: View<'_>) -> i64 {
    terminated
        .at("/exitCode")
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

/// As in `reason: message`.
pub(super) fn joined(reason: Option<&str>, message: Option<&str>) -> String {
    let parts: Vec<&str> = [reason, message]
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(": ")
}
