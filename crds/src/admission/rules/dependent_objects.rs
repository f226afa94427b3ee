//! Whatever works on a Cluster reaches into its database, so that it is its team's: a `Database` or
//! `Subscription` of a stranger writes there, a `DatabaseRole` opens it, a deleted `Backup` is lost.

use super::super::{Operation, Question, Resource, Unanswered};
use super::deleting::without_finalizers;
use super::ownership::must_own;
use super::{Context, Verdict};
use crate::admission::write::governed_cluster;
use crate::contract::{annotation, label};
use crate::object::View;
use crate::violation::{Rule, Violation};

const FIELD: &str = "spec.cluster.name";

/// Its own labels say nothing: the Cluster that it names decides, in the old and in the new object.
pub(super) fn of_object(context: Context<'_>) -> Verdict {
    let before = context.old_view().and_then(governed_cluster);
    let after = context.new_view().and_then(governed_cluster);
    let mut violations = Vec::new();
    if let Some(name) = before {
        violations.extend(of_cluster(context, name, true)?);
    }
    if let Some(name) = after.filter(|_| after != before) {
        violations.extend(of_cluster(context, name, false)?);
        violations.extend(backup_name(context, name)?);
    }
    Ok(violations)
}

/// A Cluster recovers from any Backup that it names, also a stranger's: what is called after its
/// Cluster, no neighbour may name. (A `ScheduledBackup` names its Backups after itself, and these
/// name their snapshots.)
fn backup_name(context: Context<'_>, cluster: &str) -> Verdict {
    let is_backup = [Resource::Backup, Resource::ScheduledBackup].contains(&context.write.resource);
    let new = context.new_view().filter(|_| is_backup);
    let prefix = format!("{cluster}-");
    let is_named = |new: View<'_>| {
        new.name().starts_with(&prefix)
            || (new.name().is_empty() && new.generate_name().starts_with(&prefix))
    };
    if new.is_none_or(is_named) || context.facts.may_administer(context.namespace())? {
        return Ok(Vec::new());
    }
    Ok(vec![Violation::new(
        Rule::Dependents,
        "metadata.name",
        format!("the name of a backup of a database begins with '{prefix}'"),
        format!("call it {prefix}NAME: under another name any Cluster could recover from it"),
    )])
}

fn of_cluster(context: Context<'_>, name: &str, named_before: bool) -> Verdict {
    if context.write.caller.user == instance_account(context.namespace(), name) {
        return Ok(instance(context).into_iter().collect());
    }
    let cluster = context.facts.object(Question::Cluster {
        namespace: context.namespace().to_owned(),
        name: name.to_owned(),
    })?;
    match cluster.map(View) {
        Some(cluster) => Ok(must_own(context, cluster.label(label::OWNER_TEAM))?
            .into_iter()
            .collect()),
        None if named_before => outlived(context, name),
        None => Ok(vec![missing(context, name)]),
    }
}

/// The account that CNPG runs the instances of a Cluster with.
pub(super) fn instance_account(namespace: &str, cluster: &str) -> String {
    format!("system:serviceaccount:{namespace}:{cluster}")
}

/// CNPG gives these accounts rights on every object of the namespace: what they need of them is to
/// release objects of their own Cluster, and to remove backups that are kept no longer.
fn instance(context: Context<'_>) -> Option<Violation> {
    let is_release = || changes_only_finalizers(context);
    let is_expiry = || context.write.resource == Resource::Backup;
    let allowed = match context.write.operation {
        Operation::Create => false,
        Operation::Update => is_release(),
        Operation::Delete => is_expiry(),
    };
    (!allowed).then(|| {
        Violation::new(
            Rule::Dependents,
            FIELD,
            format!(
                "{} is the account of the instances: it changes finalizers and deletes backups, nothing else",
                context.write.caller.user
            ),
            "write it as a member of the team that owns the database",
        )
    })
}

fn changes_only_finalizers(context: Context<'_>) -> bool {
    match (&context.write.old, &context.write.object) {
        (Some(old), Some(new)) => without_finalizers(old) == without_finalizers(new),
        _ => false,
    }
}

/// Its Cluster is gone: it belongs to who owned the database last. Where no record is left, it works
/// on nothing, and may go.
fn outlived(context: Context<'_>, name: &str) -> Verdict {
    let last = last_tombstone(context, name)?;
    if let Some(last) = last {
        return Ok(must_own(context, last.label(label::OWNER_TEAM))?
            .into_iter()
            .collect());
    }
    if context.write.operation == Operation::Delete || changes_only_finalizers(context) {
        return Ok(Vec::new());
    }
    Ok(vec![missing(context, name)])
}

/// The record of the last database whose Cluster had that name.
pub(super) fn last_tombstone<'a>(
    context: Context<'a>,
    cluster: &str,
) -> Result<Option<View<'a>>, Unanswered> {
    let tombstones = context.facts.objects(Question::TombstonesOfCluster {
        namespace: context.namespace().to_owned(),
        cluster: cluster.to_owned(),
    })?;
    let tombstones = tombstones.iter().map(View);
    Ok(tombstones.max_by_key(|tombstone| tombstone.annotation(annotation::UPDATED_AT)))
}

fn missing(context: Context<'_>, name: &str) -> Violation {
    Violation::new(
        Rule::Dependents,
        FIELD,
        format!(
            "there is no cluster '{name}' in namespace '{}'",
            context.namespace()
        ),
        "create the database first; whoever creates it later would otherwise inherit this object",
    )
}
