//! Volumes and Secrets of a database: what the data lies in, and what opens it. CNPG adopts and trusts
//! them by name and label, and a purge destroys them by their id, so that both are the owner's.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::super::{Operation, Question, Resource, Unanswered};
use super::dependent_objects::last_tombstone;
use super::ownership::must_own;
use super::{Context, Verdict};
use crate::admission::write::trusted_by;
use crate::contract::cnpg::STEERING;
use crate::contract::kubernetes::{CONTROLLER_MANAGER, CONTROLLERS, VOLUME_PROTECTION};
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
        return Ok(Vec::new());
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
        violations.extend(must_own_all(context, view, id)?);
    }
    if judged.is_empty() && context.write.resource == Resource::Secret {
        violations.extend(trusted(context, old)?);
    }
    Ok(violations)
}

/// A Secret that says nothing, and that a Cluster trusts by its name: whoever changes its authority
/// stands between it and its clients.
fn trusted(context: Context<'_>, secret: View<'_>) -> Verdict {
    let Some(name) = trusted_by(secret.name()) else {
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

/// Labels go stale with a transfer: whose an object is, the live Cluster of its id says, else the
/// tombstone, and only where there is neither the object itself.
fn must_own_all(
    context: Context<'_>,
    object: View<'_>,
    id: &str,
) -> Result<Vec<Violation>, Unanswered> {
    let (namespace, id) = (context.namespace().to_owned(), id.to_owned());
    let clusters = context.facts.objects(Question::ClustersWithId {
        namespace: namespace.clone(),
        id: id.clone(),
    })?;
    let mut teams: BTreeSet<Option<&str>> = clusters
        .iter()
        .map(|cluster| View(cluster).label(label::OWNER_TEAM))
        .collect();
    if teams.is_empty() {
        let tombstone = { context.facts }.object(Question::Tombstone { namespace, id })?;
        teams.insert(tombstone.map_or(object, View).label(label::OWNER_TEAM));
    }
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
            && (old.at(BINDING) != new.at(BINDING) || (is_protected(old) && !is_protected(new))))
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
    let finalizers = volume.at("/metadata/finalizers").and_then(Value::as_array);
    finalizers.is_some_and(|finalizers| finalizers.iter().any(|one| one == VOLUME_PROTECTION))
}
