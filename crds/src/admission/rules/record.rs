//! The record: what every database has, in a form that can be read, and the stamps on it.

use super::super::mutate::stamps::{Base, expected};
use super::{Context, Verdict, no_worse};
use crate::contract::{annotation, label};
use crate::names::{DatabaseId, Team};
use crate::object::View;
use crate::purpose::{Purpose, check_text};
use crate::record::{annotation_field, label_field};
use crate::violation::{Rule, Violation};

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let mut violations = no_worse(context, judge);
    if let Some(new) = context.new_view() {
        let team = new.label(label::OWNER_TEAM).unwrap_or_default();
        let before = context.before();
        let named = [
            (
                label_field(label::OWNER_TEAM),
                team,
                before.and_then(|old| old.label(label::OWNER_TEAM)),
            ),
            (
                annotation_field(annotation::OFFERED_TO),
                new.annotation(annotation::OFFERED_TO).unwrap_or_default(),
                before.and_then(|old| old.annotation(annotation::OFFERED_TO)),
            ),
        ];
        for (field, team, before) in named {
            let is_known = || Team::parse(team).is_err() || context.policy.knows_team(team);
            if before != Some(team) && !is_known() {
                violations.push(unknown_team(field, team, context));
            }
        }
    }
    Ok(violations)
}

fn unknown_team(field: String, team: &str, context: Context<'_>) -> Violation {
    let known: Vec<&str> = context
        .policy
        .teams
        .iter()
        .flatten()
        .map(Team::as_str)
        .collect();
    Violation::new(
        Rule::Teams,
        field,
        format!(
            "'{team}' is no team of this platform; the teams are {}",
            known.join(", ")
        ),
        "name one of them, or ask the platform team to add it to the policy",
    )
}

fn judge(cluster: View<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let team = label_field(label::OWNER_TEAM);
    match cluster.label(label::OWNER_TEAM) {
        None => violations.push(required(
            &team,
            "it is missing; a database is owned by one team",
            "set it to the team that owns the database",
        )),
        Some(given) => violations.extend(unreadable(&team, Team::parse(given).err())),
    }
    let id = label_field(label::ID);
    match cluster.label(label::ID) {
        None => violations.push(required(
            &id,
            "it is missing",
            "leave it to the webhook, or set a new UUID",
        )),
        Some(given) => violations.extend(unreadable(&id, DatabaseId::parse(given).err())),
    }
    let purpose = annotation_field(annotation::PURPOSE);
    match cluster.annotation(annotation::PURPOSE) {
        None => violations.push(required(
            &purpose,
            "it is missing",
            "say in a few words what the database is for",
        )),
        Some(given) => violations.extend(unreadable(&purpose, Purpose::parse(given).err())),
    }
    if let Some(reason) = cluster.annotation(annotation::CHANGE_REASON) {
        let field = annotation_field(annotation::CHANGE_REASON);
        violations.extend(unreadable(&field, check_text(reason).err()));
    }
    if let Some(offered) = cluster.annotation(annotation::OFFERED_TO) {
        let field = annotation_field(annotation::OFFERED_TO);
        violations.extend(unreadable(&field, Team::parse(offered).err()));
    }
    violations
}

/// Only the webhook stamps: what is stored must be what it would have written.
pub(super) fn stamps(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let base = Base::of(context.write, new, context.facts)?;
    let tampered = |(key, value): (&'static str, Option<String>)| {
        (new.annotation(key) != value.as_deref()).then(|| {
            Violation::new(
                Rule::History,
                annotation_field(key),
                "it is not what the webhook writes for this change",
                "leave it out: stamps and history are written by the webhook alone",
            )
        })
    };
    Ok(expected(&base, context.write, new)
        .into_iter()
        .filter_map(tampered)
        .collect())
}

fn required(field: &str, message: &str, hint: &str) -> Violation {
    Violation::new(Rule::Required, field, message, hint)
}

fn unreadable(field: &str, error: Option<impl std::fmt::Display>) -> Option<Violation> {
    error.map(|error| Violation::new(Rule::Format, field, error.to_string(), "correct the value"))
}
