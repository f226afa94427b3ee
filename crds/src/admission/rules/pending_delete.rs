use super::super::{Question, Unanswered};
use super::{Context, Verdict};
use crate::contract::{annotation, cnpg, label};
use crate::object::View;
use crate::pending::{OperationName, Pending};
use crate::record::annotation_field;
use crate::tombstone::Tombstone;
use crate::violation::{Rule, Violation};

/// Once a deletion has begun, its volumes may already be detached: woken then, CNPG calls the
/// Cluster unrecoverable.
pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let (Some(new), Some(old)) = (context.new_view(), context.old_view()) else {
        return Ok(Vec::new());
    };
    if !is_pending(old) {
        return Ok(Vec::new());
    }
    if !is_pending(new) {
        return undone(context, old);
    }
    let hint =
        "finish it with `kubectl daap delete`, or undo it with `kubectl daap repair --abort`";
    let mut violations = Vec::new();
    if old.at("/spec") != new.at("/spec") {
        violations.push(Violation::new(
            Rule::PendingDelete,
            "spec",
            "it does not change while the deletion is pending",
            hint,
        ));
    }
    // The tombstone may be written already: a version that came later would be lost with the
    // Cluster. (The rest of the record lies in the spec too.)
    let purpose = annotation::PURPOSE;
    if old.annotation(purpose) != new.annotation(purpose) {
        violations.push(Violation::new(
            Rule::PendingDelete,
            annotation_field(purpose),
            "it does not change while the deletion is pending",
            hint,
        ));
    }
    let docked = |view: View<'_>| view.annotation(cnpg::HIBERNATION) == Some("on");
    if docked(old) && !docked(new) {
        violations.push(Violation::new(
            Rule::PendingDelete,
            annotation_field(cnpg::HIBERNATION),
            "the database is not woken while its deletion is pending",
            hint,
        ));
    }
    Ok(violations)
}

/// A deletion is undone by giving the Cluster its volumes back *first*.
fn undone(context: Context<'_>, old: View<'_>) -> Verdict {
    let tombstone = context.facts.object(Question::Tombstone {
        namespace: context.namespace().to_owned(),
        id: old.label(label::ID).unwrap_or_default().to_owned(),
    });
    let owned = context.facts.objects(Question::VolumesOwnedBy {
        namespace: context.namespace().to_owned(),
        uid: old.uid().to_owned(),
    });
    let (tombstone, owned) = match (tombstone, owned) {
        (Ok(tombstone), Ok(owned)) => (tombstone, owned),
        (tombstone, owned) => {
            let open = [tombstone.err(), owned.err()].into_iter().flatten();
            return Err(Unanswered(open.flat_map(|open| open.0).collect()));
        }
    };
    let kept = tombstone
        .and_then(|map| Tombstone::read(View(map)))
        .map(|tombstone| tombstone.retained.volumes)
        .unwrap_or_default();
    let missing: Vec<&str> = kept
        .iter()
        .filter(|kept| !owned.iter().any(|volume| View(volume).name() == *kept))
        .map(String::as_str)
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Violation::new(
        Rule::PendingDelete,
        annotation_field(annotation::PENDING),
        format!(
            "volumes are detached already, and the cluster would be unrecoverable without them: {}",
            missing.join(", ")
        ),
        format!(
            "undo the deletion with: kubectl daap repair {} --abort -n {}",
            old.label(label::NAME).unwrap_or("NAME"),
            context.namespace()
        ),
    )])
}

fn is_pending(cluster: View<'_>) -> bool {
    cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .is_some_and(|pending| pending.operation == OperationName::Delete)
}
