//! A volume cannot be made, bound, mounted or grown, or is full.

use daap_crds::object::View;

use crate::database::explain::facts::pod_object;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};
use crate::database::pod;

/// What the scheduler says of a pod whose volume is not there.
const UNBOUND: [&str; 4] = [
    "unbound immediate PersistentVolumeClaims",
    "persistentvolumeclaim",
    // Of a class that waits for its first pod.
    "available persistent volumes to bind",
    "enough free storage",
];
/// What the kubelet and the attacher say of a volume that does not come to the pod.
const NOT_MOUNTED: [&str; 3] = ["FailedMount", "FailedAttachVolume", "FailedMapVolume"];
/// What CNPG's phase says where a volume is full.
const FULL: &str = "Not enough disk space";

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    full(facts)
        .or_else(|| facts.claims().find_map(|claim| unbound(facts, claim)))
        .or_else(|| not_mounted(facts))
}

fn full(facts: &Facts) -> Option<Finding> {
    let phase = facts.cluster().text("/status/phase")?;
    if phase != FULL {
        return None;
    }
    let why = facts.cluster().text("/status/phaseReason");
    Some(Finding {
        cause: Cause::Volume,
        verdict: "its volume is full, and PostgreSQL was stopped before it could break".to_owned(),
        evidence: vec![Evidence::new(
            facts.cluster_object(),
            "status.phase",
            pod::joined(Some(phase), why),
        )],
        remedy: Remedy::new(
            "give it more room; it comes back by itself",
            [facts.daap("update", "--storage <size>")],
        ),
    })
}

fn unbound(facts: &Facts, claim: View<'_>) -> Option<Finding> {
    let phase = claim.text("/status/phase").unwrap_or("Pending");
    if phase == "Bound" || claim.is_being_deleted() {
        return None;
    }
    let event = facts.warning(claim, "PersistentVolumeClaim", |_| true);
    let waiting = facts.instance_pods().find_map(|pod| {
        let condition = pod::unscheduled(pod)?;
        let message = condition.text("/message").unwrap_or_default();
        UNBOUND
            .iter()
            .any(|text| message.contains(text))
            .then(|| Evidence::new(pod_object(pod), "condition PodScheduled", message))
    });
    // A volume that waits for its first pod is as it should be.
    if event.is_none() && waiting.is_none() && phase != "Lost" {
        return None;
    }
    let class = claim.text("/spec/storageClassName").unwrap_or_default();
    let message = event
        .and_then(|event| event.text("/message"))
        .unwrap_or_default();
    let object = format!("PersistentVolumeClaim/{}", claim.name());
    let mut evidence = vec![Evidence::new(object, "status.phase", phase)];
    evidence.extend(event.map(Facts::quote_event));
    evidence.extend(waiting);
    Some(Finding {
        cause: Cause::Volume,
        verdict: verdict(claim, class, phase, message),
        evidence,
        remedy: remedy(facts, claim, message),
    })
}

fn is_class_missing(message: &str) -> bool {
    message.contains("storageclass") && message.contains("not found")
}

fn verdict(claim: View<'_>, class: &str, phase: &str, message: &str) -> String {
    let name = claim.name();
    if phase == "Lost" {
        return format!("the volume behind {name} is gone, and what was on it with it");
    }
    if is_class_missing(message) {
        return format!("there is no storage class '{class}', so the volume {name} cannot be made");
    }
    if class.is_empty() {
        return format!(
            "the volume {name} names no storage class, and this cluster has no default one"
        );
    }
    let size = claim
        .text("/spec/resources/requests/storage")
        .unwrap_or_default();
    format!("the volume {name} ({size} of storage class '{class}') cannot be made")
}

fn remedy(facts: &Facts, claim: View<'_>, message: &str) -> Remedy {
    let describe = facts.here(&format!("kubectl describe pvc {}", claim.name()));
    if facts.has_run() {
        return Remedy::new(
            "the database has run, and its data may lie there: ask your platform team to see to the storage, with what this shows",
            [describe],
        );
    }
    let no_class = claim
        .text("/spec/storageClassName")
        .is_none_or(str::is_empty);
    if is_class_missing(message) || no_class {
        let [delete, create] = facts.begin_anew("--storage-class <class>");
        return Remedy::new(
            "begin anew with a storage class that exists; nothing is lost, since the database has never run",
            ["kubectl get storageclass".to_owned(), delete, create],
        );
    }
    Remedy::new(
        "ask your platform team to see to the storage: it goes on by itself as soon as there is some; or ask for less or another class, which loses nothing, since the database has never run",
        [
            describe,
            facts.daap("delete", "--force --purge"),
            facts.create_again("--storage <size>"),
        ],
    )
}

/// Bound, but it does not come to the node.
fn not_mounted(facts: &Facts) -> Option<Finding> {
    let (pod, event) = facts.instance_pods().find_map(|pod| {
        let waits = pod::containers(pod).all(|container| container.at("/state/running").is_none());
        let event = facts.warning(pod, "Pod", |event| {
            event
                .text("/reason")
                .is_some_and(|reason| NOT_MOUNTED.contains(&reason))
        })?;
        waits.then_some((pod, event))
    })?;
    Some(Finding {
        cause: Cause::Volume,
        verdict: format!("the volume of {} does not come to its node", pod.name()),
        evidence: vec![Facts::quote_event(event)],
        remedy: Remedy::new(
            "it is tried again and again; where it lasts, ask your platform team to see to the storage, with what this shows",
            [facts.here(&format!("kubectl describe pod {}", pod.name()))],
        ),
    })
}
