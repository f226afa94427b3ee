use super::{Context, Verdict};
use crate::contract::{annotation, cnpg};
use crate::object::View;
use crate::pending::{OperationName, Pending};
use crate::violation::{Rule, Violation};

/// Once a deletion has begun, its volumes may already be detached: woken then, CNPG calls the
/// Cluster unrecoverable.
pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let (Some(new), Some(old)) = (context.new_view(), context.old_view()) else {
        return Ok(Vec::new());
    };
    if !is_pending(old) || !is_pending(new) {
        return Ok(Vec::new());
    }
    let hint = "finish it with `kubectl daap delete`";
    let mut violations = Vec::new();
    if old.at("/spec") != new.at("/spec") {
        violations.push(Violation::new(
            Rule::PendingDelete,
            "spec",
            "it does not change while the deletion is pending",
            hint,
        ));
    }
    let docked = |view: View<'_>| view.annotation(cnpg::HIBERNATION) == Some("on");
    if docked(old) && !docked(new) {
        violations.push(Violation::new(
            Rule::PendingDelete,
            crate::record::annotation_field(cnpg::HIBERNATION),
            "the database is not woken while its deletion is pending",
            hint,
        ));
    }
    Ok(violations)
}

fn is_pending(cluster: View<'_>) -> bool {
    cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .is_some_and(|pending| pending.operation == OperationName::Delete)
}
