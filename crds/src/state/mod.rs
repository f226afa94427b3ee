//! What a database is doing now, derived from what the API server holds, never remembered.

mod phase;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::contract::{annotation, cnpg};
use crate::drift;
use crate::object::View;
use crate::pending::{OperationName, Pending};
use phase::Phase;

/// The states of a database. Anything finer is a reason beside the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// On its way to ready.
    Provisioning,
    /// Connections are served.
    Ready,
    /// Somebody has to do something.
    Error,
    /// On its way out.
    Deleting,
    /// Gone; its record, and perhaps its data, is kept.
    Deleted,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Provisioning,
        Self::Ready,
        Self::Error,
        Self::Deleting,
        Self::Deleted,
    ];

    /// The word that users read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Ready => "ready",
            Self::Error => "error",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| {
                format!("'{text}' is no state; use provisioning, ready, error, deleting or deleted")
            })
    }
}

/// A state and what is finer than it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The state.
    pub state: State,
    /// Why, or how far; absent where the state says all.
    pub reason: Option<String>,
}

/// What the API server holds of a database.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The Cluster.
    pub cluster: &'a Value,
    /// The Pooler, if it is there.
    pub pooler: Option<&'a Value>,
    /// The Pooler's Deployment, if it is there.
    pub deployment: Option<&'a Value>,
    /// Who asks may not see Deployments: whether the Pooler serves is not known, and not held against it.
    pub deployment_hidden: bool,
    /// Whether the app Secret is there.
    pub app_secret: bool,
}

/// Derives the state, in the order of section 5 of CNPG's facts.
#[must_use]
pub fn derive(observed: &Observed<'_>) -> Status {
    let cluster = View(observed.cluster);
    if cluster.is_being_deleted() {
        return status(State::Deleting, Some("the cluster is being removed".into()));
    }
    let pending = cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse);
    match &pending {
        Some(pending) if pending.operation == OperationName::Delete => {
            return deleting(pending);
        }
        Some(Pending {
            error: Some(error),
            operation,
            ..
        }) => {
            return status(State::Error, Some(format!("{operation} failed: {error}")));
        }
        _ => {}
    }
    if pending.is_none()
        && let Some(drift) = drifted(observed)
    {
        return status(State::Error, Some(drift));
    }
    if cluster.annotation(cnpg::HIBERNATION) == Some("on") {
        return docked(cluster, observed);
    }
    if pending.is_none() && observed.pooler.is_none() {
        return status(State::Error, Some("pooler missing".into()));
    }
    let underlying = underlying(cluster, observed);
    match pending {
        Some(pending) if underlying.state == State::Ready || observed.pooler.is_none() => status(
            State::Provisioning,
            Some(format!(
                "{} incomplete: next is {}",
                noun(pending.operation),
                pending.step
            )),
        ),
        _ => underlying,
    }
}

/// What was changed behind the back of admission.
fn drifted(observed: &Observed<'_>) -> Option<String> {
    let (mut found, of_pooler) =
        drift::of_database(View(observed.cluster), observed.pooler.map(View));
    found.extend(of_pooler);
    let (first, more) = found.split_first()?;
    Some(match more.len() {
        0 => format!("drifted: {first}"),
        more => format!("drifted: {first}, and {more} more"),
    })
}

fn status(state: State, reason: Option<String>) -> Status {
    Status { state, reason }
}

fn deleting(pending: &Pending) -> Status {
    match &pending.error {
        Some(error) => status(State::Error, Some(format!("delete failed: {error}"))),
        None => status(State::Deleting, Some(format!("next is {}", pending.step))),
    }
}

fn noun(operation: OperationName) -> &'static str {
    match operation {
        OperationName::Create => "creation",
        OperationName::Update => "update",
        OperationName::Delete => "deletion",
        OperationName::Restore => "restore",
        OperationName::Transfer => "transfer",
        OperationName::Rollback => "rollback",
        OperationName::Repair => "repair",
        OperationName::Rotate => "rotation of the password",
    }
}

fn docked(cluster: View<'_>, observed: &Observed<'_>) -> Status {
    let hibernation = cluster.condition(cnpg::HIBERNATION_CONDITION);
    let field = |pointer| hibernation.and_then(|condition| condition.text(pointer));
    match (field("/status"), field("/reason")) {
        (Some("True"), _) => status(State::Provisioning, Some("docked".into())),
        (_, Some("DeletingPods" | "WaitingPodsDeletion")) => {
            status(State::Provisioning, Some("docking".into()))
        }
        _ => {
            let underlying = underlying(cluster, observed);
            status(
                not_ready(underlying.state),
                Some(with_detail("docking pending", underlying.reason)),
            )
        }
    }
}

/// A Cluster that was told to stop promises no connection.
fn not_ready(state: State) -> State {
    match state {
        State::Ready => State::Provisioning,
        other => other,
    }
}

fn with_detail(reason: &str, detail: Option<String>) -> String {
    match detail {
        Some(detail) => format!("{reason}: {detail}"),
        None => reason.to_owned(),
    }
}

/// The state of a Cluster that nobody has told to stop.
fn underlying(cluster: View<'_>, observed: &Observed<'_>) -> Status {
    let count = |pointer| {
        cluster
            .at(pointer)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    let (wanted, ready) = (count("/spec/instances"), count("/status/readyInstances"));
    let phase = Phase::of(cluster.text("/status/phase"));
    let primary = cluster.text("/status/currentPrimary");
    if phase == Phase::Failed {
        let why = cluster
            .text("/status/phaseReason")
            .or_else(|| cluster.text("/status/phase"));
        return status(State::Error, why.map(str::to_owned));
    }
    if primary.is_none() || phase == Phase::None || phase == Phase::SettingUp {
        let phase = cluster.text("/status/phase");
        return status(
            State::Provisioning,
            Some(phase.map_or_else(|| "waiting for the operator".into(), lower_first)),
        );
    }
    let settled = cluster
        .condition("Ready")
        .and_then(|ready| ready.text("/status"))
        == Some("True")
        && primary == cluster.text("/status/targetPrimary");
    if phase == Phase::Healthy && settled && ready == wanted {
        // `Ready` and the phase stay as they were while a Cluster wakes: the condition tells.
        if cluster
            .condition(cnpg::HIBERNATION_CONDITION)
            .and_then(|condition| condition.text("/status"))
            == Some("True")
        {
            return status(State::Provisioning, Some("waking".into()));
        }
        return reachable(observed);
    }
    let phase_text = cluster.text("/status/phase").map(lower_first);
    // `ready` needs as many ready instances as asked (section 4 of the design).
    if ready >= 1 && ready != wanted {
        let reason = format!("{ready}/{wanted} instances ready");
        return status(State::Provisioning, Some(reason));
    }
    match phase {
        Phase::Healthy if ready >= 1 => status(
            State::Provisioning,
            Some(format!(
                "switching over to {}",
                cluster
                    .text("/status/targetPrimary")
                    .unwrap_or("another primary")
            )),
        ),
        // The annotation stays `off` behind who woke it: nothing else tells a Cluster that wakes
        // from one whose pods are gone.
        Phase::Healthy if cluster.annotation(cnpg::HIBERNATION).is_some() => {
            status(State::Provisioning, Some("waking".into()))
        }
        Phase::Healthy => status(State::Error, Some(format!("0/{wanted} instances ready"))),
        _ => status(State::Provisioning, phase_text),
    }
}

/// A healthy Cluster is ready once its Pooler serves and its credentials are there.
fn reachable(observed: &Observed<'_>) -> Status {
    let available = observed
        .deployment
        .and_then(|deployment| View(deployment).at("/status/availableReplicas"))
        .and_then(Value::as_i64)
        .unwrap_or_default();
    if available < 1 && !observed.deployment_hidden {
        return status(State::Provisioning, Some("pooler not available".into()));
    }
    if !observed.app_secret {
        return status(State::Error, Some("app secret missing".into()));
    }
    status(State::Ready, None)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}
