//! A bogus owner makes the garbage collector, which must be exempt, delete the data within seconds.

use super::super::Question;
use super::{Context, Verdict, no_worse};
use crate::object::View;
use crate::violation::{Rule, Violation};

const FIELD: &str = "metadata.ownerReferences";

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    Ok(no_worse(context, |cluster| {
        cluster
            .owner_references()
            .iter()
            .map(|owner| {
                Violation::new(
                    Rule::OwnerReferences,
                    FIELD,
                    format!(
                        "a database has no owner object, and {} would take it along when it goes",
                        shown(View(owner))
                    ),
                    "remove the reference",
                )
            })
            .collect()
    }))
}

pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    if new.owner_references().is_empty() {
        return Ok(Vec::new());
    }
    let name = new.text("/spec/cluster/name").unwrap_or_default();
    let cluster = context.facts.object(Question::Cluster {
        namespace: context.namespace().to_owned(),
        name: name.to_owned(),
    })?;
    let uid = cluster.map_or("", |cluster| View(cluster).uid());
    Ok(no_worse(context, |pooler| {
        pooler
            .owner_references()
            .iter()
            .map(View)
            .filter(|owner| {
                uid.is_empty()
                    || owner.text("/kind") != Some("Cluster")
                    || owner.text("/name") != Some(name)
                    || owner.text("/uid") != Some(uid)
            })
            .map(|owner| {
                Violation::new(
                    Rule::OwnerReferences,
                    FIELD,
                    format!(
                        "a pooler belongs to its cluster '{name}' alone, not to {}",
                        shown(owner)
                    ),
                    "leave the reference out, and the webhook sets it",
                )
            })
            .collect()
    }))
}

fn shown(owner: View<'_>) -> String {
    format!(
        "{} '{}'",
        owner.text("/kind").unwrap_or("an object"),
        owner.text("/name").unwrap_or_default()
    )
}
