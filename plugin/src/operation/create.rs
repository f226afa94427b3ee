//! Creating a database.

mod asked;
mod plan;
mod step;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::DatabaseId;
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::policy::Defaults;
use futures::future::try_join;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::pair::Pair;
use super::pooler::{self, Pooler as Whose};
use super::{Next, Operation, dock, policy, stamps};
use crate::database::tombstones;
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, annotate};
use crate::output::stderr_line;
pub(crate) use asked::Asked;
use step::Step;

/// What is read before each step.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) cluster: Option<Value>,
    pub(crate) pooler: Option<Value>,
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

    /// The Cluster as it is first written. A dry run tells whether a webhook fills in the storage;
    /// where none does, our default goes in.
    async fn first_cluster(&self) -> Result<Value, Failure> {
        let mut cluster = self.asked.cluster(self.k8s.namespace(), self.id);
        set_annotation(
            &mut cluster,
            annotation::PENDING,
            self.pending(Step::ApplyPooler).to_annotation(),
        );
        if self.asked.storage.is_none() {
            let tried = self.k8s.create(Kind::Cluster, &cluster, true).await;
            let size = tried
                .ok()
                .and_then(|tried| View(&tried).text("/spec/storage/size").map(str::to_owned))
                .unwrap_or_else(|| Defaults::default().storage.to_string());
            map_at(&mut cluster, &["spec", "storage"]).insert("size".into(), size.into());
        }
        Ok(cluster)
    }

    /// Admission judges before the API server sees that the name is taken: what another creation has
    /// just made is refused as lying under our names, and is no reason that helps anybody.
    async fn faster(&self, failure: Failure, cluster: &Value) -> Failure {
        let name = self.asked.name.cluster();
        match self.k8s.get(Kind::Cluster, &name).await {
            Ok(Some(_)) => failure.class(Class::Exists),
            _ => policy::and_complaints(&self.k8s, failure, cluster).await,
        }
    }

    async fn resume(&mut self, cluster: &Value) -> Result<(), Failure> {
        let mut patch = plan::cluster_patch(&self.asked, cluster);
        set_annotation(
            &mut patch,
            annotation::PENDING,
            self.pending(Step::ApplyPooler).to_annotation(),
        );
        if View(cluster).annotation(cnpg::HIBERNATION).is_some() {
            map_at(&mut patch, &["metadata", "annotations"])
                .insert(cnpg::HIBERNATION.into(), Value::Null);
        }
        self.k8s
            .merge(Kind::Cluster, View(cluster).name(), &patch, false)
            .await?;
        self.reconciled = true;
        Ok(())
    }

    async fn adopt_pooler(&mut self, cluster: &Value, pooler: &Value) -> Result<(), Failure> {
        let mut patch = plan::pooler_patch(&self.asked, pooler);
        if View(pooler).owner_references().is_empty() {
            json_patch::merge(&mut patch, &pooler::owned(View(cluster)));
        }
        self.k8s
            .merge(Kind::Pooler, View(pooler).name(), &patch, false)
            .await?;
        self.pooler_reconciled = true;
        Ok(())
    }
}

impl Operation for Create {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let name = &self.asked.name;
        let (Pair { cluster, pooler }, tombstones) =
            try_join(Pair::read(&self.k8s, name), tombstones(&self.k8s, name)).await?;
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

    async fn perform(&mut self, step: Step, world: &World) -> Result<(), Failure> {
        let cluster = world.cluster.as_ref();
        match (step, cluster, world.pooler.as_ref()) {
            (Step::ApplyCluster, ..) => {
                let object = self.first_cluster().await?;
                // A creation whose answer was lost is found by its id when the world is read again.
                match self.k8s.create(Kind::Cluster, &object, false).await {
                    Err(failure) if failure.is_hard() => {
                        return Err(self.faster(failure, &object).await);
                    }
                    result => result?,
                };
                (self.ours, self.reconciled) = (true, true);
            }
            (Step::Resume, Some(cluster), _) => self.resume(cluster).await?,
            (Step::ApplyPooler, Some(cluster), _) => {
                let desired = self.asked.desired(self.k8s.namespace(), self.id);
                let mut pooler = desired.pooler(View(cluster).uid());
                // The Cluster's team, should the webhook have had another opinion than we.
                if let Some(team) = View(cluster).label(label::OWNER_TEAM) {
                    daap_crds::object::set_label(&mut pooler, label::OWNER_TEAM, team);
                }
                self.k8s.create(Kind::Pooler, &pooler, false).await?;
                self.pooler_reconciled = true;
            }
            (Step::AdoptPooler, Some(cluster), Some(pooler)) => {
                self.adopt_pooler(cluster, pooler).await?;
            }
            (Step::Stamp, Some(cluster), _) => {
                stderr_line(stamps::NO_WEBHOOK);
                stamps::write(&self.k8s, cluster, None).await?;
                self.stamped = true;
            }
            (Step::Finish, Some(cluster), _) => {
                let patch = annotate(&[(annotation::PENDING, Value::Null)]);
                self.k8s
                    .merge(Kind::Cluster, View(cluster).name(), &patch, false)
                    .await?;
            }
            _ => {}
        }
        Ok(())
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
