//! Fields of a spec by allow-list: what a database needs is its owner's, everything else opens more
//! than the own database and is an administrator's.
//!
//! The lists are data: [`cluster`], [`pooler`] and [`dependents`] name each field with the reason for
//! what is decided. What no list names is an administrator's, too: a field of a later CNPG is looked
//! at before owners write it.

mod allowed;
mod cluster;
mod dependents;
mod fields;
mod pooler;
#[cfg(test)]
mod tests;
mod walk;

use fields::Fields;

use super::super::write::{governed_cluster, is_governed};
use super::{Context, Verdict};
use crate::object::View;
use crate::violation::{Rule, Violation};

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let name = context.new_view().map_or("", View::name);
    judge(context, name)
}

pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let name = context
        .new_view()
        .and_then(|new| new.text("/spec/cluster/name"));
    judge(context, name.unwrap_or_default())
}

/// What works on a Cluster: only where that is a database. Most of it lies inside of that whole: databases,
/// schemas, extensions, foreign servers, publications. The publisher of a Subscription is one of the
/// Cluster's `externalClusters`, which are an administrator's.
pub(super) fn of_dependent(context: Context<'_>) -> Verdict {
    match context.new_view().and_then(governed_cluster) {
        Some(cluster) => judge(context, cluster),
        None => Ok(Vec::new()),
    }
}

fn judge(context: Context<'_>, cluster: &str) -> Verdict {
    let (Some(new), Some(fields)) = (context.new_view(), Fields::of_kind(context.write.resource))
    else {
        return Ok(Vec::new());
    };
    // One that was not ours has kept no rule at all: nothing of it is forgiven when it becomes ours.
    let before = context.before().filter(|old| is_governed(*old));
    let before = before.and_then(|old| old.at("/spec"));
    let Some(spec) = new.at("/spec") else {
        return Ok(Vec::new());
    };
    // Asked only where something depends on it.
    match context.facts.may_administer(context.namespace()) {
        Err(open) if walk::refuses(fields, cluster, spec, before) => return Err(open),
        Ok(true) | Err(_) => return Ok(Vec::new()),
        Ok(false) => {}
    }
    let user = &context.write.caller.user;
    Ok(walk::refused(fields, cluster, spec, before)
        .into_iter()
        .map(|refused| {
            Violation::new(
                Rule::SpecFields,
                refused.field,
                format!(
                    "only an administrator may set it, because it {}; {user} is none",
                    refused.why
                ),
                refused
                    .allowed
                    .unwrap_or_else(|| "leave it out, or ask the platform team".into()),
            )
        })
        .collect())
}
