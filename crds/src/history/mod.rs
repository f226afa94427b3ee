//! The versions of a record: a type 2 slowly changing dimension, kept in one annotation.
//!
//! A stored [`Row`] is compact and immutable: it holds what changed. When a version ended, whether
//! it is the current one, and the whole record of its time are derived by [`History::versions`].
//!
//! The annotation goes through every write of the database, so that it is kept short: the latest versions
//! are stored as they are, for whoever reads it, the older ones packed, and only where these
//! do not fit either, the oldest are folded into one.

mod packed;
mod row;
mod verify;
mod versions;

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp, Unit};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

pub use row::{Action, Changes, Row, Tracked};
pub use verify::{Inconsistency, keeps_every_version, verify_object};
pub use versions::{Then, Version};

/// All annotations of an object share 256 KiB; ours leaves room for everybody else's.
const LARGEST_ANNOTATION_BYTES: usize = 32 * 1024;
/// Times are kept to the millisecond; two versions are never less apart, so that none is empty.
const RESOLUTION: SignedDuration = SignedDuration::from_millis(1);

/// So many versions are stored as they are: enough to see what happened lately.
const LATEST: usize = 8;
/// A part of the versions that is folded at once, where they no longer fit: to fold one at each change
/// would write all of them twice.
const FOLDED_PART: usize = 16;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The versions that were folded.
    pub folded: Option<Folded>,
    /// The versions after these.
    pub rows: Vec<Row>,
}

/// A history as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored<Folded, Packed, Rows> {
    #[serde(skip_serializing_if = "Option::is_none")]
    folded: Option<Folded>,
    /// The versions between.
    #[serde(skip_serializing_if = "Option::is_none")]
    packed: Option<Packed>,
    #[serde(default)]
    rows: Rows,
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
        let stored: Stored<Folded, Cow<'_, str>, Vec<Row>> =
            serde_json::from_str(annotation).map_err(UnreadableHistory)?;
        let mut rows = stored.rows;
        if let Some(packed) = &stored.packed {
            let older = packed::unpack(packed, folded_versions(stored.folded.as_ref()))
                .map_err(|reason| UnreadableHistory(serde::de::Error::custom(reason)))?;
            rows.splice(..0, older);
        }
        Ok(Self {
            folded: stored.folded,
            rows,
        })
    }

    /// The current version of a history, without reading the others.
    ///
    /// # Errors
    /// As [`History::parse`] of what is read.
    pub fn parse_latest(annotation: &str) -> Result<Option<Row>, UnreadableHistory> {
        let stored: Stored<IgnoredAny, IgnoredAny, Vec<Row>> =
            serde_json::from_str(annotation).map_err(UnreadableHistory)?;
        Ok(stored.rows.into_iter().next_back())
    }

    /// The value of the annotation, at most 32 KiB.
    #[must_use]
    pub fn to_annotation(&self) -> String {
        let older = self.rows.len().saturating_sub(LATEST);
        let older = self.rows.get(..older).unwrap_or_default();
        let (packed, count) = packed::pack(older, folded_versions(self.folded.as_ref()));
        let stored = Stored {
            folded: self.folded.as_ref(),
            packed: Some(packed).filter(|_| count > 0),
            rows: self.rows.get(count..).unwrap_or_default(),
        };
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// The number of the current version; 0 where there is none yet.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.rows
            .last()
            .map_or_else(|| folded_versions(self.folded.as_ref()), |row| row.version)
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

    /// This history and one version more, in which the record is `record`, and its annotation.
    ///
    /// `from` is taken as given: see [`History::next_instant`]. The oldest rows are folded while
    /// the annotation would be larger than 32 KiB.
    #[must_use]
    pub fn append(
        mut self,
        action: Action,
        from: Timestamp,
        by: &str,
        reason: Option<&str>,
        record: &Tracked,
    ) -> (Self, String) {
        let row = Row {
            version: self.version().saturating_add(1),
            from,
            by: by.to_owned(),
            reason: reason.map(str::to_owned),
            action,
            set: Changes::between(&self.current(), record),
        };
        self.rows.push(row);
        loop {
            let annotation = self.to_annotation();
            if annotation.len() <= LARGEST_ANNOTATION_BYTES || self.rows.len() <= 1 {
                return (self, annotation);
            }
            self.fold(self.rows.len().div_ceil(FOLDED_PART));
        }
    }

    /// The same without the annotation.
    #[must_use]
    pub fn with(
        &self,
        action: Action,
        from: Timestamp,
        by: &str,
        reason: Option<&str>,
        record: &Tracked,
    ) -> Self {
        self.clone().append(action, from, by, reason, record).0
    }

    /// Folds so many of the oldest rows.
    fn fold(&mut self, count: usize) {
        for oldest in self.rows.drain(..count.min(self.rows.len())) {
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
}

fn folded_versions(folded: Option<&Folded>) -> u64 {
    folded.map_or(0, |folded| folded.versions)
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

    #[test]
    fn the_annotation_stays_nearly_full_when_it_is_folded() {
        let mut history = History::default();
        for change in 0..600_usize {
            // Names and purposes of all lengths: what is folded grows and shrinks.
            let record = record(&format!("{change}{}", "x".repeat(change * 37 % 251)));
            let by = "y".repeat(change * 11 % 60);
            let from = history.next_instant(at(0));
            history = history.with(Action::Updated, from, &by, None, &record);
            let size = history.to_annotation().len();
            assert!(size <= LARGEST_ANNOTATION_BYTES);
            assert!(history.folded.is_none() || size > LARGEST_ANNOTATION_BYTES / 8 * 7);
        }
        assert!(history.folded.is_some());
    }

    fn scaled(history: &History, times: usize) -> History {
        (0..times).fold(history.clone(), |history, time| {
            let mut record = record("orders of the shop");
            record.instances += i64::try_from(time % 3).unwrap();
            let an_hour_later = at(3_600 * i64::try_from(time).unwrap() + 17);
            let by = ["ada", "grace"][time / 5 % 2];
            let reason = format!("SHOP-{time:05}: more or fewer of them");
            history.with(Action::Updated, an_hour_later, by, Some(&reason), &record)
        })
    }

    #[test]
    fn a_thousand_changes_are_kept_in_two_thirds_of_the_annotation() {
        let history = scaled(&history(&["one"]), 1_000);
        assert_eq!(history.folded, None);
        assert_eq!(history.versions().len(), 1_001);
        assert!(history.to_annotation().len() < LARGEST_ANNOTATION_BYTES / 3 * 2);
        assert_eq!(History::parse(&history.to_annotation()).unwrap(), history);
    }

    #[test]
    fn the_latest_versions_are_stored_as_they_are() {
        let few = scaled(&History::default(), LATEST);
        assert!(!few.to_annotation().contains("packed"));
        let stored: serde_json::Value =
            serde_json::from_str(&scaled(&few, 2).to_annotation()).unwrap();
        assert_eq!(stored["rows"].as_array().unwrap().len(), LATEST);
        assert_eq!(stored["rows"][LATEST - 1]["by"], "ada");
        assert_eq!(
            History::parse_latest(&stored.to_string()).unwrap(),
            scaled(&few, 2).rows.pop()
        );
        let packed = stored["packed"].as_str().unwrap();
        assert!(packed.contains("P.00orders of the shop."), "{packed}");
    }

    /// As they were written before rows were packed.
    #[test]
    fn any_number_of_versions_may_be_stored_as_they_are() {
        let history = scaled(&History::default(), 40);
        let unpacked = serde_json::json!({"rows": history.rows}).to_string();
        assert_eq!(History::parse(&unpacked).unwrap(), history);
    }

    #[test]
    fn what_is_badly_packed_is_unreadable() {
        let refused = History::parse(r#"{"packed":"1B.00ada.;1B1;","rows":[]}"#).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "failed to read the history: what is packed is no version, or too large, at byte 13"
        );
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
