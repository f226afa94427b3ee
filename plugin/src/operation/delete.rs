//! Deleting a database: its record always stays, its data unless it is purged.

mod world;

use std::fmt;
use std::time::Duration;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::{DatabaseId, DatabaseName};
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::policy::Policy;
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Next, Operation};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, Right, annotate};
pub(crate) use world::World;

/// Fencing stops PostgreSQL within a second; an instance that is unreachable never says so.
const FENCING: Duration = Duration::from_secs(30);
/// How long a Cluster may be too unwell to hibernate before waiting on makes no sense. An instance
/// that restarts is unwell for a while, too.
const UNWELL: Duration = Duration::from_secs(30);

/// What every step needs, asked for before the first.
pub(crate) const RIGHTS: [Right; 11] = [
    Right::to("get", Kind::Cluster),
    Right::to("patch", Kind::Cluster),
    Right::to("delete", Kind::Cluster),
    Right::to("list", Kind::Pooler),
    Right::to("delete", Kind::Pooler),
    Right::to("list", Kind::ConfigMap),
    Right::to("create", Kind::ConfigMap),
    Right::to("patch", Kind::ConfigMap),
    Right::to("list", Kind::Volume),
    Right::to("patch", Kind::Volume),
    Right::to("patch", Kind::Secret),
];

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Mark,
    DeletePooler,
    Fence,
    Hibernate,
    WriteTombstone,
    Retain,
    Detach,
    MarkDetached,
    MarkPurged,
    DeleteCluster,
    Complete,
}

impl Step {
    /// How `pending` names it.
    fn name(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::DeletePooler => "delete-pooler",
            Self::Fence => "fence",
            Self::Hibernate => "hibernate",
            Self::WriteTombstone => "write-tombstone",
            Self::Retain | Self::Detach | Self::MarkDetached => "detach",
            Self::MarkPurged => "mark-purged",
            Self::DeleteCluster => "delete-cluster",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Mark => "marking it as being deleted",
            Self::DeletePooler => "removing the pooler",
            Self::Fence => "stopping PostgreSQL",
            Self::Hibernate => "stopping the instances",
            Self::WriteTombstone => "keeping the record",
            Self::Detach => "keeping the volumes and Secrets",
            Self::Retain | Self::MarkDetached | Self::MarkPurged | Self::Complete => {
                "updating the record"
            }
            Self::DeleteCluster => "removing the cluster",
        })
    }
}

/// How a database is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// Nothing is kept but the record.
    pub(crate) purge: bool,
    /// PostgreSQL is stopped first: for what cannot hibernate.
    pub(crate) force: bool,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// The operation.
pub(crate) struct Delete {
    k8s: Kubernetes,
    name: DatabaseName,
    manner: Manner,
    /// Whether this run has seen the Cluster, or a deletion that is not finished.
    begun: bool,
    /// Whether this run has looked for what else uses the database.
    dependents_checked: bool,
    fenced_since: Option<Instant>,
    unwell_since: Option<Instant>,
}

impl Delete {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, manner: Manner) -> Self {
        Self {
            k8s,
            name,
            manner,
            begun: false,
            dependents_checked: false,
            fenced_since: None,
            unwell_since: None,
        }
    }

    fn pending(cluster: Option<View<'_>>, step: &str, error: Option<String>) -> String {
        let since = cluster
            .and_then(|cluster| Pending::parse(cluster.annotation(annotation::PENDING)?))
            .filter(|pending| pending.operation == OperationName::Delete)
            .map_or_else(Timestamp::now, |pending| pending.since);
        Pending {
            operation: OperationName::Delete,
            step: step.to_owned(),
            since,
            error,
        }
        .to_annotation()
    }

    /// A patch of the Cluster that also says what comes next.
    fn marking(cluster: View<'_>, next: Step, key: Option<(&str, &str)>) -> Value {
        let pending = Self::pending(Some(cluster), next.name(), None);
        let mut patch = annotate(&[(annotation::PENDING, pending.into())]);
        if let Some((key, value)) = key {
            set_annotation(&mut patch, key, value);
        }
        patch
    }

    fn not_found(&self) -> Failure {
        Failure::new(format!(
            "database/{} not found in namespace {}",
            self.name,
            self.k8s.namespace()
        ))
        .class(Class::NotFound)
        .hint("list what is there: kubectl daap list; deleted ones: kubectl daap list --deleted")
    }

    /// The end, once the Cluster is gone.
    fn after_cluster(&self, world: &World) -> Result<Next<Step>, Failure> {
        let stage = world.tombstone().map(|tombstone| tombstone.stage);
        match stage {
            Some(Stage::Written | Stage::Detached) => {
                if let Some(pod) = world.pods_with_volumes.first() {
                    return Ok(Next::Wait(format!("waiting until pod {pod} has stopped")));
                }
                Ok(Next::Do(Step::Complete))
            }
            Some(Stage::Complete | Stage::Purged) if self.begun => Ok(Next::Done),
            None if self.begun => Err(Failure::new(format!(
                "cluster {} was removed by somebody else before its record was kept",
                self.name.cluster()
            ))),
            _ => Err(self.not_found()),
        }
    }

    /// From the stopped Cluster to its removal.
    fn before_removal(&self, world: &World, cluster: View<'_>) -> Result<Next<Step>, Failure> {
        let Some(tombstone) = world.tombstone() else {
            return Ok(Next::Do(Step::WriteTombstone));
        };
        let nothing_planned = tombstone.retained.volumes.is_empty();
        let owned = world.retained_but_owned(&tombstone.retained, cluster.uid());
        match tombstone.stage {
            Stage::Purged => Ok(Next::Do(Step::DeleteCluster)),
            Stage::Written if self.manner.purge => Ok(Next::Do(Step::MarkPurged)),
            Stage::Detached | Stage::Complete if self.manner.purge => Err(Failure::new(
                "the data is detached already and cannot be given up in the same step",
            )
            .hint(format!(
                "finish without --purge, then: kubectl daap purge {} -n {}",
                self.name,
                self.k8s.namespace()
            ))),
            Stage::Written if nothing_planned && world.keepable(cluster).volumes.is_empty() => {
                // Nothing that a restore could bring back, and the record says so.
                Ok(Next::Do(Step::MarkPurged))
            }
            Stage::Written if nothing_planned => Ok(Next::Do(Step::Retain)),
            _ if owned => Ok(Next::Do(Step::Detach)),
            Stage::Written => Ok(Next::Do(Step::MarkDetached)),
            Stage::Detached | Stage::Complete => match world.still_owned(cluster.uid()).next() {
                Some(_) => Ok(Next::Do(Step::Detach)),
                None => Ok(Next::Do(Step::DeleteCluster)),
            },
        }
    }

    /// Stops PostgreSQL where its data is to be kept; none where everything is as it should be.
    fn stop_instances(
        &mut self,
        world: &World,
        cluster: View<'_>,
    ) -> Result<Option<Next<Step>>, Failure> {
        let given_up = self.manner.purge
            || world
                .tombstone()
                .is_some_and(|tombstone| tombstone.stage == Stage::Purged);
        // Volumes that were never ready hold no database: nothing has to be shut down cleanly.
        if given_up || world.keepable(cluster).volumes.is_empty() {
            return Ok(None);
        }
        if self.manner.force {
            if cluster.annotation(cnpg::FENCED_INSTANCES) != Some(world::ALL_INSTANCES) {
                return Ok(Some(Next::Do(Step::Fence)));
            }
            let since = *self.fenced_since.get_or_insert_with(Instant::now);
            if world::ready_instances(cluster) > 0 && since.elapsed() < FENCING {
                return Ok(Some(Next::Wait(
                    "waiting until PostgreSQL has stopped".into(),
                )));
            }
        }
        if cluster.annotation(cnpg::HIBERNATION) != Some("on") {
            return Ok(Some(Next::Do(Step::Hibernate)));
        }
        if self.manner.force || world::is_hibernated(cluster) {
            return Ok(None);
        }
        self.wait_for_hibernation(cluster).map(Some)
    }

    fn wait_for_hibernation(&mut self, cluster: View<'_>) -> Result<Next<Step>, Failure> {
        if world::hibernation_reason(cluster) != Some("WaitingForHealthy") {
            self.unwell_since = None;
            return Ok(Next::Wait(
                "waiting until the instances have stopped".into(),
            ));
        }
        let phase = cluster.text("/status/phase").unwrap_or("no phase yet");
        let since = *self.unwell_since.get_or_insert_with(Instant::now);
        if since.elapsed() < UNWELL {
            return Ok(Next::Wait(format!(
                "waiting until the cluster is well enough to hibernate: {phase}"
            )));
        }
        Err(Failure::new(format!(
            "database/{} cannot hibernate, because its cluster is not healthy: {phase}",
            self.name
        ))
        .hint(format!(
            "stop PostgreSQL first: kubectl daap delete {0} --force -n {1}; or give up the data: kubectl daap delete {0} --purge -n {1}",
            self.name,
            self.k8s.namespace()
        )))
    }

    async fn refuse_dependents(&mut self, cluster: View<'_>) -> Result<(), Failure> {
        if !self.dependents_checked {
            world::refuse_dependents(&self.k8s, cluster, &self.name).await?;
            self.dependents_checked = true;
        }
        Ok(())
    }

    async fn write_tombstone(&self, world: &World, cluster: View<'_>) -> Result<(), Failure> {
        let id = cluster
            .label(label::ID)
            .and_then(|id| DatabaseId::parse(id).ok())
            .ok_or_else(|| {
                Failure::new(format!(
                    "cluster {} has no readable {}",
                    cluster.name(),
                    label::ID
                ))
                .hint("ask an administrator to repair its labels")
            })?;
        let user = self.k8s.user().await?;
        let deletion = Deletion {
            by: &user,
            reason: self.manner.reason.as_deref(),
            at: Timestamp::now(),
            retention_days: Policy::default().retention_days,
        };
        let tombstone = Tombstone::of(cluster, world.pooler.as_ref().map(View), deletion);
        let config_map = tombstone.config_map(cluster, &self.name, &id, deletion);
        self.k8s.create(Kind::ConfigMap, &config_map, false).await?;
        Ok(())
    }

    async fn move_stage(&self, world: &World, stage: Stage) -> Result<(), Failure> {
        self.rewrite(world, |tombstone| tombstone.stage = stage)
            .await
    }

    async fn rewrite(
        &self,
        world: &World,
        change: impl FnOnce(&mut Tombstone),
    ) -> Result<(), Failure> {
        let (Some(config_map), Some(mut tombstone)) = (&world.tombstone, world.tombstone()) else {
            return Ok(());
        };
        change(&mut tombstone);
        let patch = annotate(&[(annotation::TOMBSTONE, tombstone.to_annotation().into())]);
        self.k8s
            .merge(Kind::ConfigMap, View(config_map).name(), &patch, false)
            .await?;
        Ok(())
    }

    /// Takes what is kept out of the Cluster's hands; what is owned and not kept is removed, as the
    /// garbage collector would.
    async fn detach(&self, world: &World, cluster: View<'_>) -> Result<(), Failure> {
        let retained = world
            .tombstone()
            .map(|tombstone| tombstone.retained)
            .unwrap_or_default();
        let mut none = json!({});
        map_at(&mut none, &["metadata"]).insert("ownerReferences".into(), Value::Null);
        for volume in world.still_owned(cluster.uid()) {
            if retained.volumes.iter().any(|kept| kept == volume.name()) {
                self.k8s
                    .merge(Kind::Volume, volume.name(), &none, false)
                    .await?;
            } else {
                self.k8s
                    .delete(Kind::Volume, volume.name(), volume.uid(), false)
                    .await?;
            }
        }
        for secret in world
            .secrets
            .iter()
            .map(View)
            .filter(|secret| secret.is_owned_by(cluster.uid()))
        {
            if retained.secrets.iter().any(|kept| kept == secret.name()) {
                self.k8s
                    .merge(Kind::Secret, secret.name(), &none, false)
                    .await?;
            }
        }
        Ok(())
    }
}

impl Operation for Delete {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        World::read(&self.k8s, &self.name).await
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            let next = self.after_cluster(world)?;
            self.begun = true;
            return Ok(next);
        };
        if cluster.label(label::NAME) != Some(self.name.as_str()) {
            return Err(self.not_found());
        }
        self.begun = true;
        if cluster.is_being_deleted() {
            return Ok(Next::Wait("waiting until the cluster is gone".into()));
        }
        let pending = cluster
            .annotation(annotation::PENDING)
            .and_then(Pending::parse);
        if pending.is_none_or(|pending| {
            pending.operation != OperationName::Delete || pending.error.is_some()
        }) {
            return Ok(Next::Do(Step::Mark));
        }
        if world.tombstone.is_none() {
            // Before the Pooler goes: a restore needs its spec.
            return Ok(Next::Do(Step::WriteTombstone));
        }
        match world.pooler.as_ref().map(View) {
            Some(pooler) if pooler.is_being_deleted() => {
                return Ok(Next::Wait("waiting until the pooler is gone".into()));
            }
            Some(_) => return Ok(Next::Do(Step::DeletePooler)),
            None => {}
        }
        match self.stop_instances(world, cluster)? {
            Some(next) => Ok(next),
            None => self.before_removal(world, cluster),
        }
    }

    async fn perform(&mut self, step: Step, world: &World) -> Result<(), Failure> {
        if step == Step::Complete {
            return self
                .rewrite(world, |tombstone| world.complete(tombstone))
                .await;
        }
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Ok(());
        };
        let patch = |next, key| Self::marking(cluster, next, key);
        let name = cluster.name();
        match step {
            Step::Mark => {
                self.refuse_dependents(cluster).await?;
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::DeletePooler, None), false)
                    .await?;
            }
            Step::DeletePooler => {
                self.refuse_dependents(cluster).await?;
                if let Some(pooler) = world.pooler.as_ref().map(View) {
                    self.k8s
                        .delete(Kind::Pooler, pooler.name(), pooler.uid(), false)
                        .await?;
                }
            }
            Step::Fence => {
                let fenced = Some((cnpg::FENCED_INSTANCES, world::ALL_INSTANCES));
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::Hibernate, fenced), false)
                    .await?;
            }
            Step::Hibernate => {
                let docked = Some((cnpg::HIBERNATION, "on"));
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::Detach, docked), false)
                    .await?;
            }
            Step::WriteTombstone => self.write_tombstone(world, cluster).await?,
            Step::Retain => {
                let keepable = world.keepable(cluster);
                self.rewrite(world, |tombstone| tombstone.retained = keepable)
                    .await?;
            }
            Step::Detach => self.detach(world, cluster).await?,
            Step::MarkDetached => self.move_stage(world, Stage::Detached).await?,
            Step::MarkPurged => self.move_stage(world, Stage::Purged).await?,
            Step::DeleteCluster => {
                self.k8s
                    .delete(Kind::Cluster, name, cluster.uid(), false)
                    .await?;
            }
            Step::Complete => {}
        }
        Ok(())
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        let pending = Self::pending(None, "delete", Some(failure.one_line()));
        let patch = annotate(&[(annotation::PENDING, pending.into())]);
        // That it is refused changes nothing: the failure is what the user has to know.
        let _ = self
            .k8s
            .merge(Kind::Cluster, &self.name.cluster(), &patch, false)
            .await;
        failure
            .context(format!("database/{} is not deleted", self.name))
            .hint(self.unfinished())
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not deleted", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "nothing is lost: the same command again goes on; look at it with: kubectl daap get {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}
