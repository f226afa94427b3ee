//! `kubectl daap can-i --list`: the caller's teams, and what it may use.

use daap_crds::names::Team;
use serde_json::{Value, json};

use super::verdict::decides;
use crate::database::API_VERSION;
use crate::failure::Failure;
use crate::kubernetes::{Kubernetes, Right};
use crate::output::{Documents, OutputFormat, Table, stdout};
use crate::rights::{CommandRights, Held};

/// Stands for every team.
const EVERY: &str = "*";

/// A team of the caller's, and what makes it that.
struct Owned {
    team: String,
    decided_by: String,
}

pub(super) async fn show(k8s: &Kubernetes, output: &OutputFormat) -> Result<(), Failure> {
    let teams = teams(k8s).await?;
    let held = Held::of(k8s, CommandRights::ALL).await?;
    let document = Documents::One(document(k8s, &teams, &held).await?);
    stdout(&output.render_or(&document, true, || text(&teams, &held))?)
}

async fn teams(k8s: &Kubernetes) -> Result<Vec<Owned>, Failure> {
    let Some(names) = k8s.owned_teams().await? else {
        let access = k8s.administration().await?;
        return Ok(vec![Owned {
            team: EVERY.to_owned(),
            decided_by: decides(&access.reason).to_owned(),
        }]);
    };
    let mut teams = Vec::new();
    for team in names.iter().filter_map(|name| Team::parse(name).ok()) {
        let access = k8s.ownership(&team).await?;
        teams.push(Owned {
            team: team.to_string(),
            decided_by: decides(&access.reason).to_owned(),
        });
    }
    Ok(teams)
}

/// What keeps the caller from using a command; none where nothing does.
fn obstacle(row: &CommandRights, teams: &[Owned], held: &Held) -> Option<String> {
    let missing = held.missing(row);
    if !missing.is_empty() {
        let missing: Vec<String> = missing.iter().map(Right::to_string).collect();
        return Some(format!("you may not {}", missing.join(", ")));
    }
    (row.owner && teams.is_empty()).then(|| "you own no team here".to_owned())
}

fn text(teams: &[Owned], held: &Held) -> String {
    let mut owned = Table::new(vec!["TEAM", "DECIDED BY"]);
    for team in teams {
        owned.row(vec![team.team.clone(), team.decided_by.clone()]);
    }
    if teams.is_empty() {
        owned.row(vec![String::new(), String::new()]);
    }
    let mut commands = Table::new(vec!["COMMAND", "ALLOWED", "REASON"]);
    for row in CommandRights::ALL {
        let obstacle = obstacle(row, teams, held);
        let allowed = if obstacle.is_none() { "yes" } else { "no" };
        let whose = if row.owner {
            "of your teams' databases"
        } else {
            "of every database"
        };
        commands.row(vec![
            row.command.to_owned(),
            allowed.to_owned(),
            obstacle.unwrap_or_else(|| whose.to_owned()),
        ]);
    }
    format!("{}\n{}", owned.render(true), commands.render(true))
}

async fn document(k8s: &Kubernetes, teams: &[Owned], held: &Held) -> Result<Value, Failure> {
    let commands: Vec<Value> = { CommandRights::ALL.iter() }
        .map(|row| {
            let missing = held.missing(row);
            json!({
                "command": row.command,
                "allowed": obstacle(row, teams, held).is_none(),
                "needsOwnership": row.owner,
                "missing": missing.iter().map(Right::to_string).collect::<Vec<_>>(),
            })
        })
        .collect();
    let teams: Vec<Value> = { teams.iter() }
        .map(|owned| json!({"team": owned.team, "decidedBy": owned.decided_by}))
        .collect();
    Ok(json!({
        "apiVersion": API_VERSION,
        "kind": "AccessReviewList",
        "spec": {"namespace": k8s.namespace(), "user": k8s.user().await?},
        "status": {"teams": teams, "commands": commands},
    }))
}
