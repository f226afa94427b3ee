//! Clusters and Poolers that are not ours are left alone, but none of them may reach into ours: by a
//! Secret that it mounts, a replication source, an account, or labels that put it behind a Service.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Context, Verdict};
use crate::contract::cnpg::STEERING;
use crate::contract::{NAME_PREFIX, PREFIX};
use crate::object::View;
use crate::violation::{Rule, Violation};

pub(super) fn of_ungoverned(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let mut found = named(new);
    if let Some(old) = context.old_view().filter(|_| !found.is_empty()) {
        let before: BTreeSet<String> = named(old).into_iter().map(|found| found.what).collect();
        found.retain(|found| !before.contains(&found.what));
    }
    if found.is_empty() || context.facts.may_administer(context.namespace())? {
        return Ok(Vec::new());
    }
    let user = &context.write.caller.user;
    Ok(found
        .into_iter()
        .map(|found| {
            Violation::new(
                Rule::Neighbours,
                found.field,
                format!(
                    "'{}' names what belongs to a database of kubectl daap; only an administrator may, and {user} is none",
                    found.what
                ),
                format!("name nothing that begins with '{NAME_PREFIX}' or '{PREFIX}'"),
            )
        })
        .collect())
}

/// Something of ours that an object names.
struct Named {
    field: String,
    what: String,
}

fn named(object: View<'_>) -> Vec<Named> {
    let mut found = Vec::new();
    if let Some(spec) = object.at("/spec") {
        collect("spec", spec, &mut found);
    }
    // `cnpg.io/podPatch` patches anything into the pods.
    for (key, value) in object.annotations().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        if STEERING.iter().any(|prefix| key.starts_with(prefix)) && text.contains(NAME_PREFIX) {
            found.push(Named {
                field: crate::record::annotation_field(key),
                what: text.to_owned(),
            });
        }
    }
    found
}

fn collect(field: &str, value: &Value, found: &mut Vec<Named>) {
    match value {
        Value::String(text) if is_ours(text) => found.push(Named {
            field: field.to_owned(),
            what: text.clone(),
        }),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{field}[{index}]"), item, found);
            }
        }
        Value::Object(entries) => {
            for (key, value) in entries {
                let field = format!("{field}.{key}");
                if is_ours(key) {
                    found.push(Named {
                        field: field.clone(),
                        what: key.clone(),
                    });
                }
                collect(&field, value, found);
            }
        }
        _ => {}
    }
}

fn is_ours(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with(NAME_PREFIX) || text.starts_with(PREFIX)
}
