//! Changing a database.

mod changes;
mod storage;

use std::fmt;

use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at};
use serde_json::{Value, json};

use super::pair::Pair;
use super::{Next, Operation, stamps};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
pub(crate) use changes::Changes;
pub(super) use storage::refuse_impossible;

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    PatchCluster,
    PatchPooler,
    Stamp,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PatchCluster => "changing the cluster",
            Self::PatchPooler => "changing the pooler",
            Self::Stamp => "writing the history",
        })
    }
}

/// The operation.
pub(crate) struct Update {
    k8s: Kubernetes,
    name: DatabaseName,
    changes: Changes,
    /// The Cluster before our patch.
    before: Option<Value>,
    /// Whether anything was written.
    pub(crate) changed: bool,
    stamped: bool,
    pooler_patched: bool,
}

impl Update {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, changes: Changes) -> Self {
        Self {
            k8s,
            name,
            changes,
            before: None,
            changed: false,
            stamped: false,
            pooler_patched: false,
        }
    }
}

fn not_as_asked(what: &str) -> Failure {
    Failure::new(format!("{what} was accepted but not changed as asked"))
        .hint("another controller or webhook may own these fields")
}

impl Operation for Update {
    type World = Pair;
    type Step = Step;

    async fn observe(&self) -> Result<Pair, Failure> {
        Pair::read(&self.k8s, &self.name).await
    }

    fn next(&mut self, world: &Pair) -> Result<Next<Step>, Failure> {
        let Some(cluster) = &world.cluster else {
            return Err(crate::commands::not_found(&self.name, &self.k8s));
        };
        if View(cluster).is_being_deleted() {
            return Err(Failure::new(format!(
                "database/{} is being deleted",
                self.name
            )));
        }
        if self.changed && self.k8s.is_dry_run() {
            return Ok(Next::Done);
        }
        if self.changes.patch(&self.name, cluster) != json!({}) {
            if let Some(before) = &self.before
                && View(before).text("/metadata/resourceVersion")
                    == View(cluster).text("/metadata/resourceVersion")
            {
                return Err(not_as_asked(&format!("database/{}", self.name)));
            }
            return Ok(Next::Do(Step::PatchCluster));
        }
        if !self.k8s.is_dry_run() && !self.stamped && stamps::are_missing(View(cluster)) {
            return Ok(Next::Do(Step::Stamp));
        }
        let Some(pooler) = &world.pooler else {
            return Ok(Next::Done);
        };
        if self.changes.pooler_patch(View(cluster), View(pooler)) == json!({}) {
            return Ok(Next::Done);
        }
        if self.pooler_patched {
            return Err(not_as_asked(&format!(
                "the pooler of database/{}",
                self.name
            )));
        }
        Ok(Next::Do(Step::PatchPooler))
    }

    async fn perform(&mut self, step: Step, mut world: Pair) -> Result<Option<Pair>, Failure> {
        let Some(cluster) = &world.cluster else {
            return Ok(None);
        };
        let view = View(cluster);
        match step {
            Step::PatchCluster => {
                let held = self.changes.held_by_others(view);
                if !held.is_empty() {
                    return Err(Failure::fields("somebody else manages its fields", held));
                }
                if let Some(wanted) = &self.changes.storage {
                    refuse_impossible(&self.k8s, view, wanted).await?;
                }
                let mut patch = self.changes.patch(&self.name, cluster);
                // Somebody else's change since our look makes this a conflict, and we look again.
                map_at(&mut patch, &["metadata"]).insert(
                    "resourceVersion".into(),
                    view.text("/metadata/resourceVersion")
                        .unwrap_or_default()
                        .into(),
                );
                let changed = self.k8s.merge(Kind::Cluster, view.name(), &patch).await?;
                self.before = world.cluster.replace(changed);
                self.changed = true;
            }
            Step::PatchPooler => {
                let Some(pooler) = &world.pooler else {
                    return Ok(None);
                };
                let patch = self.changes.pooler_patch(view, View(pooler));
                let changed = self
                    .k8s
                    .merge(Kind::Pooler, &self.name.pooler(), &patch)
                    .await?;
                world.pooler = Some(changed);
                self.pooler_patched = true;
                self.changed = true;
            }
            Step::Stamp => {
                world.cluster = Some(stamps::write(&self.k8s, cluster, None).await?);
                self.stamped = true;
            }
        }
        Ok(Some(world))
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        let failure = failure.context(format!("database/{} not changed", self.name));
        match &self.changes.team {
            Some(team) if failure.is_denial() => failure.hint(format!(
                "who does not own both teams offers it: kubectl daap transfer {} --to {team} -n {}",
                self.name,
                self.k8s.namespace()
            )),
            _ => failure,
        }
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not changed", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "the same command again finishes it; look at it with: kubectl daap get {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}
