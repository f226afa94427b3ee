use serde_json::{Map, Value};

use super::{Context, Verdict};
use crate::contract::cnpg;
use crate::object::View;
use crate::record::annotation_field;
use crate::violation::{Rule, Violation};

/// Annotations by which CNPG is steered; `cnpg.io/validation: disabled` is one of them.
const STEERING: [&str; 2] = ["cnpg.io/", "alpha.cnpg.io/"];
/// Those that an owner needs: to stop, fence, restart and reload the own database.
const OWNERS: [&str; 4] = [
    cnpg::HIBERNATION,
    cnpg::FENCED_INSTANCES,
    cnpg::RESTARTED_AT,
    cnpg::RELOADED_AT,
];

/// Annotations that switch CNPG's own protection off are an administrator's.
pub(super) fn annotations(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let changed = changed_keys(
        context.before().and_then(View::annotations),
        new.annotations(),
    );
    let steering: Vec<&str> = changed
        .into_iter()
        .filter(|key| STEERING.iter().any(|prefix| key.starts_with(prefix)))
        .filter(|key| !OWNERS.contains(key))
        .collect();
    if steering.is_empty() || context.facts.may_administer(context.namespace())? {
        return Ok(Vec::new());
    }
    Ok(steering
        .into_iter()
        .map(|key| {
            Violation::new(
                Rule::Administrator,
                annotation_field(key),
                format!(
                    "only an administrator may change it; {} is none",
                    context.write.caller.user
                ),
                format!(
                    "leave it as it is; an owner may change {}",
                    OWNERS.join(", ")
                ),
            )
        })
        .collect())
}

fn changed_keys<'a>(
    old: Option<&'a Map<String, Value>>,
    new: Option<&'a Map<String, Value>>,
) -> Vec<&'a str> {
    let value = |map: Option<&'a Map<String, Value>>, key: &str| map.and_then(|map| map.get(key));
    let mut keys: Vec<&str> = [old, new]
        .into_iter()
        .flatten()
        .flat_map(Map::keys)
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| value(old, key) != value(new, key));
    keys
}
