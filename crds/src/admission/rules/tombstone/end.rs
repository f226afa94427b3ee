//! A tombstone goes only when the database is back.

use super::super::{Context, Verdict};
use super::{Identity, owned, refusal, unreadable};
use crate::contract::{annotation, label};
use crate::history::{Action, History, Row};
use crate::object::View;
use crate::record::label_field;
use crate::tombstone::Tombstone;

pub(super) fn judge(context: Context<'_>, old: View<'_>) -> Verdict {
    let (Some(identity), Some(_)) = (Identity::of(old), Tombstone::read(old)) else {
        return unreadable(context);
    };
    let mut violations = owned(context, old)?;
    let live = identity.live(context)?;
    // One that is being deleted would take the record along.
    let carries = |cluster: View<'_>| !cluster.is_being_deleted() && carries_on(cluster, old);
    if !live.is_some_and(carries) {
        violations.push(refusal(
            label_field(label::DELETED),
            "it is all that is left of the record of a deleted database, and stays",
            "bring the database back with `kubectl daap restore`, or destroy its data with `kubectl daap purge`",
        ));
    }
    Ok(violations)
}

/// Whether the history of `cluster` has every version of the tombstone's. Where the deletion was
/// undone, it never was deleted: that last version is none of its own.
fn carries_on(cluster: View<'_>, tombstone: View<'_>) -> bool {
    let parse = |object: View<'_>| History::parse(object.annotation(annotation::HISTORY)?).ok();
    let (Some(kept), Some(lives)) = (parse(tombstone), parse(cluster)) else {
        return false;
    };
    let folded = lives.folded.as_ref().map_or(0, |folded| folded.versions);
    let last = kept.version();
    let rows = lives.by_version();
    let continued = |row: &Row| {
        rows.get(&row.version)
            .is_some_and(|rows| rows.contains(&row))
    };
    { kept.rows.iter() }
        .filter(|row| row.version != last || row.action != Action::Deleted)
        .all(|row| row.version <= folded || continued(row))
}
