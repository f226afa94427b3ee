//! Who asks, for which teams, and what it may use.

use super::finding::Finding;
use crate::failure::Failure;
use crate::kubernetes::{Kubernetes, Right};
use crate::rights::{CommandRights, Held};

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    let mut findings = vec![
        teams(k8s)
            .await
            .unwrap_or_else(|failure| Finding::of_failure("teams", &failure)),
    ];
    match Held::of(k8s, CommandRights::ALL).await {
        Ok(held) => findings.extend(rights(&held, k8s.namespace())),
        Err(failure) => findings.push(Finding::of_failure("rights", &failure)),
    }
    findings
}

async fn teams(k8s: &Kubernetes) -> Result<Finding, Failure> {
    const CHECK: &str = "teams";
    let (user, namespace) = (k8s.user().await?, k8s.namespace());
    Ok(match k8s.owned_teams().await? {
        None => Finding::passed(
            CHECK,
            format!("{user} owns every team in namespace {namespace}"),
        ),
        Some(teams) if teams.is_empty() => Finding::warning(
            CHECK,
            format!("{user} owns no team in namespace {namespace}, and changes no database there"),
            "ask your platform team for the right to own teams.daap.dev/TEAM",
        ),
        Some(teams) => Finding::passed(
            CHECK,
            format!("{user} owns {} in namespace {namespace}", teams.join(", ")),
        ),
    })
}

/// One line for all that can be used, and one for each command that cannot.
fn rights(held: &Held, namespace: &str) -> Vec<Finding> {
    const CHECK: &str = "rights";
    let mut usable = Vec::new();
    let mut findings = Vec::new();
    for row in CommandRights::ALL {
        let missing = held.missing(row);
        if missing.is_empty() {
            usable.push(row.command);
            continue;
        }
        let missing: Vec<String> = missing.iter().map(Right::to_string).collect();
        findings.push(Finding::warning(
            CHECK,
            format!("no `{}`: you may not {}", row.command, missing.join(", ")),
            format!(
                "ask your platform team for it, as the ClusterRole daap-user in namespace {namespace} has it"
            ),
        ));
    }
    let can = Finding::passed(CHECK, format!("enough for {}", usable.join(", ")));
    findings.insert(0, can);
    findings
}
