//! Creating a database.

mod apply;
mod asked;
mod plan;
mod step;

use daap_crds::contract::annotation;
use daap_crds::names::DatabaseId;
use daap_crds::object::View;
use daap_crds::pending::{OperationName, Pending};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::pooler::{self, Pooler as Whose};
use super::{Next, Operation, dock, stamps};
use crate::database::tombstones;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, annotate};
pub(crate) use asked::Asked;
use step::Step;

/// What is known before each step.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cluster: Option<Value>,
    /// Looked for where there is a Cluster: it is none of ours without.
    pub(crate) pooler: Option<Value>,
    /// Looked for where there is no Cluster.
    tombstones: Vec<Value>,
}

/// The operation.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says that one step was taken in this run"
)]
pub(crate) struct Create {
    k8s: Kubernetes,
    asked: Asked,
    /// Ours; that of an earlier attempt once we resume it.
    id: DatabaseId,
    since: Timestamp,
    /// Whether the Cluster is known to be this creation's.
    ours: bool,
    /// Whether what exists has been brought to what is asked.
    reconciled: bool,
    pooler_reconciled: bool,
    stamped: bool,
}

impl Create {
    pub(crate) fn new(k8s: Kubernetes, asked: Asked) -> Self {
        let id = asked.id.unwrap_or_else(DatabaseId::random);
        Self {
            k8s,
            asked,
            id,
            since: Timestamp::now(),
            ours: false,
            reconciled: false,
            pooler_reconciled: false,
            stamped: false,
        }
    }

    fn pending(&self, step: Step) -> Pending {
        Pending {
            operation: OperationName::Create,
            step: step.name().to_owned(),
            since: self.since,
            error: None,
        }
    }
}

impl Operation for Create {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let name = &self.asked.name;
        let cluster = self.k8s.get(Kind::Cluster, &name.cluster()).await?;
        // In this order: a deletion writes its tombstone before the Cluster goes, so that one of both
        // is seen.
        let (pooler, tombstones) = match &cluster {
            Some(_) => (
                self.k8s.get(Kind::Pooler, &name.pooler()).await?,
                Vec::new(),
            ),
            None => (None, tombstones(&self.k8s, name).await?),
        };
        Ok(World {
            cluster,
            pooler,
            tombstones,
        })
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let Some(cluster) = &world.cluster else {
            if self.ours {
                return Err(Failure::new(format!(
                    "cluster {} was removed while it was created",
                    self.asked.name.cluster()
                ))
                .hint("run the same command again"));
            }
            plan::refuse_kept_data(&self.asked.name, &world.tombstones)?;
            return Ok(Next::Do(Step::ApplyCluster));
        };
        let view = View(cluster);
        if !self.ours {
            self.id = plan::resumable(&self.asked, self.id, view)?;
            self.ours = true;
            if let Some(pending) = view
                .annotation(annotation::PENDING)
                .and_then(Pending::parse)
            {
                self.since = pending.since;
            }
        }
        if view.is_being_deleted() {
            return Ok(Next::Wait(
                "waiting until an earlier cluster of this name is gone".into(),
            ));
        }
        if !self.reconciled && plan::needs_resume(&self.asked, view) {
            return Ok(Next::Do(Step::Resume));
        }
        self.reconciled = true;
        let Some(found) = &world.pooler else {
            return Ok(Next::Do(Step::ApplyPooler));
        };
        match pooler::whose(View(found), view) {
            Whose::Ours
                if self.pooler_reconciled
                    || plan::pooler_patch(&self.asked, found) == json!({}) => {}
            Whose::Ours | Whose::Unowned => return Ok(Next::Do(Step::AdoptPooler)),
            Whose::Leaving => {
                return Ok(Next::Wait(
                    "waiting until the pooler of an earlier database is gone".into(),
                ));
            }
            Whose::Foreign => return Err(pooler::foreign(View(found))),
        }
        if !self.stamped && stamps::are_missing(view) {
            return Ok(Next::Do(Step::Stamp));
        }
        if view.annotation(annotation::PENDING).is_some() {
            return Ok(Next::Do(Step::Finish));
        }
        Ok(Next::Done)
    }

    async fn perform(&mut self, step: Step, mut world: World) -> Result<Option<World>, Failure> {
        let cluster = world.cluster.as_ref();
        match (step, cluster, world.pooler.as_ref()) {
            (Step::ApplyCluster, ..) => world.cluster = Some(self.apply_cluster().await?),
            (Step::Resume, Some(cluster), _) => world.cluster = Some(self.resume(cluster).await?),
            (Step::ApplyPooler, Some(cluster), _) => {
                world.pooler = Some(self.apply_pooler(View(cluster)).await?);
            }
            (Step::AdoptPooler, Some(cluster), Some(pooler)) => {
                world.pooler = Some(self.adopt_pooler(cluster, pooler).await?);
            }
            (Step::Stamp, Some(cluster), _) => {
                world.cluster = Some(stamps::write(&self.k8s, cluster, None).await?);
                self.stamped = true;
            }
            (Step::Finish, Some(cluster), _) => {
                let patch = annotate(&[(annotation::PENDING, Value::Null)]);
                let finished = self
                    .k8s
                    .merge(Kind::Cluster, View(cluster).name(), &patch)
                    .await?;
                world.cluster = Some(finished);
            }
            _ => return Ok(None),
        }
        Ok(Some(world))
    }

    /// The Cluster is neither removed nor left running: it says why, and is docked.
    async fn stop(&mut self, failure: Failure) -> Failure {
        if !self.ours {
            return failure;
        }
        let pending = self.pending(Step::ApplyPooler);
        dock::dock(&self.k8s, &self.asked.name, pending, failure).await
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not created", self.asked.name)
    }

    fn unfinished(&self) -> String {
        let (name, namespace) = (&self.asked.name, self.k8s.namespace());
        if !self.ours {
            // Nothing is known to be there that could be looked at.
            return "the same command again tries once more, and finishes what it finds".into();
        }
        format!(
            "nothing is lost: the same command again finishes it; look at it with: kubectl daap get {name} -n {namespace}"
        )
    }
}

/// What is otherwise than it was asked for, for the user to see.
pub(crate) fn differences(asked: &Asked, world: &World) -> Vec<String> {
    plan::differences(asked, world.cluster.as_ref(), world.pooler.as_ref())
}
