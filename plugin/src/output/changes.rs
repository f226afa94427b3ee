//! What became of a record, in words.

use daap_crds::history::Tracked;

/// Characters of a purpose in a table; all of it is in `-o wide`, JSON and YAML.
const PURPOSE_LENGTH: usize = 24;

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Long texts are cut.
    Short,
    /// Everything.
    Whole,
}

/// What `after` has that `before` had not, as in `instances 1→3, purpose "old"→"new"`; empty where
/// nothing changed.
pub(crate) fn changes(before: &Tracked, after: &Tracked, words: Words) -> String {
    let text = |text: &str| quoted(text, words);
    let mut parts = Vec::new();
    let mut say = |field: &str, before: String, after: String| {
        if before != after {
            parts.push(format!("{field} {before}→{after}"));
        }
    };
    say("team", before.owner_team.clone(), after.owner_team.clone());
    say(
        "instances",
        before.instances.to_string(),
        after.instances.to_string(),
    );
    say("storage", before.storage.clone(), after.storage.clone());
    if before.purpose != after.purpose {
        parts.push(match words {
            // The line above has the old one.
            Words::Short => format!("purpose {}", text(&after.purpose)),
            Words::Whole => format!("purpose {}→{}", text(&before.purpose), text(&after.purpose)),
        });
    }
    parts.join(", ")
}

/// A whole record; in a table only what there is of it.
pub(crate) fn whole(record: &Tracked, words: Words) -> String {
    let size = format!("instances {}, storage {}", record.instances, record.storage);
    match words {
        Words::Short => size,
        Words::Whole => format!(
            "team {}, {size}, purpose {}",
            record.owner_team,
            quoted(&record.purpose, words)
        ),
    }
}

fn quoted(text: &str, words: Words) -> String {
    if words == Words::Short && text.chars().count() > PURPOSE_LENGTH {
        let cut: String = text.chars().take(PURPOSE_LENGTH - 1).collect();
        return format!("\"{}…\"", cut.trim_end());
    }
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(instances: i64, purpose: &str) -> Tracked {
        Tracked {
            owner_team: "payments".into(),
            purpose: purpose.into(),
            instances,
            storage: "1Gi".into(),
        }
    }

    #[test]
    fn only_what_changed_is_said() {
        let before = record(1, "a");
        assert_eq!(changes(&before, &before, Words::Short), "");
        assert_eq!(
            changes(&before, &record(3, "b"), Words::Short),
            "instances 1→3, purpose \"b\""
        );
        let after = Tracked {
            owner_team: "billing".into(),
            storage: "2Gi".into(),
            ..before.clone()
        };
        assert_eq!(
            changes(&before, &after, Words::Short),
            "team payments→billing, storage 1Gi→2Gi"
        );
        assert_eq!(whole(&before, Words::Short), "instances 1, storage 1Gi");
    }

    #[test]
    fn long_purposes_are_cut_in_tables_only() {
        let long = record(1, "für die Bestellungen der Kunden");
        assert_eq!(
            changes(&record(1, "a"), &long, Words::Short),
            "purpose \"für die Bestellungen de…\""
        );
        assert!(changes(&record(1, "a"), &long, Words::Whole).ends_with("Kunden\""));
    }

    #[test]
    fn two_long_purposes_that_differ_late_still_differ() {
        let before = record(1, "the orders of all customers, old");
        let after = record(1, "the orders of all customers, new");
        assert!(!changes(&before, &after, Words::Short).is_empty());
    }
}
