//! Something was refused for good: a write of an operation, or a pod.

use daap_crds::contract::annotation;
use daap_crds::pending::{OperationName, Pending};

use super::quota;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    operation(facts).or_else(|| pods(facts))
}

/// What the operation that was refused has left in the record.
fn operation(facts: &Facts) -> Option<Finding> {
    let pending = facts.pending()?;
    let error = pending.error.as_deref()?;
    let operation = pending.operation;
    let cause = if quota::is_exceeded(error) {
        Cause::Quota
    } else {
        Cause::Denial
    };
    let place = format!("annotation {}", annotation::PENDING);
    Some(Finding {
        cause,
        verdict: format!(
            "its {operation} was refused at the step {} and will be refused again as it is",
            pending.step
        ),
        evidence: vec![Evidence {
            last_seen: Some(pending.since.to_string()),
            ..Evidence::new(facts.cluster_object(), place, error)
        }],
        remedy: remedy(facts, &pending),
    })
}

fn remedy(facts: &Facts, pending: &Pending) -> Remedy {
    match pending.operation {
        OperationName::Create => Remedy::new(
            "correct what was refused, and run the same creation again: it goes on with what is there; or remove it",
            [facts.create_again(""), facts.daap("delete", "--purge")],
        ),
        OperationName::Delete => Remedy::new(
            "see to what was refused, and go on; or keep the database",
            [facts.daap("delete", ""), facts.daap("repair", "--abort")],
        ),
        OperationName::Restore => Remedy::new(
            "see to what was refused, and go on",
            [facts.daap("restore", "")],
        ),
        _ => Remedy::new(
            "see to what was refused, and finish it; or try it again with other values",
            [facts.daap("repair", "")],
        ),
    }
}

/// The namespace's rules for pods: their security standard, a limit range, a policy.
fn pods(facts: &Facts) -> Option<Finding> {
    let refused = super::refused::find(facts, |message| !quota::is_exceeded(message))?;
    let kind = if refused.message.contains("violates PodSecurity") {
        "the namespace's pod security standard refuses its pods"
    } else {
        "the namespace's rules refuse its pods"
    };
    Some(Finding {
        cause: Cause::Denial,
        verdict: kind.to_owned(),
        evidence: refused.evidence,
        remedy: Remedy::new(
            "ask your platform team to allow in this namespace what CloudNativePG's pods need",
            [format!("kubectl describe namespace {}", facts.namespace)],
        ),
    })
}
