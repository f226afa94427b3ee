//! A quota of the namespace is used up.

use crate::database::explain::{Cause, Facts, Finding, Remedy};

const EXCEEDED: &str = "exceeded quota";

/// Whether a refusal is a quota's.
pub(super) fn is_exceeded(message: &str) -> bool {
    message.contains(EXCEEDED)
}

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    let refused = super::refused::find(facts, is_exceeded)?;
    let verdict = match details(&refused.message) {
        Some((quota, numbers)) => {
            format!("the quota '{quota}' of the namespace allows no more: {numbers}")
        }
        None => "a quota of the namespace allows no more".to_owned(),
    };
    Some(Finding {
        cause: Cause::Quota,
        verdict,
        evidence: refused.evidence,
        remedy: Remedy::new(
            "ask your platform team for more, or delete what is not needed; it goes on by itself as soon as there is room",
            [
                facts.here("kubectl describe resourcequota"),
                format!("kubectl daap list -n {}", facts.namespace),
            ],
        ),
    })
}

/// Name and numbers of `… exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0`.
fn details(message: &str) -> Option<(&str, &str)> {
    let (_, rest) = message.split_once(EXCEEDED)?;
    rest.strip_prefix(": ")?.split_once(", ")
}
