//! Scale requests carry a Scale, not the parent: the parent is looked up by the request's name.

use super::super::Question;
use super::super::write::is_governed;
use super::ownership::must_own;
use super::{Context, Verdict, limits};
use crate::contract::label;
use crate::object::View;
use crate::violation::{Rule, Violation};

const REPLICAS: &str = "/spec/replicas";

/// A change of instances is a version of the record, and a Scale has no place for one.
pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let cluster = context.facts.object(Question::Cluster {
        namespace: context.namespace().to_owned(),
        name: context.write.request_name.clone(),
    })?;
    let Some(cluster) = cluster.map(View).filter(|cluster| is_governed(*cluster)) else {
        return Ok(Vec::new());
    };
    let name = cluster.label(label::NAME).unwrap_or("NAME");
    let replicas = context
        .new_view()
        .and_then(|scale| scale.at(REPLICAS)?.as_i64())
        .map_or_else(|| "N".to_owned(), |replicas| replicas.to_string());
    Ok(vec![Violation::new(
        Rule::Scale,
        "spec.replicas",
        "the scale of a database cannot be recorded by this way",
        format!(
            "type: kubectl daap update {name} -n {} --instances {replicas}",
            context.namespace()
        ),
    )])
}

pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let pooler = context.facts.object(Question::Pooler {
        namespace: context.namespace().to_owned(),
        name: context.write.request_name.clone(),
    })?;
    let Some(pooler) = pooler.map(View).filter(|pooler| is_governed(*pooler)) else {
        return Ok(Vec::new());
    };
    let cluster = context.facts.object(Question::Cluster {
        namespace: context.namespace().to_owned(),
        name: pooler
            .text("/spec/cluster/name")
            .unwrap_or_default()
            .to_owned(),
    })?;
    let team = cluster.map_or(pooler, View).label(label::OWNER_TEAM);
    let mut violations: Vec<Violation> = must_own(context, team)?.into_iter().collect();
    violations.extend(limits::count(
        "spec.replicas",
        context.new_view().and_then(|scale| scale.at(REPLICAS)),
        context.old_view().and_then(|scale| scale.at(REPLICAS)),
        &context.policy.limits.pool_instances,
    ));
    Ok(violations)
}
