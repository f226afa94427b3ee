//! Events as kubectl prints them.

use daap_crds::object::View;
use jiff::Timestamp;
use serde_json::Value;

use super::{count, message, object, source, time};
use crate::output::{Table, age};

/// The columns.
pub(crate) fn header(wide: bool) -> Vec<&'static str> {
    let mut columns = vec!["LAST SEEN", "TYPE", "REASON", "OBJECT"];
    if wide {
        columns.push("SOURCE");
    }
    columns.push("MESSAGE");
    columns
}

/// One event.
pub(crate) fn row(event: View<'_>, wide: bool, now: Timestamp) -> Vec<String> {
    let text = |pointer| event.text(pointer).unwrap_or_default().to_owned();
    let mut cells = vec![
        seen(event, now),
        text("/type"),
        text("/reason"),
        object(event),
    ];
    if wide {
        cells.push(source(event).to_owned());
    }
    cells.push(message(event));
    cells
}

/// `41s`, or `41s (x3 over 2m)` as kubectl says it.
fn seen(event: View<'_>, now: Timestamp) -> String {
    let last = age(time(event), now);
    let first = event
        .text("/firstTimestamp")
        .or_else(|| event.text("/eventTime"));
    match count(event) {
        many @ 2.. if first.is_some() => format!("{last} (x{many} over {})", age(first, now)),
        many @ 2.. => format!("{last} (x{many})"),
        _ => last,
    }
}

/// Events as a table.
pub(crate) fn table(events: &[Value], wide: bool, headers: bool, now: Timestamp) -> String {
    let mut table = Table::new(header(wide));
    for event in events {
        table.row(row(View(event), wide, now));
    }
    table.render(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn like_kubectls() {
        let events = [
            json!({"type": "Normal", "reason": "Scheduled", "message": "Successfully assigned apps/daap-orders-1 to node-a",
                "eventTime": "2026-11-21T08:00:00.250000Z", "involvedObject": {"kind": "Pod", "name": "daap-orders-1"},
                "reportingComponent": "default-scheduler"}),
            json!({"type": "Warning", "reason": "Failed", "message": "Error:\n  ErrImagePull", "count": 3,
                "firstTimestamp": "2026-11-21T08:03:00Z", "lastTimestamp": "2026-11-21T08:04:19Z",
                "involvedObject": {"kind": "Pod", "name": "daap-orders-1"}, "source": {"component": "kubelet"}}),
        ];
        let now = "2026-11-21T08:05:00Z".parse().unwrap();
        insta::assert_snapshot!(table(&events, false, true, now), @r"
        LAST SEEN          TYPE      REASON      OBJECT              MESSAGE
        4m59s              Normal    Scheduled   Pod/daap-orders-1   Successfully assigned apps/daap-orders-1 to node-a
        41s (x3 over 2m)   Warning   Failed      Pod/daap-orders-1   Error: ErrImagePull
        ");
        assert!(table(&events, true, true, now).contains("kubelet"));
    }
}
