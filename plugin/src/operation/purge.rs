//! Destroying what a deleted database left; its record stays.
//!
//! The record says so first: from then on no restore begins, and none that has begun meanwhile loses
//! its volumes. What the record still lists tells an unfinished purge from a finished one.

use std::fmt;
use std::time::Duration;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at};
use daap_crds::tombstone::{Retained, Stage, Tombstone};
use futures::future::{try_join, try_join_all};
use serde_json::Value;
use tokio::time::Instant;

use super::{Next, Operation};
use crate::database::tombstones;
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, Right, annotate};

/// How long nothing is destroyed once the record says that it will be: a restore that admission has
/// let in just before is stored within that time, and is seen.
const LET_IN: Duration = Duration::from_secs(2);

/// What every step needs.
pub(crate) const RIGHTS: [Right; 7] = [
    Right::to("get", Kind::Cluster),
    Right::to("list", Kind::ConfigMap),
    Right::to("patch", Kind::ConfigMap),
    Right::to("list", Kind::Volume),
    Right::to("delete", Kind::Volume),
    Right::to("get", Kind::Secret),
    Right::to("delete", Kind::Secret),
];

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    MarkPurged,
    TakeBack,
    DeleteData,
    Close,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::DeleteData => "destroying the volumes and Secrets",
            Self::MarkPurged | Self::TakeBack | Self::Close => "updating the record",
        })
    }
}

/// What is known before each step.
#[derive(Debug)]
pub(crate) struct World {
    cluster: Option<Value>,
    /// Tombstones that say that data is kept, or that it is being destroyed.
    tombstones: Vec<Value>,
    data: Vec<(Kind, Value)>,
}

/// How far this run has come by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// It has not seen yet that there is something to purge.
    New,
    /// It has.
    Begun,
    /// It has given the data up, and has destroyed nothing yet.
    GivenUp,
    /// It has brought it to its end.
    Closed,
}

/// The operation.
pub(crate) struct Purge {
    k8s: Kubernetes,
    name: DatabaseName,
    /// The beginning of the id of the only one that is meant.
    id: Option<String>,
    course: Course,
    /// Since when this run has seen that the record gives the data up.
    given_up_since: Option<Instant>,
    /// Volumes that were destroyed, with their classes.
    pub(crate) destroyed: Vec<Value>,
}

impl Purge {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, id: Option<String>) -> Self {
        Self {
            k8s,
            name,
            id,
            course: Course::New,
            given_up_since: None,
            destroyed: Vec::new(),
        }
    }

    /// Changes the tombstones as they were read: somebody else's change is looked at first.
    async fn rewrite(&self, world: &World, change: impl Fn(&mut Tombstone)) -> Result<(), Failure> {
        for config_map in &world.tombstones {
            let view = View(config_map);
            let Some(mut tombstone) = Tombstone::read(view) else {
                continue;
            };
            change(&mut tombstone);
            let mut patch = annotate(&[(annotation::TOMBSTONE, tombstone.to_annotation().into())]);
            let version = view.text("/metadata/resourceVersion").unwrap_or_default();
            map_at(&mut patch, &["metadata"]).insert("resourceVersion".into(), version.into());
            self.k8s.merge(Kind::ConfigMap, view.name(), &patch).await?;
        }
        Ok(())
    }

    /// What of the tombstone's data is still there.
    async fn data(
        &self,
        config_map: &Value,
        volumes: &[Value],
    ) -> Result<Vec<(Kind, Value)>, Failure> {
        let view = View(config_map);
        let Some(tombstone) = Tombstone::read(view) else {
            return Ok(Vec::new());
        };
        let id = view.label(label::ID);
        // By name and by id: another database's volume never goes, whatever a tombstone says.
        let ours = |object: &Value| {
            let object = View(object);
            object.owner_references().is_empty()
                && object
                    .label(label::ID)
                    .is_none_or(|found| Some(found) == id)
        };
        let mut data: Vec<(Kind, Value)> = volumes
            .iter()
            .filter(|volume| {
                tombstone
                    .retained
                    .volumes
                    .iter()
                    .any(|name| name == View(volume).name())
            })
            .filter(|volume| ours(volume))
            .map(|volume| (Kind::Volume, volume.clone()))
            .collect();
        let names = &tombstone.retained.secrets;
        let secrets = try_join_all(
            names
                .iter()
                .map(|name| self.k8s.get_metadata(Kind::Secret, name)),
        )
        .await?;
        data.extend(
            secrets
                .into_iter()
                .flatten()
                .filter(|secret| ours(secret))
                .map(|secret| (Kind::Secret, secret)),
        );
        Ok(data)
    }
}

fn is_concerned(tombstone: &Tombstone) -> bool {
    tombstone.keeps_data() || tombstone.is_being_purged()
}

fn stage(config_map: &Value) -> Option<Stage> {
    Tombstone::read(View(config_map)).map(|tombstone| tombstone.stage)
}

fn keeps_data(config_map: &Value) -> bool {
    Tombstone::read(View(config_map)).is_some_and(|tombstone| tombstone.keeps_data())
}

impl Operation for Purge {
    type World = World;
    type Step = Step;

    async fn observe(&self) -> Result<World, Failure> {
        let cluster_name = self.name.cluster();
        let of_cluster = format!("{}={cluster_name}", cnpg::CLUSTER);
        let (cluster, tombstones) = try_join(
            self.k8s.get(Kind::Cluster, &cluster_name),
            tombstones(&self.k8s, &self.name),
        )
        .await?;
        let tombstones: Vec<Value> = tombstones
            .into_iter()
            .filter(|found| Tombstone::read(View(found)).is_some_and(|read| is_concerned(&read)))
            .filter(|found| {
                let id = View(found).label(label::ID).unwrap_or_default();
                self.id.as_ref().is_none_or(|asked| id.starts_with(asked))
            })
            .collect();
        let volumes = self.k8s.list(Kind::Volume, &of_cluster).await?;
        let data = try_join_all(tombstones.iter().map(|found| self.data(found, &volumes))).await?;
        Ok(World {
            cluster,
            tombstones,
            data: data.into_iter().flatten().collect(),
        })
    }

    fn next(&mut self, world: &World) -> Result<Next<Step>, Failure> {
        let (name, namespace) = (&self.name, self.k8s.namespace());
        let in_use = |cluster: View<'_>| {
            Failure::new(format!(
                "cluster {} exists: its data is in use",
                cluster.name()
            ))
            .hint(format!(
                "delete it first: kubectl daap delete {name} -n {namespace}"
            ))
        };
        if world.tombstones.is_empty() {
            if self.course != Course::New {
                // A restore was faster, and has removed the tombstone already.
                return match &world.cluster {
                    Some(cluster) if self.course != Course::Closed => Err(in_use(View(cluster))),
                    _ => Ok(Next::Done),
                };
            }
            return Err(Failure::new(format!(
                "no deleted database '{name}' has data kept in namespace {namespace}"
            ))
            .class(Class::NotFound)
            .hint(format!(
                "list what is kept: kubectl daap list --deleted -n {namespace}"
            )));
        }
        let mut stages = world.tombstones.iter().map(stage);
        if let Some(cluster) = world.cluster.as_ref().map(View) {
            if self.course == Course::GivenUp && stages.any(|stage| stage == Some(Stage::Purged)) {
                return Ok(Next::Do(Step::TakeBack));
            }
            return Err(in_use(cluster));
        }
        if stages.any(|stage| !matches!(stage, Some(Stage::Complete | Stage::Purged))) {
            return Err(
                Failure::new(format!("the deletion of database/{name} is not finished")).hint(
                    format!("finish it first: kubectl daap delete {name} -n {namespace}"),
                ),
            );
        }
        if self.course == Course::New {
            self.course = Course::Begun;
        }
        if world.tombstones.iter().any(keeps_data) {
            return Ok(Next::Do(Step::MarkPurged));
        }
        let stays = |(_, object): &&(Kind, Value)| !View(object).is_being_deleted();
        if world.data.iter().any(|found| stays(&found)) {
            let since = *self.given_up_since.get_or_insert_with(Instant::now);
            if since.elapsed() < LET_IN {
                return Ok(Next::Wait("making sure that nobody restores it".into()));
            }
            return Ok(Next::Do(Step::DeleteData));
        }
        match world.data.first() {
            Some((kind, object)) => Ok(Next::Wait(format!(
                "waiting until {} {} is gone",
                kind.noun(),
                View(object).name()
            ))),
            None => Ok(Next::Do(Step::Close)),
        }
    }

    /// Never goes by answers alone: nothing is destroyed that has not been looked at just before.
    async fn perform(&mut self, step: Step, world: World) -> Result<Option<World>, Failure> {
        match step {
            Step::DeleteData => {
                // What is destroyed is not taken back.
                self.course = Course::Begun;
                for (kind, object) in &world.data {
                    if *kind == Kind::Volume && !self.destroyed.contains(object) {
                        self.destroyed.push(object.clone());
                    }
                    let object = View(object);
                    self.k8s.delete(*kind, object.name(), object.uid()).await?;
                }
            }
            Step::MarkPurged => {
                // Whether or not an answer comes.
                self.course = Course::GivenUp;
                self.rewrite(&world, |tombstone| tombstone.stage = Stage::Purged)
                    .await?;
            }
            // A restore was faster.
            Step::TakeBack => {
                self.rewrite(&world, |tombstone| tombstone.stage = Stage::Complete)
                    .await?;
                self.course = Course::Begun;
            }
            Step::Close => {
                self.rewrite(&world, |tombstone| tombstone.retained = Retained::default())
                    .await?;
                self.course = Course::Closed;
            }
        }
        Ok(None)
    }

    fn not_yet(&self) -> String {
        format!("database/{} is not purged", self.name)
    }

    fn unfinished(&self) -> String {
        format!(
            "the same command again goes on: kubectl daap purge {} -n {}",
            self.name,
            self.k8s.namespace()
        )
    }
}
