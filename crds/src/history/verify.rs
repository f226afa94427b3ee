use std::collections::HashMap;

use serde::Serialize;

use super::{Action, History, Row, Tracked};
use crate::contract::{annotation, label};
use crate::object::View;
use crate::tombstone::Tombstone;

/// A way in which a history contradicts itself or the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Inconsistency {
    /// There is no version at all.
    #[error("there is no version")]
    Empty,
    /// Versions do not follow one another.
    #[error("version {found} stands where version {expected} is expected")]
    Gap {
        /// The number that should stand there.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// A version begins no later than the one before it.
    #[error("version {0} begins no later than the version before it")]
    Overlap(u64),
    /// The last version is not the record.
    #[error("the last version differs from the record")]
    NotTheRecord,
    /// A version that creates, and is not the first.
    #[error("version {0} is a creation, but versions come before it")]
    CreatedAgain(u64),
    /// Something was done to a deleted database.
    #[error("version {0} follows a deletion and is no restore")]
    AfterDeletion(u64),
    /// A restore of what was not deleted.
    #[error("version {0} is a restore, but no deletion comes before it")]
    NothingToRestore(u64),
    /// The last version deletes, and the database lives.
    #[error("version {0} is a deletion, but the database lives")]
    Lives(u64),
    /// The last version does not delete, and the database is deleted.
    #[error("the database is deleted, but version {0} is no deletion")]
    NotDeleted(u64),
    /// The annotation is no history.
    #[error("{0}")]
    Unreadable(String),
    /// A stamp says something else than the history.
    #[error("annotation {key} is '{found}', but the history says '{expected}'")]
    Stamp {
        /// Key of the annotation.
        key: &'static str,
        /// What the history says.
        expected: String,
        /// What stands there.
        found: String,
    },
}

/// Everything in which the history of an object, a Cluster or a tombstone, contradicts itself, the
/// object's stamps or its record.
///
/// # Caveats
/// See [`History::verify`].
#[must_use]
pub fn verify_object(object: View<'_>) -> Vec<Inconsistency> {
    let history = match object.annotation(annotation::HISTORY).map(History::parse) {
        None => return vec![Inconsistency::Empty],
        Some(Err(error)) => return vec![Inconsistency::Unreadable(error.to_string())],
        Some(Ok(history)) => history,
    };
    let mut found = history.verify(&record(object));
    if found.contains(&Inconsistency::Empty) {
        return found;
    }
    found.extend(history.actions(object.label(label::DELETED) == Some("true")));
    found.extend(history.stamps(object));
    found
}

/// Whether the history of `tombstone` is that of `cluster` and one version more: whether it keeps
/// every version once the Cluster is gone.
#[must_use]
pub fn keeps_every_version(tombstone: View<'_>, cluster: View<'_>) -> bool {
    let parse = |object: View<'_>| match object.annotation(annotation::HISTORY) {
        None => Some(History::default()),
        Some(text) => History::parse(text).ok(),
    };
    let (Some(kept), Some(history)) = (parse(tombstone), parse(cluster)) else {
        return false;
    };
    let rows = kept.by_version();
    let same = |row: &Row| {
        rows.get(&row.version)
            .is_none_or(|kept| kept.iter().all(|kept| *kept == row))
    };
    kept.version() == history.version().saturating_add(1) && history.rows.iter().all(same)
}

/// A tombstone has no spec: it carries that of its Cluster. (Its owner may annotate a Cluster as one.)
fn record(object: View<'_>) -> Tracked {
    let is_tombstone = object.label(label::DELETED) == Some("true");
    let Some(tombstone) = Tombstone::read(object).filter(|_| is_tombstone) else {
        return Tracked::of(object);
    };
    let cluster = serde_json::json!({"spec": tombstone.cluster.spec});
    let spec = Tracked::of(View(&cluster));
    Tracked {
        instances: spec.instances,
        storage: spec.storage,
        ..Tracked::of(object)
    }
}

impl History {
    /// The stored rows of each version: one, unless somebody forged the history.
    pub(crate) fn by_version(&self) -> HashMap<u64, Vec<&Row>> {
        let mut rows: HashMap<_, Vec<_>> = HashMap::with_capacity(self.rows.len());
        for row in &self.rows {
            rows.entry(row.version).or_default().push(row);
        }
        rows
    }

    /// Whether versions follow without a gap, their times tile, and the last one is `record`.
    ///
    /// # Caveats
    /// This proves consistency, no more: who may switch the webhook off can rewrite a history
    /// consistently.
    #[must_use]
    pub fn verify(&self, record: &Tracked) -> Vec<Inconsistency> {
        let mut found = Vec::new();
        let mut previous = self
            .folded
            .as_ref()
            .map(|folded| (folded.versions, folded.from));
        if previous.is_none() && self.rows.is_empty() {
            return vec![Inconsistency::Empty];
        }
        for row in &self.rows {
            let expected = previous.map_or(1, |(version, _)| version.saturating_add(1));
            if row.version != expected {
                found.push(Inconsistency::Gap {
                    expected,
                    found: row.version,
                });
            }
            if previous.is_some_and(|(_, from)| row.from <= from) {
                found.push(Inconsistency::Overlap(row.version));
            }
            previous = Some((row.version, row.from));
        }
        if self.current() != *record {
            found.push(Inconsistency::NotTheRecord);
        }
        found
    }

    /// What was done has an order: created, changed, deleted, restored, changed …
    fn actions(&self, deleted: bool) -> Vec<Inconsistency> {
        let mut found = Vec::new();
        for pair in self.rows.windows(2) {
            let [before, row] = pair else { continue };
            match (before.action, row.action) {
                (_, Action::Created) => found.push(Inconsistency::CreatedAgain(row.version)),
                (Action::Deleted, Action::Restored) => {}
                (Action::Deleted, _) => found.push(Inconsistency::AfterDeletion(row.version)),
                (_, Action::Restored) => found.push(Inconsistency::NothingToRestore(row.version)),
                _ => {}
            }
        }
        if let Some(last) = self.rows.last() {
            match (last.action == Action::Deleted, deleted) {
                (true, false) => found.push(Inconsistency::Lives(last.version)),
                (false, true) => found.push(Inconsistency::NotDeleted(last.version)),
                _ => {}
            }
        }
        found
    }

    fn stamps(&self, object: View<'_>) -> Vec<Inconsistency> {
        let versions = self.versions();
        let (Some(first), Some(last)) = (versions.first(), versions.last()) else {
            return Vec::new();
        };
        let expected = [
            (annotation::CREATED_AT, first.effective_from.to_string()),
            (annotation::CREATED_BY, first.by.clone()),
            (annotation::UPDATED_AT, last.effective_from.to_string()),
            (annotation::UPDATED_BY, last.by.clone()),
            (annotation::VERSION, last.version.to_string()),
        ];
        // Folded versions have kept neither time nor author of their last one.
        let last_is_known = !self.rows.is_empty();
        expected
            .into_iter()
            .filter(|(key, _)| {
                last_is_known || ![annotation::UPDATED_AT, annotation::UPDATED_BY].contains(key)
            })
            .filter_map(|(key, expected)| {
                let found = object.annotation(key).unwrap_or_default();
                // A database from before the webhook was created by nobody knows whom.
                let unknown = found.is_empty()
                    && [annotation::CREATED_AT, annotation::CREATED_BY].contains(&key);
                (found != expected && !unknown).then(|| Inconsistency::Stamp {
                    key,
                    expected,
                    found: found.to_owned(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::Changes;
    use super::*;

    fn row(version: u64, second: i64) -> Row {
        Row {
            version,
            from: jiff::Timestamp::from_second(second).unwrap(),
            by: "ada".into(),
            reason: None,
            action: Action::Updated,
            set: Changes::default(),
        }
    }

    #[test]
    fn finds_gaps_overlaps_and_another_record() {
        let history = History {
            folded: None,
            rows: vec![row(1, 10), row(3, 10)],
        };
        let other = Tracked {
            instances: 7,
            ..Tracked::default()
        };
        assert_eq!(
            history.verify(&other),
            vec![
                Inconsistency::Gap {
                    expected: 2,
                    found: 3
                },
                Inconsistency::Overlap(3),
                Inconsistency::NotTheRecord
            ]
        );
    }

    /// Nobody but who switches the webhook off writes one: then, too, it is answered.
    #[test]
    fn a_history_without_room_for_one_version_more_is_read() {
        let full = History {
            folded: None,
            rows: vec![row(u64::MAX, 1)],
        };
        let next = full.with(
            Action::Updated,
            row(1, 2).from,
            "ada",
            None,
            &full.current(),
        );
        assert_eq!(next.version(), u64::MAX);
        let object =
            json!({"metadata": {"annotations": {"daap.dev/history": full.to_annotation()}}});
        assert!(!verify_object(View(&object)).is_empty());
        let _ = keeps_every_version(View(&object), View(&object));
    }

    #[test]
    fn nothing_is_no_history() {
        assert_eq!(
            History::default().verify(&Tracked::default()),
            vec![Inconsistency::Empty]
        );
    }

    fn with_actions(actions: &[Action]) -> History {
        let rows = actions.iter().zip(1..).map(|(action, version)| Row {
            action: *action,
            ..row(version, i64::try_from(version).unwrap())
        });
        History {
            folded: None,
            rows: rows.collect(),
        }
    }

    #[test]
    fn what_was_done_has_an_order() {
        use Action::{Created, Deleted, Restored, Updated};
        let good = with_actions(&[Created, Updated, Deleted, Restored, Updated]);
        assert_eq!(good.actions(false), []);
        assert_eq!(good.actions(true), [Inconsistency::NotDeleted(5)]);
        let bad = with_actions(&[Created, Restored, Created, Deleted, Updated, Deleted]);
        assert_eq!(
            bad.actions(false),
            [
                Inconsistency::NothingToRestore(2),
                Inconsistency::CreatedAgain(3),
                Inconsistency::AfterDeletion(5),
                Inconsistency::Lives(6),
            ]
        );
    }

    #[test]
    fn a_tombstone_of_an_earlier_deletion_loses_versions() {
        use Action::{Created, Deleted, Restored, Updated};
        let object = |actions: &[Action]| {
            let history = with_actions(actions).to_annotation();
            json!({"metadata": {"annotations": {"daap.dev/history": history}}})
        };
        let keeps = |tombstone: &Value, cluster: &Value| {
            keeps_every_version(View(tombstone), View(cluster))
        };
        let tombstone = object(&[Created, Updated, Deleted]);
        assert!(keeps(&tombstone, &object(&[Created, Updated])));
        assert!(!keeps(&tombstone, &object(&[Created])));
        assert!(!keeps(
            &tombstone,
            &object(&[Created, Updated, Deleted, Restored])
        ));
        assert!(!keeps(&tombstone, &object(&[Created, Deleted])));
        assert!(keeps(&object(&[Deleted]), &json!({})));
    }

    #[test]
    fn a_cluster_that_is_annotated_like_a_tombstone_is_none() {
        let tombstone = json!({"stage": "complete", "until": "2026-01-01T00:00:00Z",
            "cluster": {"spec": {"instances": 3, "storage": {"size": "9Gi"}}}});
        let annotations = json!({"daap.dev/tombstone": tombstone.to_string()});
        let mut object = json!({"metadata": {"annotations": annotations}});
        assert_eq!(record(View(&object)), Tracked::default());
        object["metadata"]["labels"] = json!({"daap.dev/deleted": "true"});
        assert_eq!(record(View(&object)).instances, 3);
    }

    #[test]
    fn stamps_say_what_the_history_says() {
        let history = with_actions(&[Action::Created, Action::Updated]).to_annotation();
        let mut object = json!({"metadata": {"annotations": {
            "daap.dev/history": history, "daap.dev/version": "2",
            "daap.dev/created-at": "1970-01-01T00:00:01Z", "daap.dev/created-by": "ada",
            "daap.dev/updated-at": "1970-01-01T00:00:02Z", "daap.dev/updated-by": "ada"}}});
        assert_eq!(verify_object(View(&object)), []);
        object["metadata"]["annotations"]["daap.dev/version"] = "3".into();
        let found = verify_object(View(&object));
        assert_eq!(
            found.first().map(ToString::to_string).as_deref(),
            Some("annotation daap.dev/version is '3', but the history says '2'")
        );
        object["metadata"]["annotations"]["daap.dev/history"] = "nonsense".into();
        assert!(matches!(
            verify_object(View(&object)).as_slice(),
            [Inconsistency::Unreadable(_)]
        ));
        assert_eq!(verify_object(View(&json!({}))), [Inconsistency::Empty]);
    }
}
