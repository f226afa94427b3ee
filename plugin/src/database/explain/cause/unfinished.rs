//! An operation was cut off, a deletion included.

use daap_crds::contract::annotation;
use daap_crds::pending::{OperationName, Pending};

use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};

/// On its way out, at any speed.
pub(super) fn deletion(facts: &Facts) -> Option<Finding> {
    let cluster = facts.cluster();
    if let Some(since) = cluster.text("/metadata/deletionTimestamp") {
        return Some(Finding {
            cause: Cause::Deletion,
            verdict: "its cluster is being removed: that cannot be undone any more".to_owned(),
            evidence: vec![Evidence::new(
                facts.cluster_object(),
                "metadata.deletionTimestamp",
                since,
            )],
            remedy: Remedy::new(
                "wait until it is gone; where its data was to be kept, it can be restored then",
                [facts.daap("delete", ""), facts.daap("restore", "")],
            ),
        });
    }
    let pending = facts.pending()?;
    (pending.operation == OperationName::Delete).then(|| Finding {
        cause: Cause::Deletion,
        verdict: format!(
            "it is being deleted, and its deletion is not finished: next is {}",
            pending.step
        ),
        evidence: vec![evidence(facts, &pending)],
        remedy: Remedy::new(
            "finish it; or keep the database",
            [facts.daap("delete", ""), facts.daap("repair", "--abort")],
        ),
    })
}

pub(super) fn operation(facts: &Facts) -> Option<Finding> {
    let pending = facts.pending()?;
    let operation = pending.operation;
    let command = match operation {
        OperationName::Create => facts.create_again(""),
        OperationName::Restore => facts.daap("restore", ""),
        _ => facts.daap("repair", ""),
    };
    Some(Finding {
        cause: Cause::Unfinished,
        verdict: format!(
            "its {operation} is not finished: it was cut off before the step {}, or somebody is at it",
            pending.step
        ),
        evidence: vec![evidence(facts, &pending)],
        remedy: Remedy::new(
            "finish it: it goes on where it ended, and nothing is done twice",
            [command],
        ),
    })
}

fn evidence(facts: &Facts, pending: &Pending) -> Evidence {
    let place = format!("annotation {}", annotation::PENDING);
    let quote = format!(
        "operation {}, next step {}",
        pending.operation, pending.step
    );
    Evidence {
        last_seen: Some(pending.since.to_string()),
        ..Evidence::new(facts.cluster_object(), place, quote)
    }
}
