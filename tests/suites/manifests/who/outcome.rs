use std::collections::BTreeSet;
use std::fmt;

use daap_crds::violation::Rule;
use serde_json::Value;

use super::cases::Case;

/// What the API server made of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is let through.
    Done,
    /// It is let through, and what it wanted to change stays as it was.
    Kept,
    /// These rules refuse it.
    Refused(BTreeSet<String>),
    /// Somebody else refuses it, or nobody knows.
    Other(String),
}

impl Outcome {
    pub(super) fn of(case: &Case, (status, answer): &(u16, Value)) -> Self {
        if *status < 300 {
            let is_kept = case.changes.is_some_and(|(place, to)| {
                answer
                    .pointer(place)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    != to
            });
            return if is_kept { Self::Kept } else { Self::Done };
        }
        let said = answer["message"].as_str().unwrap_or_default();
        let named = |rule: &str| said.contains(&format!("[{rule}]"));
        let rules: BTreeSet<String> = { Rule::ALL.iter().map(|rule| rule.as_str()) }
            .chain(["managed-only"])
            .filter(|rule| named(rule))
            .map(str::to_owned)
            .collect();
        if rules.is_empty() {
            return Self::Other(format!("{status} {answer}"));
        }
        Self::Refused(rules)
    }

    pub(super) fn passes(&self) -> bool {
        *self == Self::Done
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => formatter.write_str("**yes**"),
            Self::Kept => formatter.write_str("kept"),
            Self::Refused(rules) => {
                let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
                formatter.write_str(&rules.join(", "))
            }
            Self::Other(said) => formatter.write_str(said),
        }
    }
}
