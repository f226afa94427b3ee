//! An explanation as text: the answer first, then what shows it, then what to type.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Evidence, Explanation};
use crate::output::{age, wrapped};

/// `width` is that of the window, where there is one.
pub(super) fn text(explanation: &Explanation, now: Timestamp, width: Option<usize>) -> String {
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
    text.push_str("Why:\n");
    text.push_str(&wrapped(&finding.verdict, "  ", width));
    if !finding.evidence.is_empty() {
        text.push_str("\nEvidence:\n");
    }
    for evidence in &finding.evidence {
        let (object, place) = (&evidence.object, &evidence.place);
        let head = format!("{object}, {place}{}:", seen(evidence, now));
        text.push_str(&wrapped(&head, "  ", width));
        text.push_str(&wrapped(&evidence.quote, "    ", width));
    }
    text.push_str("\nWhat to do:\n");
    text.push_str(&wrapped(&finding.remedy.text, "  ", width));
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
