//! Volumes and Secrets of a database: what the data lies in, and what opens it. CNPG adopts and trusts
//! them by name and label, and a purge destroys them by their id, so that both are the owner's.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::{Operation, Question, Unanswered};
use super::dependent_objects::{instance_account, last_tombstone};
use super::ownership::must_own;
use super::{Context, Verdict};
use crate::admission::write::trusted_by;
use crate::contract::cnpg::STEERING;
use crate::contract::kubernetes::{
    ACCOUNTS, CONTROLLER_MANAGER, CONTROLLERS, SNAPSHOT_PROTECTION, VOLUME_PROTECTION,
};
use crate::contract::{PREFIX, label};
use crate::object::View;
use crate::violation::{Rule, Violation};

/// Which disk a volume gets: controllers write it, once.
const BINDING: &str = "/spec/volumeName";
/// What of a volume or a Secret is guarded beside its metadata.
const CONTENTS: [&str; 5] = [
    "/spec/resources",
    "/spec/volumeAttributesClassName",
    "/data",
    "/type",
    "/immutable",
];

pub(super) fn of_object(context: Context<'_>) -> Verdict {
    let Some(old) = context.old_view() else {
        return { context.new_view() }.map_or(Ok(Vec::new()), |new| created(context, new));
    };
    let guarded = match context.new_view() {
        None => context.write.operation == Operation::Delete,
        Some(new) => is_guarded(context, old, new),
    };
    if !guarded {
        return Ok(Vec::new());
    }
    let mut violations = Vec::new();
    let mut judged = BTreeSet::new();
    for view in [Some(old), context.new_view()].into_iter().flatten() {
        let Some(id) = view.label(label::ID).filter(|id| judged.insert(*id)) else {
            continue;
        };
        let mut owners = owners(context, id)?;
        if owners.is_empty() {
            owners.insert(view.label(label::OWNER_TEAM));
        }
        violations.extend(must_own_all(context, owners)?);
    }
    if judged.is_empty() {
        violations.extend(trusted(context, old)?);
    }
    Ok(violations)
}

/// What somebody else makes is not taken for a part of a database: by an id that is some database's
/// (a purge destroys by it), or by a name that its Cluster trusts. An id that nobody has says nothing,
/// and before its Cluster is there the name gate judges what lies under its names.
fn created(context: Context<'_>, new: View<'_>) -> Verdict {
    let mut violations = trusted(context, new)?;
    if let Some(id) = new.label(label::ID) {
        let clusters = live(context, id)?;
        let is_instance = |cluster| {
            context.write.caller.user == instance_account(context.namespace(), View(cluster).name())
        };
        if !clusters.iter().any(is_instance) {
            violations.extend(must_own_all(context, owners(context, id)?)?);
        }
    }
    Ok(violations)
}

/// What says nothing, and is a Cluster's by its name: whoever changes the Secret of its authority
/// stands between it and its clients, and whoever has the volume of its next instance reads the data.
fn trusted(context: Context<'_>, object: View<'_>) -> Verdict {
    let Some(name) = trusted_by(context.write.resource, object.name()) else {
        return Ok(Vec::new());
    };
    let cluster = context.facts.object(Question::Cluster {
        namespace: context.namespace().to_owned(),
        name: name.to_owned(),
    })?;
    let last = match cluster {
        Some(cluster) => Some(View(cluster)),
        None => last_tombstone(context, name)?,
    };
    match last {
        Some(last) => Ok(retained(must_own(context, last.label(label::OWNER_TEAM))?)),
        None => Ok(Vec::new()),
    }
}

fn retained(violation: Option<Violation>) -> Vec<Violation> {
    let retained = |violation| Violation {
        rule: Rule::Retained,
        ..violation
    };
    violation.map(retained).into_iter().collect()
}

/// The Clusters that have this id: one, or none.
fn live<'a>(context: Context<'a>, id: &str) -> Result<&'a [Value], Unanswered> {
    context.facts.objects(Question::ClustersWithId {
        namespace: context.namespace().to_owned(),
        id: id.to_owned(),
    })
}

/// Labels go stale with a transfer: whose an object is, the live Cluster of its id says, else the
/// tombstone; nobody, where there is neither.
fn owners<'a>(context: Context<'a>, id: &str) -> Result<BTreeSet<Option<&'a str>>, Unanswered> {
    let clusters = live(context, id)?.iter().map(View);
    let mut teams: BTreeSet<_> = { clusters }
        .map(|cluster| cluster.label(label::OWNER_TEAM))
        .collect();
    if teams.is_empty() {
        let tombstone = context.facts.object(Question::Tombstone {
            namespace: context.namespace().to_owned(),
            id: id.to_owned(),
        })?;
        teams.extend(tombstone.map(|tombstone| View(tombstone).label(label::OWNER_TEAM)));
    }
    Ok(teams)
}

fn must_own_all(
    context: Context<'_>,
    teams: BTreeSet<Option<&str>>,
) -> Result<Vec<Violation>, Unanswered> {
    let mut violations = Vec::new();
    for team in teams {
        violations.extend(retained(must_own(context, team)?));
    }
    Ok(violations)
}

fn is_guarded(context: Context<'_>, old: View<'_>, new: View<'_>) -> bool {
    old.owner_references() != new.owner_references()
        || keys(old.labels()) != keys(new.labels())
        || keys(old.annotations()) != keys(new.annotations())
        || CONTENTS
            .iter()
            .any(|pointer| old.at(pointer) != new.at(pointer))
        || (!is_controller(&context.write.caller.user)
            && (old.at(BINDING) != new.at(BINDING)
                || (is_protected(old) && !is_protected(new))
                || is_held(context, old, new)))
}

/// By another finalizer: a purge would wait for whoever set it. Taking one away is free, as those do
/// who have set it.
fn is_held(context: Context<'_>, old: View<'_>, new: View<'_>) -> bool {
    let before: BTreeSet<&str> = finalizers(old).collect();
    let is_of_snapshots = |finalizer: &str| {
        let user = &context.write.caller.user;
        finalizer == SNAPSHOT_PROTECTION
            && user.starts_with(ACCOUNTS)
            && !user.starts_with(&format!("{ACCOUNTS}{}:", context.namespace()))
    };
    finalizers(new).any(|one| !before.contains(one) && !is_of_snapshots(one))
}

fn is_controller(user: &str) -> bool {
    user.starts_with(CONTROLLERS) || user == CONTROLLER_MANAGER
}

/// The labels or annotations that say whose an object is and what CNPG does with it.
fn keys(map: Option<&Map<String, Value>>) -> Vec<(&String, &Value)> {
    let is_guarded = |key: &str| {
        key.starts_with(PREFIX) || STEERING.iter().any(|prefix| key.starts_with(prefix))
    };
    { map.into_iter().flatten() }
        .filter(|(key, _)| is_guarded(key))
        .collect()
}

fn is_protected(volume: View<'_>) -> bool {
    finalizers(volume).any(|one| one == VOLUME_PROTECTION)
}

fn finalizers(object: View<'_>) -> impl Iterator<Item = &str> {
    let finalizers = object.at("/metadata/finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().filter_map(Value::as_str)
}
