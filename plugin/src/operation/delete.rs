//! Deleting a database: its record always stays, its data unless it is purged.

mod backups;
mod decide;
mod dependents;
mod step;
mod world;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::{DatabaseId, DatabaseName};
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::tombstone::{Deletion, Retained, Stage, Tombstone};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Next, Operation, policy};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, annotate};
use crate::output::stderr_line;
pub(crate) use dependents::refuse as refuse_dependents;
pub(crate) use step::RIGHTS;
use step::Step;
pub(crate) use world::World;
pub(super) use world::uses_volume;

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
    /// Claims that went with the Cluster.
    pub(crate) destroyed: Vec<Value>,
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
            destroyed: Vec::new(),
            begun: false,
            dependents_checked: false,
            fenced_since: None,
            unwell_since: None,
        }
    }

    /// Looks for what else uses the database and, where the `server` is to judge, lets admission judge the
    /// first write; writes nothing.
    pub(crate) async fn dry_run(&mut self, server: bool) -> Result<(), Failure> {
        let world = self.observe().await?;
        let next = self.next(&world)?;
        let (Next::Do(Step::Mark), Some(cluster)) = (next, world.cluster.as_ref().map(View)) else {
            return Ok(());
        };
        self.refuse_dependents(cluster).await?;
        if server {
            let patch = Self::marking(cluster, Step::WriteTombstone, None);
            self.k8s
                .dry_run()
                .merge(Kind::Cluster, cluster.name(), &patch)
                .await?;
        }
        Ok(())
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

    async fn refuse_dependents(&mut self, cluster: View<'_>) -> Result<(), Failure> {
        if !self.dependents_checked {
            dependents::refuse(&self.k8s, cluster, &self.name).await?;
            self.dependents_checked = true;
        }
        Ok(())
    }

    async fn write_tombstone(&self, world: &World, cluster: View<'_>) -> Result<(), Failure> {
        if let Some(stale) = world.tombstone.as_ref().map(View) {
            // All that it says is in the history of the Cluster, which lives.
            self.k8s
                .delete(Kind::ConfigMap, stale.name(), stale.uid())
                .await?;
        }
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
        let policy = policy::read(&self.k8s).await?.unwrap_or_default();
        let deletion = Deletion {
            by: &user,
            reason: self.manner.reason.as_deref(),
            at: Timestamp::now(),
            retention_days: policy.retention_days,
        };
        let tombstone = Tombstone::of(cluster, world.pooler.as_ref().map(View), deletion);
        let config_map = tombstone.config_map(cluster, &self.name, &id, deletion);
        match self.k8s.create(Kind::ConfigMap, &config_map).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_denial() => {
                Err(self.faster(failure, View(&config_map).name()).await)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Admission judges before the API server sees that a tombstone is there: what another deletion
    /// has just written is refused as not fitting, and is no reason that helps anybody.
    async fn faster(&self, failure: Failure, tombstone: &str) -> Failure {
        match self.k8s.get(Kind::ConfigMap, tombstone).await {
            Ok(Some(_)) => failure.class(Class::Exists),
            _ => failure,
        }
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
        let mut patch = annotate(&[(annotation::TOMBSTONE, tombstone.to_annotation().into())]);
        // Two may delete at once, and a stage never goes back.
        let version = View(config_map).text("/metadata/resourceVersion");
        map_at(&mut patch, &["metadata"])
            .insert("resourceVersion".into(), version.unwrap_or_default().into());
        self.k8s
            .merge(Kind::ConfigMap, View(config_map).name(), &patch)
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
                self.k8s.merge(Kind::Volume, volume.name(), &none).await?;
            } else {
                self.k8s
                    .delete(Kind::Volume, volume.name(), volume.uid())
                    .await?;
            }
        }
        for (kind, object) in world.still_owned_of(&retained, cluster.uid()) {
            self.k8s.merge(kind, object.name(), &none).await?;
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
        if world.tombstone.is_none() || world.is_tombstone_stale() {
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

    /// Never goes by answers alone: others let go of what they hold meanwhile, and nothing is removed
    /// that has not been looked at just before.
    async fn perform(&mut self, step: Step, world: World) -> Result<Option<World>, Failure> {
        if step == Step::Complete {
            self.rewrite(&world, |tombstone| world.complete(tombstone))
                .await?;
            return Ok(None);
        }
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Ok(None);
        };
        let patch = |next, key| Self::marking(cluster, next, key);
        let name = cluster.name();
        match step {
            Step::Mark => {
                self.refuse_dependents(cluster).await?;
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::WriteTombstone, None))
                    .await?;
            }
            Step::DeletePooler => {
                self.refuse_dependents(cluster).await?;
                if let Some(pooler) = world.pooler.as_ref().map(View) {
                    self.k8s
                        .delete(Kind::Pooler, pooler.name(), pooler.uid())
                        .await?;
                }
            }
            Step::Fence => {
                let fenced = Some((cnpg::FENCED_INSTANCES, world::ALL_INSTANCES));
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::Hibernate, fenced))
                    .await?;
            }
            Step::Hibernate => {
                let docked = Some((cnpg::HIBERNATION, "on"));
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::Detach, docked))
                    .await?;
            }
            Step::WriteTombstone => {
                self.write_tombstone(&world, cluster).await?;
                // What is said to come next is what comes next, should we be killed here.
                self.k8s
                    .merge(Kind::Cluster, name, &patch(Step::DeletePooler, None))
                    .await?;
            }
            Step::Retain => {
                for kind in &world.backups.unseen {
                    stderr_line(&format!(
                        "Warning: you may not list {kind}; those that belong to the cluster go with it"
                    ));
                }
                let keepable = world.keepable(cluster);
                self.rewrite(&world, |tombstone| tombstone.retained = keepable)
                    .await?;
            }
            Step::Detach => self.detach(&world, cluster).await?,
            Step::MarkDetached => self.move_stage(&world, Stage::Detached).await?,
            Step::MarkPurged => {
                // What was planned to be kept goes with the Cluster.
                self.rewrite(&world, |tombstone| {
                    tombstone.stage = Stage::Purged;
                    tombstone.retained = Retained::default();
                })
                .await?;
            }
            Step::DeleteCluster => {
                self.k8s.delete(Kind::Cluster, name, cluster.uid()).await?;
                let owned = world.still_owned(cluster.uid());
                self.destroyed = owned.map(|claim| claim.0.clone()).collect();
            }
            Step::Complete => {}
        }
        Ok(None)
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        let pending = Self::pending(None, "delete", Some(failure.one_line()));
        let patch = annotate(&[(annotation::PENDING, pending.into())]);
        // That it is refused changes nothing: the failure is what the user has to know.
        let _ = self
            .k8s
            .merge(Kind::Cluster, &self.name.cluster(), &patch)
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
