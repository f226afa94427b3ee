//! Waiting until a database is ready.

use std::convert::Infallible;
use std::time::Duration;

use daap_crds::contract::annotation;
use daap_crds::names::DatabaseName;
use daap_crds::object::remove_annotation;
use daap_crds::pending::{OperationName, Pending};
use daap_crds::state::{State, Status};
use tokio::time::Instant;

use super::{Next, Operation, finishes};
use crate::database::{Database, find};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;

/// How long the state `error` has to last before waiting ends: an instance that restarts passes
/// through it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Waits for `ready`.
pub(crate) struct Ready {
    k8s: Kubernetes,
    name: DatabaseName,
    /// An operation that is only finished once the database is ready: that it is pending does not
    /// keep it from being so.
    finishing: Option<OperationName>,
    failing_since: Option<Instant>,
}

impl Ready {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName) -> Self {
        Self {
            k8s,
            name,
            finishing: None,
            failing_since: None,
        }
    }

    /// Waits while that operation is pending.
    pub(crate) fn while_pending(self, operation: OperationName) -> Self {
        Self {
            finishing: Some(operation),
            ..self
        }
    }

    fn status(&self, database: &Database) -> Status {
        let ours = database
            .view()
            .annotation(annotation::PENDING)
            .and_then(Pending::parse)
            .is_some_and(|pending| {
                Some(pending.operation) == self.finishing && pending.error.is_none()
            });
        if !ours {
            return database.status();
        }
        let mut without = database.clone();
        remove_annotation(&mut without.cluster, annotation::PENDING);
        without.status()
    }
}

impl Operation for Ready {
    type World = Option<Database>;
    type Step = NoStep;

    async fn observe(&self) -> Result<Self::World, Failure> {
        find(&self.k8s, &self.name).await
    }

    fn next(&mut self, world: &Self::World) -> Result<Next<NoStep>, Failure> {
        let Some(database) = world else {
            return Err(Failure::new(format!(
                "database/{} was removed meanwhile",
                self.name
            )));
        };
        let status = self.status(database);
        let reason = status.reason.unwrap_or_default();
        match status.state {
            State::Ready => Ok(Next::Done),
            State::Deleting | State::Deleted => Err(Failure::new(format!(
                "database/{} is being deleted",
                self.name
            ))),
            State::Error => {
                let since = *self.failing_since.get_or_insert_with(Instant::now);
                if since.elapsed() < PATIENCE {
                    return Ok(Next::Wait(format!("waiting whether it passes: {reason}")));
                }
                Err(
                    Failure::new(format!("database/{} is not ready: {reason}", self.name))
                        .hint(self.unfinished()),
                )
            }
            State::Provisioning => {
                self.failing_since = None;
                Ok(Next::Wait(waits_for(&reason)))
            }
        }
    }

    async fn perform(
        &mut self,
        step: NoStep,
        _: Self::World,
    ) -> Result<Option<Self::World>, Failure> {
        match step.0 {}
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not ready", self.name)
    }

    fn unfinished(&self) -> String {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        match self.finishing {
            Some(operation) => format!(
                "it goes on in the cluster; finish its record with the same command again: kubectl daap {} {name} -n {namespace}; see what it waits for: kubectl daap explain {name} -n {namespace}",
                finishes(operation)
            ),
            None => format!(
                "it goes on in the cluster; follow it with: kubectl daap get {name} -n {namespace}; see what it waits for: kubectl daap explain {name} -n {namespace}"
            ),
        }
    }
}

/// What a state that is on its way to `ready` waits for, in plain words.
fn waits_for(reason: &str) -> String {
    if let Some(count) = reason.strip_suffix(" instances ready") {
        return format!("starting PostgreSQL {count}");
    }
    match reason {
        "" => "waiting until it is ready",
        "waiting for the operator" => "waiting for CloudNativePG's operator",
        "setting up primary" => "setting up the first instance",
        "waiting for the instances to become active" => "starting PostgreSQL",
        "creating a new replica" => "adding an instance",
        "pooler not available" => "starting the pooler",
        "waking" => "waking PostgreSQL up",
        other => other,
    }
    .to_owned()
}

/// Waiting has no steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoStep(Infallible);

impl std::fmt::Display for NoStep {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1/3 instances ready", "starting PostgreSQL 1/3")]
    #[case("pooler not available", "starting the pooler")]
    #[case("setting up primary", "setting up the first instance")]
    #[case("", "waiting until it is ready")]
    #[case("upgrading cluster", "upgrading cluster")]
    fn waits_are_told_in_plain_words(#[case] reason: &str, #[case] words: &str) {
        assert_eq!(waits_for(reason), words);
    }
}
