//! Destroying what a deleted database left; its record stays.

use std::fmt;

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::tombstone::{Stage, Tombstone};
use futures::future::{try_join, try_join_all};
use serde_json::Value;

use super::{Next, Operation};
use crate::database::tombstones;
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes, Right, annotate};

/// What every step needs.
pub(crate) const RIGHTS: [Right; 5] = [
    Right::to("list", Kind::ConfigMap),
    Right::to("patch", Kind::ConfigMap),
    Right::to("list", Kind::Volume),
    Right::to("delete", Kind::Volume),
    Right::to("delete", Kind::Secret),
];

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    DeleteData,
    MarkPurged,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::DeleteData => "destroying the volumes and Secrets",
            Self::MarkPurged => "updating the record",
        })
    }
}

/// What is read before each step.
#[derive(Debug)]
pub(crate) struct World {
    cluster: Option<Value>,
    /// Tombstones that say that data is kept.
    tombstones: Vec<Value>,
    data: Vec<(Kind, Value)>,
}

/// The operation.
pub(crate) struct Purge {
    k8s: Kubernetes,
    name: DatabaseName,
    /// The beginning of the id of the only one that is meant.
    id: Option<String>,
    begun: bool,
    /// Volumes that were destroyed, with their classes.
    pub(crate) destroyed: Vec<Value>,
}

impl Purge {
    pub(crate) fn new(k8s: Kubernetes, name: DatabaseName, id: Option<String>) -> Self {
        Self {
            k8s,
            name,
            id,
            begun: false,
            destroyed: Vec::new(),
        }
    }

    /// Fails where there is nothing to purge, or it may not be.
    pub(crate) async fn check(&mut self) -> Result<(), Failure> {
        let world = self.observe().await?;
        self.next(&world)?;
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
            .filter(|found| Tombstone::read(View(found)).is_some_and(|read| read.keeps_data()))
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
        let Some(config_map) = world.tombstones.first() else {
            if self.begun {
                return Ok(Next::Done);
            }
            return Err(Failure::new(format!(
                "no deleted database '{name}' has data kept in namespace {namespace}"
            ))
            .class(Class::NotFound)
            .hint("list what is kept: kubectl daap list --deleted"));
        };
        if let Some(cluster) = world.cluster.as_ref().map(View) {
            return Err(Failure::new(format!(
                "cluster {} exists: its data is in use",
                cluster.name()
            ))
            .hint(format!(
                "delete it first: kubectl daap delete {name} -n {namespace}"
            )));
        }
        let stage = Tombstone::read(View(config_map)).map(|tombstone| tombstone.stage);
        if stage != Some(Stage::Complete) {
            return Err(
                Failure::new(format!("the deletion of database/{name} is not finished")).hint(
                    format!("finish it first: kubectl daap delete {name} -n {namespace}"),
                ),
            );
        }
        self.begun = true;
        if world
            .data
            .iter()
            .any(|(_, object)| !View(object).is_being_deleted())
        {
            return Ok(Next::Do(Step::DeleteData));
        }
        match world.data.first() {
            Some((kind, object)) => Ok(Next::Wait(format!(
                "waiting until {kind} {} is gone",
                View(object).name()
            ))),
            None => Ok(Next::Do(Step::MarkPurged)),
        }
    }

    async fn perform(&mut self, step: Step, world: &World) -> Result<(), Failure> {
        match step {
            Step::DeleteData => {
                for (kind, object) in &world.data {
                    if *kind == Kind::Volume && !self.destroyed.contains(object) {
                        self.destroyed.push(object.clone());
                    }
                    let object = View(object);
                    self.k8s
                        .delete(*kind, object.name(), object.uid(), false)
                        .await?;
                }
            }
            Step::MarkPurged => {
                for config_map in &world.tombstones {
                    let view = View(config_map);
                    if let Some(mut tombstone) = Tombstone::read(view) {
                        tombstone.stage = Stage::Purged;
                        let patch =
                            annotate(&[(annotation::TOMBSTONE, tombstone.to_annotation().into())]);
                        self.k8s
                            .merge(Kind::ConfigMap, view.name(), &patch, false)
                            .await?;
                    }
                }
            }
        }
        Ok(())
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
