//! Whoever writes must own the team: asked of Kubernetes' own authorizer.

use serde_json::Value;

use super::super::{Operation, Question, Unanswered};
use super::dependent_objects::last_tombstone;
use super::{Context, Verdict};
use crate::contract::{annotation, label};
use crate::names::Team;
use crate::object::View;
use crate::pending::{OperationName, Pending};
use crate::record::label_field;
use crate::violation::{Rule, Violation};

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let mut violations = Vec::new();
    if let Some(old) = context.old_view() {
        let before = old.label(label::OWNER_TEAM);
        let after = context
            .new_view()
            .and_then(|new| new.label(label::OWNER_TEAM));
        if let (Some(new), Some(team)) = (context.new_view(), after)
            && accepts_offer(old, new)
        {
            return Ok(must_own(context, Some(team))?.into_iter().collect());
        }
        violations.extend(must_own(context, before)?);
        if context.write.operation == Operation::Update && after != before {
            violations.extend(must_own_readable(context, after)?);
        }
    } else if let Some(new) = context.new_view() {
        violations.extend(must_own_readable(context, new.label(label::OWNER_TEAM))?);
    }
    Ok(violations)
}

/// A team that is missing or unreadable is named by another rule already.
fn must_own_readable(
    context: Context<'_>,
    team: Option<&str>,
) -> Result<Option<Violation>, Unanswered> {
    match team.map(Team::parse) {
        Some(Ok(team)) => must_own(context, Some(team.as_str())),
        _ => Ok(None),
    }
}

/// The caller has to own `team`; where the object names none, only an administrator may write it.
pub(super) fn must_own(
    context: Context<'_>,
    team: Option<&str>,
) -> Result<Option<Violation>, Unanswered> {
    let user = &context.write.caller.user;
    let namespace = context.namespace();
    let Some(team) = team.filter(|team| Team::parse(team).is_ok()) else {
        if context.facts.may_administer(namespace)? {
            return Ok(None);
        }
        return Ok(Some(Violation::new(
            Rule::Administrator,
            label_field(label::OWNER_TEAM),
            format!(
                "the object names no owner team, so that only an administrator may write it; {user} is none"
            ),
            "ask the platform team to give it an owner",
        )));
    };
    if context.facts.may_own(namespace, team)? {
        return Ok(None);
    }
    Ok(Some(Violation::new(
        Rule::Ownership,
        label_field(label::OWNER_TEAM),
        format!(
            "team '{team}' owns it, and {user} may not act for that team in namespace '{namespace}'"
        ),
        format!(
            "ask team '{team}', or the platform team for the right to own teams.daap.dev/{team}"
        ),
    )))
}

/// A transfer is accepted by changing the team to the one that it was offered to, and removing the
/// offer: these two keys and what follows from them, nothing else.
fn accepts_offer(old: View<'_>, new: View<'_>) -> bool {
    let team = new.label(label::OWNER_TEAM);
    let pending = new
        .annotation(annotation::PENDING)
        .map(|text| Pending::parse(text).map(|pending| pending.operation));
    team.is_some()
        && team != old.label(label::OWNER_TEAM)
        && old.annotation(annotation::OFFERED_TO) == team
        // The acceptance may say that it is not finished, and nothing else.
        && matches!(pending, None | Some(Some(OperationName::Transfer)))
        && old.annotation(annotation::PENDING).is_none()
        && without_transfer(old) == without_transfer(new)
}

fn without_transfer(object: View<'_>) -> Value {
    let mut rest = object.0.clone();
    let mut drop = |pointer: &str, keys: &[&str]| {
        if let Some(map) = rest.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.retain(|key, _| !keys.contains(&key.as_str()));
        }
    };
    drop("/metadata/labels", &[label::OWNER_TEAM]);
    drop("/spec/inheritedMetadata/labels", &[label::OWNER_TEAM]);
    drop(
        "/metadata/annotations",
        &[
            annotation::OFFERED_TO,
            annotation::CHANGE_REASON,
            annotation::PENDING,
        ],
    );
    drop("/metadata/annotations", &annotation::STAMPS);
    // What the API server keeps for itself.
    drop(
        "/metadata",
        &["managedFields", "generation", "resourceVersion"],
    );
    drop("", &["status"]);
    rest
}

/// A Pooler's team is its Cluster's, by look-up, whatever its own label says.
pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let mut violations = Vec::new();
    let mut judged = Vec::new();
    for view in [context.old_view(), context.new_view()]
        .into_iter()
        .flatten()
    {
        let name = view.text("/spec/cluster/name").unwrap_or_default();
        if judged.contains(&name) {
            continue;
        }
        judged.push(name);
        let cluster = context.facts.object(Question::Cluster {
            namespace: context.namespace().to_owned(),
            name: name.to_owned(),
        })?;
        match cluster.map(View) {
            Some(cluster) => {
                violations.extend(must_own(context, cluster.label(label::OWNER_TEAM))?);
            }
            // Its Cluster is gone: what is left names the team itself, or it is the last owner's.
            None if context.old_view().is_some() => {
                let team = match view.label(label::OWNER_TEAM) {
                    None => last_tombstone(context, name)?
                        .and_then(|last| last.label(label::OWNER_TEAM)),
                    team => team,
                };
                violations.extend(must_own(context, team)?);
            }
            None => {}
        }
    }
    Ok(violations)
}
