//! Waiting until a database is ready.

use std::convert::Infallible;
use std::time::Duration;

use daap_crds::contract::annotation;
use daap_crds::names::DatabaseName;
use daap_crds::object::remove_annotation;
use daap_crds::pending::{OperationName, Pending};
use daap_crds::state::{State, Status};
use tokio::time::Instant;

use super::{Next, Operation};
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
        let text = if reason.is_empty() {
            status.state.to_string()
        } else {
            format!("{}: {reason}", status.state)
        };
        match status.state {
            State::Ready => Ok(Next::Done),
            State::Deleting | State::Deleted => Err(Failure::new(format!(
                "database/{} is being deleted",
                self.name
            ))),
            State::Error => {
                let since = *self.failing_since.get_or_insert_with(Instant::now);
                if since.elapsed() < PATIENCE {
                    return Ok(Next::Wait(text));
                }
                Err(
                    Failure::new(format!("database/{} is not ready: {text}", self.name))
                        .hint(self.unfinished()),
                )
            }
            State::Provisioning => {
                self.failing_since = None;
                Ok(Next::Wait(text))
            }
        }
    }

    async fn perform(&mut self, step: NoStep, _: &Self::World) -> Result<(), Failure> {
        match step.0 {}
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not ready", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "it goes on in the cluster; see what it waits for: kubectl daap tree {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}

/// Waiting has no steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoStep(Infallible);

impl std::fmt::Display for NoStep {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {}
    }
}
