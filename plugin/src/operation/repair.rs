//! Bringing a database back to what its record says, and undoing a deletion that stopped half-way.

mod step;
mod write_back;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::drift;
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::tombstone::Tombstone;
use futures::future::try_join;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::pair::Pair;
use super::pooler::{self, Pooler as Whose};
use super::retained::{self, Kept};
use super::{Next, Operation, stamps};
use crate::database::tombstones;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, annotate};
use crate::output::stderr_line;
use step::Step;

/// What is known before each step.
#[derive(Debug)]
pub(crate) struct World {
    cluster: Option<Value>,
    pooler: Option<Value>,
    /// Of this id: left by a deletion that was undone, or by a restore.
    tombstone: Option<Value>,
    kept: Kept,
}

/// The operation.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says that one step was taken in this run"
)]
pub(crate) struct Repair {
    k8s: Kubernetes,
    name: DatabaseName,
    /// Whether a deletion is undone.
    abort: bool,
    /// Whether anything was written.
    pub(crate) changed: bool,
    written_back: bool,
    stamped: bool,
}

impl Repair {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, abort: bool) -> Self {
        Self {
            k8s,
            name,
            abort,
            changed: false,
            written_back: false,
            stamped: false,
        }
    }

    fn pending(step: Step, error: Option<String>) -> Value {
        let pending = Pending {
            operation: OperationName::Repair,
            step: step.name().to_owned(),
            since: Timestamp::now(),
            error,
        };
        pending.to_annotation().into()
    }

    /// Fails where this is not the command for what the database needs.
    fn refuse(&self, cluster: View<'_>) -> Result<(), Failure> {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        if cluster.is_being_deleted() {
            return Err(Failure::new(format!(
                "database/{name} is being removed: it is too late to keep it"
            ))
            .hint(format!(
                "once it is gone, bring it back: kubectl daap restore {name} -n {namespace}"
            )));
        }
        let operation = pending_of(cluster).map(|pending| pending.operation);
        match operation {
            Some(OperationName::Delete) if !self.abort => Err(Failure::new(format!(
                "the deletion of database/{name} is not finished"
            ))
            .hint(format!(
                "finish it: kubectl daap delete {name} -n {namespace}; or undo it: kubectl daap repair {name} --abort -n {namespace}"
            ))),
            // Its own undoing was cut off: it goes on.
            Some(OperationName::Delete | OperationName::Repair) => Ok(()),
            _ if self.abort && !self.changed => Err(Failure::new(format!(
                "database/{name} is not being deleted: there is nothing to undo"
            ))),
            Some(operation @ (OperationName::Create | OperationName::Restore)) => {
                Err(Failure::new(format!(
                    "the {operation} of database/{name} is not finished"
                ))
                .hint(format!(
                    "finish it: kubectl daap {operation} {name} -n {namespace}"
                )))
            }
            _ => Ok(()),
        }
    }

    fn without_cluster(&self, world: &World) -> Failure {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        if self.abort && world.tombstone.is_some() {
            return Failure::new(format!(
                "database/{name} is deleted already: it is too late to undo that"
            ))
            .hint(format!(
                "bring it back: kubectl daap restore {name} -n {namespace}; it says what is missing"
            ));
        }
        match world.pooler.as_ref().map(View) {
            Some(pooler) if pooler.owner_references().is_empty() => Failure::new(format!(
                "cluster {} was removed behind our back, and the record with it; only pooler {} is left",
                name.cluster(),
                pooler.name()
            ))
            .hint(format!(
                "see what is left of its data: kubectl get pvc -l {}={} -n {namespace}; an administrator has to decide what becomes of it",
                cnpg::CLUSTER,
                name.cluster()
            )),
            _ => crate::commands::not_found(name, &self.k8s),
        }
    }

    /// What is still to be done once the Cluster is its own again.
    fn after_cluster(&mut self, world: &World, cluster: View<'_>) -> Result<Next<Step>, Failure> {
        if !self.written_back && !write_back::of_cluster(cluster).is_empty() {
            return Ok(Next::Do(Step::WriteBack));
        }
        if !self.stamped && stamps::are_missing(cluster) {
            return Ok(Next::Do(Step::Stamp));
        }
        let Some(found) = world.pooler.as_ref().map(View) else {
            return Ok(Next::Do(Step::ApplyPooler));
        };
        match pooler::whose(found, cluster) {
            Whose::Foreign => return Err(pooler::foreign(found)),
            Whose::Leaving => {
                return Ok(Next::Wait(
                    "waiting until the pooler of an earlier database is gone".into(),
                ));
            }
            Whose::Unowned => return Ok(Next::Do(Step::WriteBackPooler)),
            Whose::Ours if !drift::of_database(cluster, Some(found)).1.is_empty() => {
                return Ok(Next::Do(Step::WriteBackPooler));
            }
            Whose::Ours => {}
        }
        if world.tombstone.is_some() {
            return Ok(Next::Do(Step::RemoveTombstone));
        }
        if cluster.annotation(annotation::PENDING).is_some() {
            return Ok(Next::Do(Step::Finish));
        }
        Ok(Next::Done)
    }

    async fn apply_pooler(&self, world: &World, cluster: View<'_>) -> Result<Value, Failure> {
        let kept = world
            .tombstone
            .as_ref()
            .and_then(|map| Tombstone::restored_pooler(View(map), cluster.uid()));
        let pooler = match kept {
            Some(pooler) => pooler,
            None => pooler::with_defaults(cluster, &self.name)?,
        };
        self.k8s.create(Kind::Pooler, &pooler).await
    }

    async fn merge(&self, kind: Kind, name: &str, patch: &Value) -> Result<Value, Failure> {
        self.k8s.merge(kind, name, patch).await
    }
}

fn pending_of(cluster: View<'_>) -> Option<Pending> {
    Pending::parse(cluster.annotation(annotation::PENDING)?)
}

impl Operation for Repair {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let (Pair { cluster, pooler }, tombstones) = try_join(
            Pair::read(&self.k8s, &self.name),
            tombstones(&self.k8s, &self.name),
        )
        .await?;
        let tombstone = match &cluster {
            Some(cluster) => tombstones.into_iter().find(|tombstone| {
                View(tombstone).label(label::ID) == View(cluster).label(label::ID)
            }),
            None => tombstones.into_iter().next_back(),
        };
        let retained = tombstone
            .as_ref()
            .and_then(|map| Tombstone::read(View(map)))
            .map(|tombstone| tombstone.retained);
        let kept = match retained.filter(|_| cluster.is_some()) {
            Some(retained) => Kept::read(&self.k8s, &retained).await?,
            None => Kept::default(),
        };
        Ok(World {
            cluster,
            pooler,
            tombstone,
            kept,
        })
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Err(self.without_cluster(world));
        };
        self.refuse(cluster)?;
        // First its volumes, then its pods: the other order makes CNPG call it unrecoverable.
        let unowned =
            !world.kept.unowned_volumes().is_empty() || !world.kept.unowned_others().is_empty();
        if unowned {
            return Ok(Next::Do(Step::Own));
        }
        let pending = pending_of(cluster);
        if pending.as_ref().is_some_and(|pending| {
            pending.operation == OperationName::Delete || pending.error.is_some()
        }) {
            return Ok(Next::Do(Step::Wake));
        }
        self.after_cluster(world, cluster)
    }

    async fn perform(&mut self, step: Step, mut world: World) -> Result<Option<World>, Failure> {
        let Some(cluster) = world.cluster.as_ref().map(View) else {
            return Ok(None);
        };
        let name = cluster.name();
        match step {
            Step::Own => {
                let mut objects = world.kept.unowned_volumes();
                objects.extend(world.kept.unowned_others());
                retained::own(&self.k8s, cluster, &objects).await?;
                self.changed = true;
                return Ok(None);
            }
            Step::Wake => {
                let mut patch =
                    annotate(&[(annotation::PENDING, Self::pending(Step::ApplyPooler, None))]);
                for key in [cnpg::HIBERNATION, cnpg::FENCED_INSTANCES] {
                    if cluster.annotation(key).is_some() {
                        map_at(&mut patch, &["metadata", "annotations"])
                            .insert(key.into(), Value::Null);
                    }
                }
                world.cluster = Some(self.merge(Kind::Cluster, name, &patch).await?);
            }
            Step::WriteBack => {
                if let Some(note) = write_back::note(cluster) {
                    stderr_line(&note);
                }
                let pending = Self::pending(Step::Finish, None);
                let patch = write_back::cluster_patch(cluster, pending);
                world.cluster = Some(self.merge(Kind::Cluster, name, &patch).await?);
                self.written_back = true;
            }
            Step::Stamp => {
                world.cluster = Some(stamps::write(&self.k8s, cluster.0, None).await?);
                self.stamped = true;
            }
            Step::ApplyPooler => {
                world.pooler = Some(self.apply_pooler(&world, cluster).await?);
            }
            Step::WriteBackPooler => {
                if let Some(found) = world.pooler.as_ref().map(View) {
                    let patch = write_back::pooler_patch(cluster, found);
                    world.pooler = Some(self.merge(Kind::Pooler, found.name(), &patch).await?);
                }
            }
            Step::RemoveTombstone => {
                if let Some(tombstone) = world.tombstone.as_ref().map(View) {
                    self.k8s
                        .delete(Kind::ConfigMap, tombstone.name(), tombstone.uid())
                        .await?;
                }
                world.tombstone = None;
            }
            Step::Finish => {
                let patch = annotate(&[(annotation::PENDING, Value::Null)]);
                world.cluster = Some(self.merge(Kind::Cluster, name, &patch).await?);
            }
        }
        self.changed = true;
        Ok(Some(world))
    }

    async fn stop(&mut self, failure: Failure) -> Failure {
        // Only what is marked as ours: a repair that was refused at once has changed nothing.
        if self.changed {
            let pending = Self::pending(Step::ApplyPooler, Some(failure.one_line()));
            let patch = annotate(&[(annotation::PENDING, pending)]);
            // That it is refused changes nothing: the failure is what the user has to know.
            let _ = self
                .merge(Kind::Cluster, &self.name.cluster(), &patch)
                .await;
        }
        failure
            .context(format!("database/{} is not repaired", self.name))
            .hint(self.unfinished())
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not repaired", self.name)
    }

    fn unfinished(&self) -> String {
        let abort = if self.abort { " --abort" } else { "" };
        format!(
            "nothing is lost: the same command again goes on: kubectl daap repair {}{abort} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}

/// What `repair` would write: pairs of what is there and what the record says.
pub(crate) fn differences(
    name: &DatabaseName,
    cluster: &Value,
    pooler: Option<&Value>,
) -> Result<Vec<(String, Value, Value)>, Failure> {
    let view = View(cluster);
    let recorded = write_back::target(view);
    let mut pairs = vec![(
        format!("cluster/{}", view.name()),
        cluster.clone(),
        recorded.clone(),
    )];
    let (found, target) = match pooler {
        Some(pooler) => (
            pooler.clone(),
            drift::recorded_pooler(View(&recorded), View(pooler)),
        ),
        None => (json!({}), pooler::with_defaults(view, name)?),
    };
    pairs.push((format!("pooler/{}", name.pooler()), found, target));
    Ok(pairs)
}
