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
#[cfg(test)]
mod tests;
mod verify;
mod versions;

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
        let stored: Stored<Folded, String, Vec<Row>> =
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
