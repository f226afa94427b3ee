//! Bringing a deleted database back: with its data, its id and its password.

mod apply;
mod begin;
mod plan;
mod step;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::pending::{OperationName, Pending};
use daap_crds::tombstone::Tombstone;
use futures::future::try_join3;
use jiff::Timestamp;
use serde_json::Value;

use super::delete::uses_volume;
use super::pair::Pair;
use super::pooler::{self, Pooler as Whose};
use super::retained::{self, Kept};
use super::{Next, Operation, dock, stamps};
use crate::database::tombstones;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, annotate};
pub(crate) use step::RIGHTS;
use step::Step;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// The beginning of an id, where several generations of a name exist.
    pub(crate) id: Option<String>,
    /// Another image of the same PostgreSQL.
    pub(crate) image: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

/// How far a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// The Cluster has its volumes again: the tombstone stays.
    Adopted,
    /// The tombstone is gone, and the record says that nothing is pending.
    Finished,
}

/// What is known before each step.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cluster: Option<Value>,
    pooler: Option<Value>,
    tombstones: Vec<Value>,
    kept: Kept,
    /// Pods that use the volumes: of an earlier Cluster, while there is none.
    pods: Vec<Value>,
}

/// The operation.
pub(crate) struct Restore {
    k8s: Kubernetes,
    name: DatabaseName,
    wish: Wish,
    pub(crate) until: Until,
    since: Timestamp,
    /// Whether the Cluster is known to be this restore's.
    ours: bool,
    resumed: bool,
    stamped: bool,
}

impl Restore {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, wish: Wish) -> Self {
        Self {
            k8s,
            name,
            wish,
            until: Until::Adopted,
            since: Timestamp::now(),
            ours: false,
            resumed: false,
            stamped: false,
        }
    }

    fn pending(&self, step: Step) -> Pending {
        Pending {
            operation: OperationName::Restore,
            step: step.name().to_owned(),
            since: self.since,
            error: None,
        }
    }

    /// The tombstone that this restore goes by.
    fn tombstone<'a>(&self, world: &'a World) -> Result<Option<&'a Value>, Failure> {
        match &world.cluster {
            // Once it lives, its id decides.
            Some(cluster) => Ok(world.tombstones.iter().find(|tombstone| {
                View(tombstone).label(label::ID) == View(cluster).label(label::ID)
            })),
            None => plan::choose(&self.name, self.wish.id.as_deref(), &world.tombstones),
        }
    }

    /// From the applied objects to the end.
    fn after_objects(
        &self,
        world: &World,
        cluster: View<'_>,
        tombstone: Option<View<'_>>,
    ) -> Next<Step> {
        if !world.kept.unowned_others().is_empty() {
            return Next::Do(Step::Own);
        }
        if !self.stamped && stamps::are_missing(cluster) {
            return Next::Do(Step::Stamp);
        }
        if tombstone.is_some() && !world.kept.unowned_volumes().is_empty() {
            return Next::Wait("waiting until the cluster has its volumes again".into());
        }
        if self.until == Until::Adopted {
            return Next::Done;
        }
        if tombstone.is_some() {
            return Next::Do(Step::RemoveTombstone);
        }
        if cluster.annotation(annotation::PENDING).is_some() {
            return Next::Do(Step::Finish);
        }
        Next::Done
    }
}

impl Operation for Restore {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let of_cluster = format!("{}={}", cnpg::CLUSTER, self.name.cluster());
        let (Pair { cluster, pooler }, tombstones, pods) = try_join3(
            Pair::read(&self.k8s, &self.name),
            tombstones(&self.k8s, &self.name),
            self.k8s.list(Kind::Pod, &of_cluster),
        )
        .await?;
        let mut world = World {
            cluster,
            pooler,
            tombstones,
            kept: Kept::default(),
            pods: pods
                .into_iter()
                .filter(|pod| uses_volume(View(pod)))
                .collect(),
        };
        let chosen = self.tombstone(&world)?.map(View);
        if let Some(tombstone) = chosen.and_then(Tombstone::read) {
            world.kept = Kept::read(&self.k8s, &tombstone.retained).await?;
        }
        Ok(world)
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return self.before_cluster(world);
        };
        let tombstone = self.tombstone(world)?.map(View);
        if cluster.is_being_deleted() {
            return Ok(Next::Wait(
                "waiting until an earlier cluster of this name is gone".into(),
            ));
        }
        if !self.ours {
            self.recognise(cluster, tombstone)?;
        }
        if !self.resumed && self.needs_resume(cluster) {
            return Ok(Next::Do(Step::Resume));
        }
        let Some(found) = world.pooler.as_ref().map(View) else {
            return Ok(Next::Do(Step::ApplyPooler));
        };
        match pooler::whose(found, cluster) {
            Whose::Unowned => Ok(Next::Do(Step::AdoptPooler)),
            Whose::Leaving => Ok(Next::Wait(
                "waiting until the pooler of an earlier database is gone".into(),
            )),
            Whose::Foreign => Err(pooler::foreign(found)),
            Whose::Ours => Ok(self.after_objects(world, cluster, tombstone)),
        }
    }

    async fn perform(&mut self, step: Step, mut world: World) -> Result<Option<World>, Failure> {
        if step == Step::ApplyCluster {
            let cluster = self.first_cluster(&world).await?;
            let cluster = self.k8s.create(Kind::Cluster, &cluster).await?;
            (self.ours, self.resumed) = (true, true);
            world.cluster = Some(cluster);
            return Ok(Some(world));
        }
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Ok(None);
        };
        match step {
            Step::ApplyCluster => {}
            Step::Resume => {
                world.cluster = Some(self.resume(cluster, &world.pods).await?);
            }
            Step::ApplyPooler => {
                world.pooler = Some(self.apply_pooler(&world, cluster).await?);
            }
            Step::AdoptPooler => {
                let patch = pooler::owned(cluster);
                let adopted = self
                    .k8s
                    .merge(Kind::Pooler, &self.name.pooler(), &patch)
                    .await?;
                world.pooler = Some(adopted);
            }
            Step::Own => {
                retained::own(&self.k8s, cluster, &world.kept.unowned_others()).await?;
                // Meanwhile the operator has taken the volumes.
                return Ok(None);
            }
            Step::Stamp => {
                let tombstone = self.tombstone(&world)?;
                let stamped = stamps::write(&self.k8s, cluster.0, tombstone).await?;
                world.cluster = Some(stamped);
                self.stamped = true;
            }
            Step::RemoveTombstone => {
                if let Some(tombstone) = self.tombstone(&world)?.map(View) {
                    self.k8s
                        .delete(Kind::ConfigMap, tombstone.name(), tombstone.uid())
                        .await?;
                    let uid = tombstone.uid().to_owned();
                    world.tombstones.retain(|other| View(other).uid() != uid);
                }
            }
            Step::Finish => {
                let patch = annotate(&[(annotation::PENDING, Value::Null)]);
                let finished = self
                    .k8s
                    .merge(Kind::Cluster, cluster.name(), &patch)
                    .await?;
                world.cluster = Some(finished);
            }
        }
        Ok(Some(world))
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        if !self.ours {
            return failure.context(format!("database/{} not restored", self.name));
        }
        dock::dock(
            &self.k8s,
            &self.name,
            self.pending(Step::ApplyPooler),
            failure,
        )
        .await
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not restored", self.name)
    }

    fn unfinished(&self) -> String {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        if !self.ours {
            return format!(
                "nothing is lost: the same command again tries once more; what is kept is listed by: kubectl daap get {name} --deleted -n {namespace}"
            );
        }
        format!(
            "nothing is lost: the same command again finishes it; look at it with: kubectl daap get {name} -n {namespace}"
        )
    }
}
