//! Going back to the values of an earlier version: as a new version.

mod target;

use std::fmt;

use daap_crds::contract::annotation;
use daap_crds::history::Tracked;
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use serde_json::{Value, json};

use super::pair::{self, Pair};
use super::update::refuse_impossible;
use super::{Changes, Next, Operation, stamps};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, annotate};
use crate::output::{Words, changes, stderr_line};
pub(crate) use target::Target;

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    PatchCluster,
    Stamp,
    LabelPooler,
    Finish,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PatchCluster => "writing the earlier values",
            Self::Stamp => "writing the history",
            Self::LabelPooler => "labelling the pooler",
            Self::Finish => "closing the rollback",
        })
    }
}

/// The operation.
pub(crate) struct Rollback {
    k8s: Kubernetes,
    name: DatabaseName,
    to: u64,
    reason: Option<String>,
    /// The Cluster before our patch.
    before: Option<Value>,
    /// The team that the version had, where it is another.
    team: Option<String>,
    /// Whether anything was written.
    pub(crate) changed: bool,
    stamped: bool,
    /// What the user has been told.
    told: Vec<String>,
}

impl Rollback {
    pub(crate) fn new(
        k8s: Kubernetes,
        name: DatabaseName,
        to: u64,
        reason: Option<String>,
    ) -> Self {
        Self {
            k8s,
            name,
            to,
            reason,
            before: None,
            team: None,
            changed: false,
            stamped: false,
            told: Vec::new(),
        }
    }

    fn tell(&mut self, text: String) {
        if !self.told.contains(&text) {
            stderr_line(&text);
            self.told.push(text);
        }
    }

    fn refuse(&self, cluster: View<'_>) -> Result<(), Failure> {
        if cluster.is_being_deleted() {
            return Err(Failure::new(format!(
                "database/{} is being deleted",
                self.name
            )));
        }
        match pending(cluster) {
            Some(other) if other.operation != OperationName::Rollback => {
                Err(Failure::new(format!(
                    "the {} of database/{} is not finished",
                    other.operation, self.name
                ))
                .class(Class::Hard)
                .hint(format!(
                    "finish it first: kubectl daap {} {} -n {}",
                    super::finishes(other.operation),
                    self.name,
                    self.k8s.namespace()
                )))
            }
            _ => Ok(()),
        }
    }

    fn patch(&self, changes: &Changes, cluster: &Value) -> Value {
        let mut patch = changes.patch(&self.name, cluster);
        set_annotation(&mut patch, annotation::PENDING, to_finish(None));
        // Somebody else's change since our look makes this a conflict, and we look again.
        map_at(&mut patch, &["metadata"]).insert(
            "resourceVersion".into(),
            View(cluster)
                .text("/metadata/resourceVersion")
                .unwrap_or_default()
                .into(),
        );
        patch
    }

    fn announce(&mut self, target: &Target, cluster: View<'_>) {
        let is = Tracked::of(cluster);
        self.team = target
            .changes
            .team
            .as_ref()
            .map(|team| team.as_str().to_owned());
        let effect = changes(&is, &target.record(&is), Words::Whole);
        self.tell(format!(
            "database/{}: back to the values of version {}: {effect}",
            self.name, self.to
        ));
    }
}

/// The webhook records the action that this names.
fn to_finish(error: Option<String>) -> String {
    Pending {
        operation: OperationName::Rollback,
        step: "finish".to_owned(),
        since: jiff::Timestamp::now(),
        error,
    }
    .to_annotation()
}

fn pending(cluster: View<'_>) -> Option<Pending> {
    cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
}

impl Operation for Rollback {
    type World = Pair;
    type Step = Step;

    async fn observe(&self) -> Result<Pair, Failure> {
        Pair::read(&self.k8s, &self.name).await
    }

    fn next(&mut self, world: &Pair) -> Result<Next<Step>, Failure> {
        let Some(cluster) = &world.cluster else {
            return Err(crate::commands::not_found(&self.name, &self.k8s));
        };
        let view = View(cluster);
        self.refuse(view)?;
        if self.changed && self.k8s.is_dry_run() {
            return Ok(Next::Done);
        }
        let target = Target::of(view, &self.name, self.to, self.reason.clone())?;
        if let Some(stays) = &target.storage_stays {
            self.tell(stays.clone());
        }
        if target.changes.patch(&self.name, cluster) != json!({}) {
            if let Some(before) = &self.before
                && View(before).text("/metadata/resourceVersion")
                    == view.text("/metadata/resourceVersion")
            {
                return Err(Failure::new(format!(
                    "the rollback of database/{} was accepted but not done as asked",
                    self.name
                ))
                .hint("another controller or webhook may own these fields"));
            }
            self.announce(&target, view);
            return Ok(Next::Do(Step::PatchCluster));
        }
        if pending(view).is_none() {
            return Ok(Next::Done);
        }
        // While it is pending, so that the version says what made it.
        if !self.stamped && !self.k8s.is_dry_run() && stamps::are_missing(view) {
            return Ok(Next::Do(Step::Stamp));
        }
        Ok(Next::Do(if world.is_pooler_behind() {
            Step::LabelPooler
        } else {
            Step::Finish
        }))
    }

    async fn perform(&mut self, step: Step, mut world: Pair) -> Result<Option<Pair>, Failure> {
        let Some(cluster) = &world.cluster else {
            return Ok(None);
        };
        let view = View(cluster);
        match step {
            Step::PatchCluster => {
                let target = Target::of(view, &self.name, self.to, self.reason.clone())?;
                let held = target.changes.held_by_others(view);
                if !held.is_empty() {
                    return Err(Failure::fields("somebody else manages its fields", held));
                }
                if let Some(wanted) = &target.changes.storage {
                    refuse_impossible(&self.k8s, view, wanted).await?;
                }
                let patch = self.patch(&target.changes, cluster);
                let changed = self.k8s.merge(Kind::Cluster, view.name(), &patch).await?;
                self.before = world.cluster.replace(changed);
            }
            Step::Stamp => {
                world.cluster = Some(stamps::write(&self.k8s, cluster, None).await?);
                self.stamped = true;
            }
            Step::LabelPooler => {
                let patch = pair::team_of(view);
                let labelled = self
                    .k8s
                    .merge(Kind::Pooler, &self.name.pooler(), &patch)
                    .await?;
                world.pooler = Some(labelled);
            }
            Step::Finish => {
                let patch = annotate(&[(annotation::PENDING, Value::Null)]);
                let finished = self.k8s.merge(Kind::Cluster, view.name(), &patch).await?;
                world.cluster = Some(finished);
            }
        }
        self.changed = true;
        Ok(Some(world))
    }

    /// The values are written, or they are not: in between only the Pooler's label and the closing
    /// can be refused, and the Cluster says so.
    async fn stop(&mut self, failure: Failure) -> Failure {
        if self.before.is_some() && !self.k8s.is_dry_run() {
            let error = to_finish(Some(failure.one_line()));
            let patch = annotate(&[(annotation::PENDING, error.into())]);
            // Should this be refused too, it still says that the rollback is not finished.
            let _ = self
                .k8s
                .merge(Kind::Cluster, &self.name.cluster(), &patch)
                .await;
            return failure
                .context(format!(
                    "the rollback of database/{} is incomplete",
                    self.name
                ))
                .hint(self.unfinished());
        }
        let refused = failure.is_denial();
        let failure = failure.context(format!("database/{} not rolled back", self.name));
        match &self.team {
            Some(team) if refused => failure.hint(format!(
                "version {} belonged to team '{team}': who goes back to it has to act for both teams",
                self.to
            )),
            _ => failure,
        }
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not rolled back", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "the same command again finishes it; look at it with: kubectl daap get {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}

#[cfg(test)]
mod tests;
