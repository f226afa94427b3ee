use jiff::Timestamp;
use serde::Serialize;

use super::{Action, History, Row, Tracked};
use crate::contract::END_OF_TIME;

/// A version as it is shown: with its end and its whole record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// 1, 2, 3 …; of folded versions the last.
    pub version: u64,
    /// How many versions it stands for: more than one where old ones were folded.
    pub stands_for: u64,
    /// When it began, RFC 3339 UTC.
    pub effective_from: Timestamp,
    /// When it ended, RFC 3339 UTC; `9999-12-31T00:00:00Z` for the current one.
    pub effective_to: String,
    /// Whether it is the current one.
    pub is_current: bool,
    /// Whether the database was deleted in it.
    pub is_deleted: bool,
    /// Who made it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// What was done.
    pub action: Action,
    /// The record in that time.
    pub record: Tracked,
}

/// What a history knows of an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// There is no version at all.
    Nothing,
    /// The database was created later.
    NotYet {
        /// When it was.
        created: Timestamp,
    },
    /// Within the versions that were folded: the record of that very instant is gone.
    Folded(Version),
    /// In this version.
    Version(Version),
}

impl History {
    /// The version that holds the instant: each holds its beginning and not its end.
    #[must_use]
    pub fn at(&self, instant: Timestamp) -> Then {
        let versions = self.versions();
        let Some(first) = versions.first() else {
            return Then::Nothing;
        };
        let created = first.effective_from;
        match versions
            .into_iter()
            .rev()
            .find(|version| version.effective_from <= instant)
        {
            None => Then::NotYet { created },
            Some(version) if version.stands_for > 1 => Then::Folded(version),
            Some(version) => Then::Version(version),
        }
    }

    /// Every version with what is derived of it, oldest first.
    #[must_use]
    pub fn versions(&self) -> Vec<Version> {
        let mut record = Tracked::default();
        let mut versions = Vec::with_capacity(self.rows.len() + 1);
        if let Some(folded) = &self.folded {
            record = folded.record.clone();
            versions.push(Version {
                version: folded.versions,
                stands_for: folded.versions,
                effective_from: folded.from,
                effective_to: end(self.rows.first()),
                is_current: self.rows.is_empty(),
                is_deleted: false,
                by: folded.by.clone(),
                reason: None,
                action: Action::Created,
                record: record.clone(),
            });
        }
        for (index, row) in self.rows.iter().enumerate() {
            record.apply(&row.set);
            let next = self.rows.get(index + 1);
            versions.push(Version {
                version: row.version,
                stands_for: 1,
                effective_from: row.from,
                effective_to: end(next),
                is_current: next.is_none(),
                is_deleted: row.action == Action::Deleted,
                by: row.by.clone(),
                reason: row.reason.clone(),
                action: row.action,
                record: record.clone(),
            });
        }
        versions
    }
}

fn end(next: Option<&Row>) -> String {
    next.map_or_else(|| END_OF_TIME.to_owned(), |row| row.from.to_string())
}
