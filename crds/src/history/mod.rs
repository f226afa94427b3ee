//! The versions of a record: a type 2 slowly changing dimension, kept in one annotation.
//!
//! A stored [`Row`] is compact and immutable: it holds what changed. When a version ended, whether
//! it is the current one, and the whole record of its time are derived by [`History::versions`].

mod row;
mod verify;
mod versions;

use jiff::{SignedDuration, Timestamp, Unit};
use serde::{Deserialize, Serialize};

pub use row::{Action, Changes, Row, Tracked};
pub use verify::{Inconsistency, keeps_every_version, verify_object};
pub use versions::{Then, Version};

/// All annotations of an object share 256 KiB; ours leaves room for everybody else's.
const LARGEST_ANNOTATION_BYTES: usize = 32 * 1024;
/// Times are kept to the millisecond; two versions are never less apart, so that none is empty.
const RESOLUTION: SignedDuration = SignedDuration::from_millis(1);

/// The oldest versions, folded into one to keep the annotation small.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Folded {
    /// How many versions it stands for: 1 to this one.
    pub versions: u64,
    /// When the first of them began.
    pub from: Timestamp,
    /// Who created the database.
    pub by: String,
    /// The record as the last of them left it.
    pub record: Tracked,
}

/// Every version of a record, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The versions that were folded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folded: Option<Folded>,
    /// The versions after these.
    #[serde(default)]
    pub rows: Vec<Row>,
}

/// An annotation that is no history.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the history: {0}")]
pub struct UnreadableHistory(#[source] serde_json::Error);

impl History {
    /// Reads the annotation.
    ///
    /// # Errors
    /// It is not what [`History::to_annotation`] writes.
    pub fn parse(annotation: &str) -> Result<Self, UnreadableHistory> {
        serde_json::from_str(annotation).map_err(UnreadableHistory)
    }

    /// The value of the annotation, at most 32 KiB.
    #[must_use]
    pub fn to_annotation(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The number of the current version; 0 where there is none yet.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.rows
            .last()
            .map(|row| row.version)
            .or_else(|| self.folded.as_ref().map(|folded| folded.versions))
            .unwrap_or_default()
    }

    /// When the current version began.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        self.rows
            .last()
            .map(|row| row.from)
            .or_else(|| self.folded.as_ref().map(|folded| folded.from))
    }

    /// The record as the current version has it.
    #[must_use]
    pub fn current(&self) -> Tracked {
        let mut record = self
            .folded
            .as_ref()
            .map(|folded| folded.record.clone())
            .unwrap_or_default();
        for row in &self.rows {
            record.apply(&row.set);
        }
        record
    }

    /// When a version may begin that is written at `at`: to the millisecond, and after the last.
    #[must_use]
    pub fn next_instant(&self, at: Timestamp) -> Timestamp {
        let at = at.round(Unit::Millisecond).unwrap_or(at);
        match self.latest() {
            Some(latest) if at <= latest => latest.checked_add(RESOLUTION).unwrap_or(latest),
            _ => at,
        }
    }

    /// This history and one version more, in which the record is `record`.
    ///
    /// `from` is taken as given: see [`History::next_instant`]. The oldest rows are folded while
    /// the annotation would be larger than 32 KiB.
    #[must_use]
    pub fn with(
        &self,
        action: Action,
        from: Timestamp,
        by: &str,
        reason: Option<&str>,
        record: &Tracked,
    ) -> Self {
        let mut next = self.clone();
        next.rows.push(Row {
            version: self.version().saturating_add(1),
            from,
            by: by.to_owned(),
            reason: reason.map(str::to_owned),
            action,
            set: Changes::between(&self.current(), record),
        });
        let mut size = next.to_annotation().len();
        while size > LARGEST_ANNOTATION_BYTES && next.rows.len() > 1 {
            let before = next.size_of_oldest() + next.size_of_folded();
            next.fold_oldest();
            size = (size + next.size_of_folded()).saturating_sub(before);
        }
        next
    }

    /// What the oldest row takes of the annotation.
    fn size_of_oldest(&self) -> usize {
        let oldest = self.rows.first();
        oldest.map_or(0, |row| size(row) + ",".len())
    }

    /// What the versions that were folded take of it.
    fn size_of_folded(&self) -> usize {
        let folded = self.folded.as_ref();
        folded.map_or(0, |folded| size(folded) + "\"folded\":,".len())
    }

    fn fold_oldest(&mut self) {
        if self.rows.is_empty() {
            return;
        }
        let oldest = self.rows.remove(0);
        let folded = self.folded.get_or_insert_with(|| Folded {
            versions: 0,
            from: oldest.from,
            by: oldest.by.clone(),
            record: Tracked::default(),
        });
        folded.versions = oldest.version;
        folded.record.apply(&oldest.set);
    }
}

fn size(part: &impl Serialize) -> usize {
    serde_json::to_string(part).map_or(0, |text| text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn record(purpose: &str) -> Tracked {
        Tracked {
            owner_team: "payments".into(),
            purpose: purpose.into(),
            instances: 1,
            storage: "1Gi".into(),
        }
    }

    fn history(purposes: &[&str]) -> History {
        let mut history = History::default();
        for (index, purpose) in purposes.iter().enumerate() {
            let action = if index == 0 {
                Action::Created
            } else {
                Action::Updated
            };
            let from = history.next_instant(at(i64::try_from(index).unwrap()));
            history = history.with(action, from, "ada", Some("because"), &record(purpose));
        }
        history
    }

    #[test]
    fn a_row_holds_only_what_changed() {
        let history = history(&["one", "two"]);
        assert_eq!(history.rows[1].set.purpose.as_deref(), Some("two"));
        assert_eq!(history.rows[1].set.owner_team, None);
        assert_eq!(history.version(), 2);
        assert_eq!(history.current(), record("two"));
        assert_eq!(History::parse(&history.to_annotation()).unwrap(), history);
    }

    #[test]
    fn versions_are_derived_whole_and_tile_time() {
        let versions = history(&["one", "two", "three"]).versions();
        assert_eq!(versions.len(), 3);
        assert_eq!(
            versions[0].effective_to,
            versions[1].effective_from.to_string()
        );
        assert_eq!(versions[2].effective_to, crate::contract::END_OF_TIME);
        assert!(versions[2].is_current && !versions[0].is_current);
        assert_eq!(versions[0].record, record("one"));
        assert_eq!(versions[2].record, record("three"));
    }

    #[test]
    fn an_instant_lies_in_the_version_that_began_last() {
        let kept = history(&["one", "two"]);
        let found = |instant| match kept.at(instant) {
            Then::Version(version) => version.version,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(at(0)), 1);
        let just_before = at(1).checked_sub(SignedDuration::from_nanos(1)).unwrap();
        assert_eq!(found(just_before), 1);
        assert_eq!(found(at(1)), 2, "a version holds its beginning");
        assert_eq!(found(at(9_000)), 2);
        assert_eq!(kept.at(at(-1)), Then::NotYet { created: at(0) });
        assert_eq!(History::default().at(at(0)), Then::Nothing);
        let long = "x".repeat(250);
        let purposes: Vec<String> = (0..200).map(|index| format!("{long}{index}")).collect();
        let folded = history(&purposes.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(matches!(folded.at(at(3)), Then::Folded(_)));
        assert!(matches!(folded.at(at(199)), Then::Version(_)));
    }

    #[test]
    fn two_versions_never_begin_at_the_same_instant() {
        let first = History::default().with(Action::Created, at(0), "ada", None, &record("a"));
        assert!(first.next_instant(at(0)) > at(0));
        assert!(first.next_instant(at(-5)) > at(0));
    }

    #[test]
    fn a_long_history_is_folded_under_its_limit_and_stays_consistent() {
        let long = "x".repeat(250);
        let purposes: Vec<String> = (0..200).map(|index| format!("{long}{index}")).collect();
        let history = history(&purposes.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(history.to_annotation().len() <= LARGEST_ANNOTATION_BYTES);
        assert_eq!(history.version(), 200);
        let folded = history.folded.clone().unwrap();
        assert!(folded.versions > 0);
        assert_eq!(history.rows[0].version, folded.versions + 1);
        assert_eq!(history.current().purpose, purposes[199]);
        assert_eq!(history.verify(&history.current()), Vec::new());
    }

    /// The size is kept up with while rows are folded, and no row is folded that would have fitted.
    #[test]
    fn no_more_is_folded_than_has_to_be() {
        let mut history = History::default();
        for change in 0..600_usize {
            // Names and purposes of all lengths: what is folded grows and shrinks.
            let record = record(&"x".repeat(change * 37 % 251));
            let by = "y".repeat(change * 11 % 60);
            let from = history.next_instant(at(0));
            let next = history.with(Action::Updated, from, &by, None, &record);
            let size = next.to_annotation().len();
            assert!(size <= LARGEST_ANNOTATION_BYTES);
            let folds = history.rows.len() + 1 - next.rows.len();
            if folds > 0 {
                let mut one_less = history.clone();
                one_less.rows.extend(next.rows.last().cloned());
                (1..folds).for_each(|_| one_less.fold_oldest());
                assert!(one_less.to_annotation().len() > LARGEST_ANNOTATION_BYTES);
            }
            history = next;
        }
        assert!(history.folded.is_some());
    }

    proptest! {
        #[test]
        fn any_sequence_of_changes_tiles_time_with_one_current_row(
            changes in prop::collection::vec((0u8..4, "[a-z]{1,8}", -3i64..9), 1..40)
        ) {
            let mut history = History::default();
            let mut now = 0;
            let mut state = record("start");
            for (index, (field, value, pause)) in changes.iter().enumerate() {
                match field {
                    0 => state.owner_team.clone_from(value),
                    1 => state.purpose.clone_from(value),
                    2 => state.instances += 1,
                    _ => state.storage = format!("{}Gi", index + 2),
                }
                now += pause;
                let action = if index == 0 { Action::Created } else { Action::Updated };
                let from = history.next_instant(at(now));
                history = history.with(action, from, "ada", None, &state);
            }
            prop_assert_eq!(history.verify(&state), Vec::new());
            let versions = history.versions();
            prop_assert_eq!(versions.iter().filter(|version| version.is_current).count(), 1);
            for pair in versions.windows(2) {
                prop_assert_eq!(&pair[0].effective_to, &pair[1].effective_from.to_string());
            }
        }

        #[test]
        fn nothing_panics_on_any_annotation(text in "\\PC*") {
            if let Ok(history) = History::parse(&text) {
                let _ = (history.versions(), history.verify(&Tracked::default()));
            }
        }
    }
}
