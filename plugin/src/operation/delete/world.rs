//! What a deletion knows before each step, and what follows from it.

use std::collections::{BTreeMap, BTreeSet};

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::tombstone::{Retained, Stage, Tombstone};
use futures::future::{try_join_all, try_join5};
use serde_json::Value;

use super::backups::Backups;
use crate::database::tombstones;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};

/// The value of `cnpg.io/fencedInstances` that means every instance.
pub(super) const ALL_INSTANCES: &str = r#"["*"]"#;
/// `cnpg.io/pvcStatus` of a volume that holds a whole database. One that is still initializing would
/// be adopted as ready, and the restored database would be empty.
const READY: &str = "ready";

/// The world of a deletion.
#[derive(Debug)]
pub(crate) struct World {
    pub(super) cluster: Option<Value>,
    pub(super) pooler: Option<Value>,
    pub(super) tombstone: Option<Value>,
    pub(super) volumes: Vec<Value>,
    pub(super) secrets: Vec<Value>,
    /// Backups and `VolumeSnapshots` that the Cluster owns; read once there is a tombstone.
    pub(super) backups: Backups,
    pub(super) pods_with_volumes: Vec<String>,
}

impl World {
    pub(super) async fn read(k8s: &Kubernetes, name: &DatabaseName) -> Result<Self, Failure> {
        let of_cluster = format!("{}={}", cnpg::CLUSTER, name.cluster());
        let (cluster_name, pooler_name) = (name.cluster(), name.pooler());
        let (cluster, pooler, tombstones, volumes, secrets) = try_join5(
            k8s.get(Kind::Cluster, &cluster_name),
            k8s.get(Kind::Pooler, &pooler_name),
            tombstones(k8s, name),
            k8s.list(Kind::Volume, &of_cluster),
            secrets(k8s, name),
        )
        .await?;
        let pods = if cluster.is_none() {
            k8s.list(Kind::Pod, &of_cluster).await?
        } else {
            Vec::new()
        };
        let tombstone = match &cluster {
            Some(cluster) => tombstones.into_iter().find(|tombstone| {
                View(tombstone).label(label::ID) == View(cluster).label(label::ID)
            }),
            None => tombstones.into_iter().next_back(),
        };
        let backups = match (&cluster, &tombstone) {
            (Some(cluster), Some(_)) if pooler.is_none() => {
                Backups::read(k8s, View(cluster).uid()).await?
            }
            _ => Backups::default(),
        };
        Ok(Self {
            backups,
            pods_with_volumes: pods
                .iter()
                .filter(|pod| uses_volume(View(pod)))
                .map(|pod| View(pod).name().to_owned())
                .collect(),
            cluster,
            pooler,
            tombstone,
            volumes,
            secrets,
        })
    }

    /// Whether the tombstone is of an earlier deletion, after which the database came back: the
    /// Cluster's own history has come further.
    pub(super) fn is_tombstone_stale(&self) -> bool {
        let version = |object: &Option<Value>| -> Option<u64> {
            View(object.as_ref()?)
                .annotation(annotation::VERSION)?
                .parse()
                .ok()
        };
        match (version(&self.tombstone), version(&self.cluster)) {
            (Some(kept), Some(lives)) => kept <= lives,
            _ => false,
        }
    }

    /// What the tombstone says.
    pub(crate) fn tombstone(&self) -> Option<Tombstone> {
        Tombstone::read(View(self.tombstone.as_ref()?))
    }

    /// The volumes of every instance all of whose volumes are ready, and the Secrets that a restore
    /// needs: passwords, and the authority that clients trust.
    pub(super) fn keepable(&self, cluster: View<'_>) -> Retained {
        let mut instances: BTreeMap<&str, Vec<View<'_>>> = BTreeMap::new();
        for volume in self.volumes.iter().map(View) {
            let ours = volume.is_owned_by(cluster.uid()) || volume.owner_references().is_empty();
            if ours && !volume.is_being_deleted() {
                let instance = volume.label(cnpg::INSTANCE_NAME).unwrap_or(volume.name());
                instances.entry(instance).or_default().push(volume);
            }
        }
        let ready = |volume: &View<'_>| volume.annotation(cnpg::PVC_STATUS) == Some(READY);
        let volumes: BTreeSet<String> = instances
            .into_values()
            .filter(|volumes| volumes.iter().all(ready))
            .flatten()
            .map(|volume| volume.name().to_owned())
            .collect();
        let names = |objects: &[Value]| -> Vec<String> {
            let names = objects.iter().map(|object| View(object).name().to_owned());
            names.filter(|_| !volumes.is_empty()).collect()
        };
        Retained {
            secrets: names(&self.secrets),
            backups: names(&self.backups.taken),
            snapshots: names(&self.backups.snapshots),
            volumes: volumes.into_iter().collect(),
        }
    }

    /// Everything but volumes that the Cluster still owns and that is to be kept.
    pub(super) fn still_owned_of(&self, retained: &Retained, uid: &str) -> Vec<(Kind, View<'_>)> {
        [
            (Kind::Secret, &self.secrets, &retained.secrets),
            (Kind::Backup, &self.backups.taken, &retained.backups),
            (
                Kind::VolumeSnapshot,
                &self.backups.snapshots,
                &retained.snapshots,
            ),
        ]
        .into_iter()
        .flat_map(|(kind, objects, kept)| {
            objects
                .iter()
                .map(View)
                .filter(|object| object.is_owned_by(uid))
                .filter(|object| kept.iter().any(|name| name == object.name()))
                .map(move |object| (kind, object))
        })
        .collect()
    }

    /// Volumes that would go with the Cluster.
    pub(super) fn still_owned(&self, uid: &str) -> impl Iterator<Item = View<'_>> {
        let uid = uid.to_owned();
        self.volumes
            .iter()
            .map(View)
            .filter(move |volume| volume.is_owned_by(&uid) && !volume.is_being_deleted())
    }

    /// Whether something that is to be kept would still go with the Cluster.
    pub(super) fn retained_but_owned(&self, retained: &Retained, uid: &str) -> bool {
        let kept = |names: &[String], objects: &[Value]| {
            objects.iter().map(View).any(|object| {
                object.is_owned_by(uid) && names.iter().any(|name| name == object.name())
            })
        };
        kept(&retained.volumes, &self.volumes) || !self.still_owned_of(retained, uid).is_empty()
    }

    /// Whether a volume that is to be kept has been taken out of the Cluster's hands already.
    pub(super) fn has_detached(&self, retained: &Retained) -> bool {
        let volumes = self.volumes.iter().map(View);
        { volumes }.any(|volume| {
            volume.owner_references().is_empty()
                && retained.volumes.iter().any(|name| name == volume.name())
        })
    }

    /// What the garbage collector has still to remove of a database whose data is given up: until
    /// then it would be no truth that nothing is kept.
    pub(super) fn left_of_purged(&self) -> Option<String> {
        if let Some(pod) = self.pods_with_volumes.first() {
            return Some(format!("pod {pod} has stopped"));
        }
        let id = View(self.tombstone.as_ref()?).label(label::ID);
        let volume = self
            .volumes
            .iter()
            .map(View)
            .find(|volume| volume.label(label::ID) == id)?;
        Some(format!("volume {} is gone", volume.name()))
    }

    /// Closes the tombstone once the Cluster is gone, whoever removed it: what was not detached in
    /// time is not kept.
    pub(super) fn complete(&self, tombstone: &mut Tombstone) {
        let stays = |names: &mut Vec<String>, objects: &[Value]| {
            names.retain(|name| {
                objects.iter().map(View).any(|object| {
                    object.name() == name
                        && object.owner_references().is_empty()
                        && !object.is_being_deleted()
                })
            });
        };
        stays(&mut tombstone.retained.volumes, &self.volumes);
        stays(&mut tombstone.retained.secrets, &self.secrets);
        tombstone.stage = if tombstone.retained.volumes.is_empty() {
            Stage::Purged
        } else {
            Stage::Complete
        };
    }
}

async fn secrets(k8s: &Kubernetes, name: &DatabaseName) -> Result<Vec<Value>, Failure> {
    let names = [name.app_secret(), name.ca_secret()];
    let found = try_join_all(
        names
            .iter()
            .map(|name| k8s.get_metadata(Kind::Secret, name)),
    )
    .await?;
    Ok(found.into_iter().flatten().collect())
}

pub(in crate::operation) fn uses_volume(pod: View<'_>) -> bool {
    pod.at("/spec/volumes")
        .and_then(Value::as_array)
        .is_some_and(|volumes| {
            volumes
                .iter()
                .any(|volume| View(volume).at("/persistentVolumeClaim").is_some())
        })
}

/// `status.readyInstances`; CNPG leaves it out when it is 0.
pub(super) fn ready_instances(cluster: View<'_>) -> i64 {
    cluster
        .at("/status/readyInstances")
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

fn hibernation<'a>(cluster: View<'a>, field: &str) -> Option<&'a str> {
    cluster
        .at("/status/conditions")?
        .as_array()?
        .iter()
        .map(View)
        .find(|condition| condition.text("/type") == Some(cnpg::HIBERNATION_CONDITION))?
        .text(field)
}

pub(super) fn is_hibernated(cluster: View<'_>) -> bool {
    hibernation(cluster, "/status") == Some("True")
}

pub(super) fn hibernation_reason(cluster: View<'_>) -> Option<&str> {
    hibernation(cluster, "/reason")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn volume(name: &str, instance: &str, status: &str, owner: Option<&str>) -> Value {
        let owners: Vec<Value> = owner
            .map(|uid| json!({"uid": uid, "kind": "Cluster"}))
            .into_iter()
            .collect();
        json!({"metadata": {"name": name, "labels": {"cnpg.io/instanceName": instance},
            "annotations": {"cnpg.io/pvcStatus": status}, "ownerReferences": owners}})
    }

    fn world(volumes: Vec<Value>) -> World {
        World {
            cluster: None,
            pooler: None,
            tombstone: None,
            volumes,
            secrets: vec![json!({"metadata": {"name": "daap-orders-app"}})],
            backups: Backups::default(),
            pods_with_volumes: Vec::new(),
        }
    }

    #[test]
    fn keeps_only_instances_whose_volumes_are_all_ready() {
        let cluster = json!({"metadata": {"uid": "c"}});
        let world = world(vec![
            volume("daap-orders-1", "daap-orders-1", "ready", Some("c")),
            volume("daap-orders-1-wal", "daap-orders-1", "ready", None),
            volume("daap-orders-2", "daap-orders-2", "ready", Some("c")),
            volume(
                "daap-orders-2-wal",
                "daap-orders-2",
                "initializing",
                Some("c"),
            ),
            volume(
                "daap-orders-3",
                "daap-orders-3",
                "ready",
                Some("another cluster"),
            ),
        ]);
        let kept = world.keepable(View(&cluster));
        assert_eq!(kept.volumes, ["daap-orders-1", "daap-orders-1-wal"]);
        assert_eq!(kept.secrets, ["daap-orders-app"]);
        assert!(world.retained_but_owned(&kept, "c"));
        assert_eq!(world.still_owned("c").count(), 3);
    }

    #[test]
    fn what_is_purged_is_waited_for_until_it_is_gone() {
        let mut volume = volume("daap-orders-1", "daap-orders-1", "ready", Some("c"));
        let mut world = world(vec![]);
        world.tombstone = Some(json!({"metadata": {"labels": {"daap.dev/id": "i"}}}));
        assert_eq!(world.left_of_purged(), None);
        // Of another generation of the name.
        volume["metadata"]["labels"]["daap.dev/id"] = "j".into();
        world.volumes.push(volume.clone());
        assert_eq!(world.left_of_purged(), None);
        volume["metadata"]["labels"]["daap.dev/id"] = "i".into();
        world.volumes.push(volume);
        assert_eq!(
            world.left_of_purged().unwrap(),
            "volume daap-orders-1 is gone"
        );
        world.pods_with_volumes.push("daap-orders-1".into());
        assert_eq!(
            world.left_of_purged().unwrap(),
            "pod daap-orders-1 has stopped"
        );
    }

    #[test]
    fn nothing_ready_keeps_nothing() {
        let cluster = json!({"metadata": {"uid": "c"}});
        let world = world(vec![volume(
            "daap-orders-1",
            "daap-orders-1",
            "initializing",
            Some("c"),
        )]);
        assert_eq!(world.keepable(View(&cluster)), Retained::default());
    }

    #[test]
    fn reads_the_hibernation_condition() {
        let cluster = json!({"status": {"conditions": [{"type": "cnpg.io/hibernation", "status": "False", "reason": "WaitingForHealthy"}]}});
        assert!(!is_hibernated(View(&cluster)));
        assert_eq!(
            hibernation_reason(View(&cluster)),
            Some("WaitingForHealthy")
        );
        assert_eq!(ready_instances(View(&cluster)), 0);
    }
}
