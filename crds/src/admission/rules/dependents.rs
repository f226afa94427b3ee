use super::super::Question;
use super::{Context, Verdict};
use crate::contract::{NAME_PREFIX, label};
use crate::names::DatabaseName;
use crate::object::View;
use crate::record::label_field;
use crate::violation::{Rule, Violation};

/// A Pooler serves a Cluster that exists, and the one that is called after it carries its record.
pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let name = new.text("/spec/cluster/name").unwrap_or_default();
    let cluster = context.facts.object(Question::Cluster {
        namespace: context.namespace().to_owned(),
        name: name.to_owned(),
    })?;
    let Some(cluster) = cluster.map(View) else {
        // A Pooler that outlives its Cluster for a moment must still be changeable.
        if context.old_view().is_some() {
            return Ok(Vec::new());
        }
        return Ok(vec![Violation::new(
            Rule::Dependents,
            "spec.cluster.name",
            format!(
                "there is no cluster '{name}' in namespace '{}'",
                context.namespace()
            ),
            "create the cluster first; whoever creates it later would otherwise inherit this pooler",
        )]);
    };
    Ok(record_of(cluster, new))
}

fn record_of(cluster: View<'_>, pooler: View<'_>) -> Vec<Violation> {
    let is_ours = cluster
        .label(label::NAME)
        .and_then(|name| DatabaseName::parse(name).ok())
        .is_some_and(|name| name.pooler() == pooler.name());
    let claims = |key: &str| pooler.label(key).is_some() || pooler.name().starts_with(NAME_PREFIX);
    label::RECORD
        .iter()
        .filter(|key| is_ours || claims(key))
        .filter(|key| pooler.label(key) != cluster.label(key))
        .map(|key| {
            Violation::new(
                Rule::Immutable,
                label_field(key),
                format!(
                    "a pooler carries the record of its cluster: '{}', not '{}'",
                    cluster.label(key).unwrap_or_default(),
                    pooler.label(key).unwrap_or_default()
                ),
                "leave the label out, and the webhook sets it",
            )
        })
        .collect()
}
