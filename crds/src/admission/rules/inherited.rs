//! What a Cluster passes on to its pods, volumes and Secrets: by these labels a volume is known to
//! belong to a database, and a pod stands behind a Service.

use serde_json::{Map, Value};

use super::{Context, Verdict, no_worse};
use crate::contract::{PREFIX, label};
use crate::names::DatabaseName;
use crate::object::View;
use crate::violation::{Rule, Violation};

/// Where labels and annotations stand that are passed on.
pub(super) const LABELS: &str = "/spec/inheritedMetadata/labels";
/// See [`LABELS`].
pub(super) const ANNOTATIONS: &str = "/spec/inheritedMetadata/annotations";

/// Under our prefix a Cluster passes its record on, whole, and nothing else.
pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    Ok(no_worse(context, |cluster| {
        // The webhook completes only what it knows the name of; that is named by another rule.
        if cluster
            .label(label::NAME)
            .map(DatabaseName::parse)
            .is_none_or(|name| name.is_err())
        {
            return Vec::new();
        }
        let mut violations = Vec::new();
        for key in label::RECORD {
            let (is, passed) = (cluster.label(key), at(cluster, LABELS, key));
            if is.is_some() && is != passed {
                violations.push(differs("labels", key, is, passed));
            }
        }
        violations.extend(others(cluster, LABELS, "labels"));
        violations.extend(others(cluster, ANNOTATIONS, "annotations"));
        violations
    }))
}

/// Keys of ours that are none of the record's labels, and do not say what the record says.
fn others(cluster: View<'_>, pointer: &str, word: &str) -> Vec<Violation> {
    let keys = map(cluster, pointer).map(Map::keys);
    keys.into_iter()
        .flatten()
        .filter(|key| key.starts_with(PREFIX))
        .filter(|key| pointer != LABELS || !label::RECORD.contains(&key.as_str()))
        .filter_map(|key| {
            let passed = at(cluster, pointer, key);
            let is = cluster.label(key).or_else(|| cluster.annotation(key));
            (is.is_none() || is != passed).then(|| differs(word, key, is, passed))
        })
        .collect()
}

fn differs(word: &str, key: &str, is: Option<&str>, passed: Option<&str>) -> Violation {
    Violation::new(
        Rule::Inherited,
        format!("spec.inheritedMetadata.{word}[{key}]"),
        format!(
            "what is passed on is the record: '{}', not '{}'",
            is.unwrap_or_default(),
            passed.unwrap_or_default()
        ),
        "leave it out, and the webhook sets it",
    )
}

/// Labels or annotations that are passed on.
pub(super) fn map<'a>(object: View<'a>, pointer: &str) -> Option<&'a Map<String, Value>> {
    object.at(pointer).and_then(Value::as_object)
}

fn at<'a>(object: View<'a>, pointer: &str, key: &str) -> Option<&'a str> {
    map(object, pointer)?.get(key)?.as_str()
}
