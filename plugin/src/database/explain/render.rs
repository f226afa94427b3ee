//! An explanation as text: the answer first, then what shows it, then what to type.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Evidence, Explanation};
use crate::output::age;

pub(super) fn text(explanation: &Explanation, now: Timestamp) -> String {
    let Explanation {
        name,
        state,
        reason,
        finding,
        ..
    } = explanation;
    let mut text = match reason {
        Some(reason) => format!("database/{name}: {state} ({reason})\n\n"),
        None => format!("database/{name}: {state}\n\n"),
    };
    let _ = writeln!(text, "Why:\n  {}", finding.verdict);
    if !finding.evidence.is_empty() {
        text.push_str("\nEvidence:\n");
    }
    for evidence in &finding.evidence {
        let _ = writeln!(
            text,
            "  {}, {}{}:\n    {}",
            evidence.object,
            evidence.place,
            seen(evidence, now),
            evidence.quote
        );
    }
    let _ = writeln!(text, "\nWhat to do:\n  {}", finding.remedy.text);
    for command in &finding.remedy.commands {
        let _ = writeln!(text, "    {command}");
    }
    text
}

/// As in ` (41s ago, 3 times)`.
fn seen(evidence: &Evidence, now: Timestamp) -> String {
    let Some(last) = evidence.last_seen.as_deref() else {
        return String::new();
    };
    let ago = age(Some(last), now);
    match evidence.count {
        Some(count) => format!(" ({ago} ago, {count} times)"),
        None => format!(" ({ago} ago)"),
    }
}
