//! Reading events.

use std::cmp::Ordering;

use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use jiff::Timestamp;
use serde_json::Value;

use super::{concerns, time};
use crate::failure::Failure;
use crate::kubernetes::{CHUNK, Kind, Kubernetes};

/// Which events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// All.
    All,
    /// Only those that say that something is wrong.
    Warnings,
}

/// The events of the database's objects, the newest last; of every database of the namespace where
/// none is named.
pub(crate) async fn read(
    k8s: &Kubernetes,
    name: Option<&DatabaseName>,
    which: Which,
) -> Result<Vec<Value>, Failure> {
    let mut path = format!("{}?limit={CHUNK}", Kind::Event.path(Some(k8s.namespace())));
    if which == Which::Warnings {
        path.push_str("&fieldSelector=type%3DWarning");
    }
    let what = format!("list {}", Kind::Event);
    let (mut events, mut next) = (Vec::new(), String::new());
    loop {
        let mut list = k8s.raw_as(&format!("{path}{next}"), &what).await?;
        if let Some(Value::Array(items)) = list.get_mut("items").map(Value::take) {
            events.extend(
                items
                    .into_iter()
                    .filter(|event| concerns(View(event), name))
                    .map(whole),
            );
        }
        match list.pointer("/metadata/continue").and_then(Value::as_str) {
            Some(token) if !token.is_empty() => next = format!("&continue={token}"),
            _ => break,
        }
    }
    events.sort_by(|one, other| by_time(View(one), View(other)));
    Ok(events)
}

/// The event with what a list says only once of all of its items.
pub(crate) fn whole(mut event: Value) -> Value {
    if let Some(fields) = event.as_object_mut() {
        fields.insert("apiVersion".into(), "v1".into());
        fields.insert("kind".into(), "Event".into());
    }
    event
}

/// `metadata.resourceVersion`.
pub(crate) fn resource_version(object: View<'_>) -> &str {
    object.text("/metadata/resourceVersion").unwrap_or_default()
}

/// As instants: reporters write with and without fractions of a second.
fn by_time(one: View<'_>, other: View<'_>) -> Ordering {
    let instant = |event| time(event).and_then(|text| text.parse::<Timestamp>().ok());
    instant(one).cmp(&instant(other))
}
