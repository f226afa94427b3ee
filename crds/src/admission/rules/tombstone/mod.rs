//! A tombstone is all that is left of a record: it comes into being with the record of a live Cluster,
//! moves on with the deletion, and goes only when the database is back.

mod begin;
mod end;
mod go_on;

use serde_json::Value;

use super::super::{Question, Unanswered};
use super::ownership::must_own;
use super::{Context, Verdict};
use crate::admission::write::is_tombstone;
use crate::contract::{PREFIX, annotation, label};
use crate::names::{DatabaseId, DatabaseName};
use crate::object::View;
use crate::record::{annotation_field, label_field};
use crate::violation::{Rule, Violation};

/// One that becomes a tombstone by an update is judged like a new one.
pub(super) fn of_config_map(context: Context<'_>) -> Verdict {
    let old = context.old_view().filter(|old| is_tombstone(*old));
    let new = context.new_view().filter(|new| is_tombstone(*new));
    match (old, new) {
        (None, Some(new)) => begin::judge(context, new),
        (Some(old), _) => match context.new_view() {
            Some(new) => go_on::judge(context, old, new),
            None => end::judge(context, old),
        },
        (None, None) => Ok(Vec::new()),
    }
}

/// While it is being deleted.
pub(super) fn of_owner(context: Context<'_>) -> Verdict {
    let tombstone = context.old_view().filter(|old| is_tombstone(*old));
    match tombstone {
        Some(tombstone) => owned(context, tombstone),
        None => Ok(Vec::new()),
    }
}

/// Whose a database is: the live Cluster of its id says so, else the tombstone.
fn owned(context: Context<'_>, tombstone: View<'_>) -> Verdict {
    let live = match Identity::of(tombstone) {
        Some(identity) => identity.live(context)?,
        None => None,
    };
    let team = live.unwrap_or(tombstone).label(label::OWNER_TEAM);
    Ok(must_own(context, team)?.into_iter().collect())
}

/// Which database a tombstone is of.
struct Identity {
    name: DatabaseName,
    id: DatabaseId,
}

impl Identity {
    fn of(tombstone: View<'_>) -> Option<Self> {
        Some(Self {
            name: DatabaseName::parse(tombstone.label(label::NAME)?).ok()?,
            id: DatabaseId::parse(tombstone.label(label::ID)?).ok()?,
        })
    }

    /// The Cluster, where it lives.
    fn live<'a>(&self, context: Context<'a>) -> Result<Option<View<'a>>, Unanswered> {
        let cluster = context.facts.object(Question::Cluster {
            namespace: context.namespace().to_owned(),
            name: self.name.cluster(),
        })?;
        let id = self.id.to_string();
        Ok(cluster
            .map(View)
            .filter(|cluster| cluster.label(label::ID) == Some(&id)))
    }
}

/// Our labels and annotations that are not what they should be; the stage and the contents have
/// rules of their own.
fn differences(expected: View<'_>, given: View<'_>, hint: &str) -> Vec<Violation> {
    let mut fields = Vec::new();
    let ours = |key: &String| key.starts_with(PREFIX);
    let keys = |view: View<'_>| -> Vec<String> {
        let keys = view.labels().into_iter().flat_map(|map| map.keys());
        keys.filter(|key| ours(key)).cloned().collect()
    };
    for key in keys(expected).into_iter().chain(keys(given)) {
        if expected.label(&key) != given.label(&key) {
            fields.push(label_field(&key));
        }
    }
    let keys = |view: View<'_>| -> Vec<String> {
        let keys = view.annotations().into_iter().flat_map(|map| map.keys());
        keys.filter(|key| ours(key)).cloned().collect()
    };
    for key in keys(expected).into_iter().chain(keys(given)) {
        if key != annotation::TOMBSTONE && expected.annotation(&key) != given.annotation(&key) {
            fields.push(annotation_field(&key));
        }
    }
    fields.sort_unstable();
    fields.dedup();
    fields
        .into_iter()
        .map(|field| {
            refusal(
                field,
                "it is not what the record of the database says",
                hint,
            )
        })
        .collect()
}

/// It has labels and annotations and nothing else: contents could be read as something that it is
/// not, and an owner would take it along when it goes.
fn nothing_else(new: View<'_>, old: Option<View<'_>>) -> Vec<Violation> {
    ["data", "binaryData", "metadata.ownerReferences"]
        .into_iter()
        .filter(|field| {
            let pointer = format!("/{}", field.replace('.', "/"));
            let given = new.at(&pointer).filter(|value| !is_empty(value));
            given.is_some() && old.and_then(|old| old.at(&pointer)) != given
        })
        .map(|field| {
            refusal(
                field,
                "a tombstone has labels and annotations and nothing else",
                "leave it out",
            )
        })
        .collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

fn refusal(field: impl Into<String>, message: impl Into<String>, hint: &str) -> Violation {
    Violation::new(Rule::Tombstone, field, message, hint)
}

/// Where a tombstone cannot be read, nobody can say whose it is.
fn unreadable(context: Context<'_>) -> Verdict {
    if context.facts.may_administer(context.namespace())? {
        return Ok(Vec::new());
    }
    Ok(vec![refusal(
        annotation_field(annotation::TOMBSTONE),
        format!(
            "it is not readable, or does not say of which database it is, so that only an administrator may write it; {} is none",
            context.write.caller.user
        ),
        "ask the platform team",
    )])
}
