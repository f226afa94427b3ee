use serde::Serialize;

use super::{History, Tracked};

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
}

impl History {
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
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Changes, Row};
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

    #[test]
    fn nothing_is_no_history() {
        assert_eq!(
            History::default().verify(&Tracked::default()),
            vec![Inconsistency::Empty]
        );
    }
}
