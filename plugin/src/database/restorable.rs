//! Until when a deleted database can be restored.

use daap_crds::object::View;
use daap_crds::tombstone::{Stage, Tombstone};
use jiff::Timestamp;
use serde_json::Value;

/// Whether a deleted database can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restorable {
    /// Its deletion has not come to its end.
    Unfinished,
    /// No data is kept.
    Never,
    /// Until then.
    Until(Timestamp),
    /// It still can, but its time is over, and `purge --expired` ends it.
    Expired(Timestamp),
}

impl Restorable {
    /// What a tombstone says of it.
    pub(crate) fn of(config_map: &Value, now: Timestamp) -> Self {
        let Some(tombstone) = Tombstone::read(View(config_map)) else {
            return Self::Never;
        };
        match tombstone.stage {
            _ if !tombstone.keeps_data() && tombstone.stage >= Stage::Detached => Self::Never,
            Stage::Written | Stage::Detached => Self::Unfinished,
            _ if tombstone.until <= now => Self::Expired(tombstone.until),
            _ => Self::Until(tombstone.until),
        }
    }

    /// The cell of a table.
    pub(crate) fn cell(self) -> String {
        match self {
            Self::Unfinished => "deletion unfinished".to_owned(),
            Self::Never => "no data kept".to_owned(),
            Self::Until(until) => day(until),
            Self::Expired(until) => format!("expired {}", day(until)),
        }
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use daap_crds::contract::annotation;
    use daap_crds::object::set_annotation;

    use super::*;
    use crate::database::fixtures;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cell(stage: Stage, now: &str) -> String {
        let mut map = fixtures::tombstone("orders");
        let mut tombstone = Tombstone::read(View(&map)).unwrap();
        tombstone.stage = stage;
        set_annotation(&mut map, annotation::TOMBSTONE, tombstone.to_annotation());
        Restorable::of(&map, at(now)).cell()
    }

    #[test]
    fn it_says_until_when_or_why_not() {
        let soon = "2026-11-22T00:00:00Z";
        assert_eq!(cell(Stage::Complete, soon), "2026-12-21");
        assert_eq!(cell(Stage::Purged, soon), "no data kept");
        assert_eq!(cell(Stage::Written, soon), "deletion unfinished");
        assert_eq!(
            cell(Stage::Complete, "2027-01-01T00:00:00Z"),
            "expired 2026-12-21"
        );
    }
}
