use serde_json::{Map, Value};

use super::{Context, Verdict, inherited};
use crate::contract::cnpg::{self, STEERING};
use crate::object::View;
use crate::record::{annotation_field, label_field};
use crate::violation::{Rule, Violation};

/// Switches off what confines the pods; CNPG passes it on.
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
/// Annotations that an owner needs: to stop, fence, restart and reload the own database.
const OWNERS: [&str; 4] = [
    cnpg::HIBERNATION,
    cnpg::FENCED_INSTANCES,
    cnpg::RESTARTED_AT,
    cnpg::RELOADED_AT,
];

/// Labels and annotations that switch CNPG's own protection off, or that make pods pass for another
/// Cluster's, are an administrator's: on the object, and where a Cluster passes them on.
pub(super) fn metadata(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let before = context.before();
    let passed_on = |pointer: &str| {
        changed_keys(
            before.and_then(|old| inherited::map(old, pointer)),
            inherited::map(new, pointer),
        )
    };
    let annotations = changed_keys(before.and_then(View::annotations), new.annotations());
    let labels = changed_keys(before.and_then(View::labels), new.labels());
    let inherited_label = |key: &str| format!("spec.inheritedMetadata.labels[{key}]");
    let inherited_annotation = |key: &str| format!("spec.inheritedMetadata.annotations[{key}]");
    let mut steering = of(annotations, annotation_field)
        .filter(|(key, _)| !OWNERS.contains(key))
        .chain(of(labels, label_field))
        .chain(of(passed_on(inherited::LABELS), inherited_label))
        .chain(of(passed_on(inherited::ANNOTATIONS), inherited_annotation))
        .peekable();
    if steering.peek().is_none() || context.facts.may_administer(context.namespace())? {
        return Ok(Vec::new());
    }
    Ok(steering
        .map(|(key, field)| {
            Violation::new(
                Rule::Administrator,
                field(key),
                format!(
                    "only an administrator may change it; {} is none",
                    context.write.caller.user
                ),
                format!(
                    "leave it as it is; an owner may change the annotations {}",
                    OWNERS.join(", ")
                ),
            )
        })
        .collect())
}

/// The keys, each with what makes a field of it.
fn of(
    keys: Vec<&str>,
    field: fn(&str) -> String,
) -> impl Iterator<Item = (&str, fn(&str) -> String)> {
    keys.into_iter().map(move |key| (key, field))
}

fn is_steering(key: &str) -> bool {
    let mut prefixes = STEERING.iter().chain([&APPARMOR]);
    prefixes.any(|prefix| key.starts_with(prefix))
}

/// The keys that steer and whose values differ, in order.
fn changed_keys<'a>(
    old: Option<&'a Map<String, Value>>,
    new: Option<&'a Map<String, Value>>,
) -> Vec<&'a str> {
    let value = |map: Option<&'a Map<String, Value>>, key: &str| map.and_then(|map| map.get(key));
    let all = [old, new].into_iter().flatten().flat_map(Map::keys);
    let steering = all.map(String::as_str).filter(|key| is_steering(key));
    let mut keys: Vec<&str> = steering.collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| value(old, key) != value(new, key));
    keys
}
