//! The events of a database's objects: what Kubernetes and the operator said lately, of those that
//! are there and of those that are gone. Kubernetes keeps them for an hour.

mod belongs;
mod read;
mod table;

use daap_crds::object::View;
use serde_json::Value;

pub(crate) use belongs::concerns;
pub(crate) use read::{Which, read, resource_version, whole};
pub(crate) use table::{header, row, table};

/// When it was seen last. Some reporters fill in only the one, some only the other.
pub(crate) fn time(event: View<'_>) -> Option<&str> {
    [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/metadata/creationTimestamp",
    ]
    .into_iter()
    .find_map(|pointer| event.text(pointer))
}

/// How often it was seen.
pub(crate) fn count(event: View<'_>) -> i64 {
    ["/series/count", "/count"]
        .into_iter()
        .find_map(|pointer| event.at(pointer).and_then(Value::as_i64))
        .unwrap_or(1)
}

/// As in `Pod/daap-orders-1`.
pub(crate) fn object(event: View<'_>) -> String {
    format!(
        "{}/{}",
        event.text("/involvedObject/kind").unwrap_or_default(),
        event.text("/involvedObject/name").unwrap_or_default()
    )
}

/// Who said it.
pub(crate) fn source(event: View<'_>) -> &str {
    ["/reportingComponent", "/source/component"]
        .into_iter()
        .find_map(|pointer| event.text(pointer).filter(|text| !text.is_empty()))
        .unwrap_or_default()
}

/// The message on one line: those of container runtimes have several.
pub(crate) fn message(event: View<'_>) -> String {
    let text = event.text("/message").unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
