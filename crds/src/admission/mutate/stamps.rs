//! Who, when and the history: computed from the old object, never from what a request carries.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::{Facts, Operation, Question, Unanswered, Write};
use crate::contract::{annotation, label};
use crate::history::{Action, History, Tracked};
use crate::object::{View, remove_annotation, set_annotation};
use crate::pending::{OperationName, Pending};
use crate::purpose::check_text;

/// Between the first pass of the mutating webhook and the validating one lie other webhooks, each
/// with a time-out of at most 30 s; 15 s cover ours and CNPG's.
const PASSES: SignedDuration = SignedDuration::from_secs(15);
/// How far the clocks of two replicas may differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(5);

/// What a Cluster's stamps continue from.
#[derive(Clone, Copy, Debug)]
pub(in crate::admission) enum Base<'a> {
    /// Nothing: the database is new.
    New,
    /// The stored Cluster.
    Stored(View<'a>),
    /// The tombstone of the same id: the database comes back.
    Tombstone(View<'a>),
}

impl<'a> Base<'a> {
    /// Finds out what `cluster`, the new object of `write`, continues from.
    pub(in crate::admission) fn of(
        write: &'a Write,
        cluster: View<'_>,
        facts: &'a Facts,
    ) -> Result<Self, Unanswered> {
        if write.operation != Operation::Create {
            return Ok(write.old_view().map_or(Self::New, Self::Stored));
        }
        // An id that the request did not bring cannot be that of a deleted database.
        let brought = write.new_view().and_then(|new| new.label(label::ID));
        let Some(id) = cluster.label(label::ID).filter(|id| brought == Some(id)) else {
            return Ok(Self::New);
        };
        let tombstone = facts.object(Question::Tombstone {
            namespace: write.namespace.clone(),
            id: id.to_owned(),
        })?;
        Ok(tombstone.map_or(Self::New, |tombstone| Self::Tombstone(View(tombstone))))
    }

    fn view(self) -> Option<View<'a>> {
        match self {
            Self::New => None,
            Self::Stored(view) | Self::Tombstone(view) => Some(view),
        }
    }
}

/// Sets the six stamps of `cluster`, and removes any that it brought along.
pub(super) fn write(base: &Base<'_>, write: &Write, cluster: &mut Value) {
    for (key, value) in expected(base, write, View(cluster)) {
        match value {
            Some(value) => set_annotation(cluster, key, value),
            None => remove_annotation(cluster, key),
        }
    }
}

/// The stamps that `cluster` should carry; none where an annotation should be absent.
pub(in crate::admission) fn expected(
    base: &Base<'_>,
    write: &Write,
    cluster: View<'_>,
) -> Vec<(&'static str, Option<String>)> {
    let old = base.view();
    let stored = |key| old.and_then(|old| old.annotation(key)).map(str::to_owned);
    let record = Tracked::of(cluster);
    let unchanged = matches!(base, Base::Stored(old) if Tracked::of(*old) == record);
    let is_repair = is_pending(cluster, OperationName::Repair);
    let as_stored = || annotation::STAMPS.map(|key| (key, stored(key))).to_vec();
    if unchanged && !is_repair {
        return as_stored();
    }
    let so_far = old.and_then(|old| old.annotation(annotation::HISTORY));
    let history = { so_far.and_then(|text| History::parse(text).ok()) }.unwrap_or_default();
    // A repair may take into the record what was changed behind the back of admission.
    if unchanged && history.current() == record {
        return as_stored();
    }
    // What is as it is stored was not written by an earlier pass.
    let carried = cluster.annotation(annotation::HISTORY);
    let carried = carried.filter(|text| so_far != Some(text));
    let from = begin(&history, write, carried);
    let reason = cluster
        .annotation(annotation::CHANGE_REASON)
        .filter(|reason| !reason.is_empty() && check_text(reason).is_ok());
    let user = &write.caller.user;
    let action = action(base, cluster, &record);
    let (history, text) = history.append(action, from, user, reason, &record);
    let created = |key, now: String| stored(key).or(Some(now)).map(|value| (key, Some(value)));
    [
        created(annotation::CREATED_AT, from.to_string()),
        created(annotation::CREATED_BY, user.clone()),
        Some((annotation::UPDATED_AT, Some(from.to_string()))),
        Some((annotation::UPDATED_BY, Some(user.clone()))),
        Some((annotation::VERSION, Some(history.version().to_string()))),
        Some((annotation::HISTORY, Some(text))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// When the new version begins. An earlier pass over the same write has said so already, if what
/// the object carries could be its work: then that stands, or no second pass would be silent.
fn begin(history: &History, write: &Write, carried: Option<&str>) -> Timestamp {
    let now = history.next_instant(write.at);
    let carried = carried
        .and_then(|text| History::parse_latest(text).ok()?)
        .filter(|row| {
            row.version == history.version().saturating_add(1) && row.by == write.caller.user
        })
        .map(|row| row.from)
        .filter(|from| history.next_instant(*from) == *from)
        .filter(|from| {
            let age = write.at.duration_since(*from);
            age <= PASSES && age >= -CLOCK_SKEW
        });
    carried.unwrap_or(now)
}

fn is_pending(cluster: View<'_>, operation: OperationName) -> bool {
    cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .is_some_and(|pending| pending.operation == operation)
}

fn action(base: &Base<'_>, cluster: View<'_>, record: &Tracked) -> Action {
    match base {
        Base::New => Action::Created,
        Base::Tombstone(_) => Action::Restored,
        Base::Stored(_) if is_pending(cluster, OperationName::Repair) => Action::Repaired,
        Base::Stored(old) if Tracked::of(*old).owner_team != record.owner_team => {
            Action::Transferred
        }
        // One that was there before is of a rollback that nobody finished, not of this write.
        Base::Stored(old)
            if is_pending(cluster, OperationName::Rollback)
                && old.annotation(annotation::PENDING)
                    != cluster.annotation(annotation::PENDING) =>
        {
            Action::RolledBack
        }
        Base::Stored(_) => Action::Updated,
    }
}
