//! What a tombstone says is kept, as it lies in the cluster now.

use daap_crds::object::{View, map_at};
use daap_crds::tombstone::Retained;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};

/// What is kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) volumes: Vec<Value>,
    /// Secrets, Backups, `VolumeSnapshots`.
    others: Vec<(Kind, Value)>,
    /// Volumes that are gone.
    pub(super) missing: Vec<String>,
}

impl Kept {
    /// Looks each up by its name; contents of Secrets are nobody's business here.
    pub(super) async fn read(k8s: &Kubernetes, retained: &Retained) -> Result<Self, Failure> {
        let names = [
            (Kind::Volume, &retained.volumes),
            (Kind::Secret, &retained.secrets),
            (Kind::Backup, &retained.backups),
            (Kind::VolumeSnapshot, &retained.snapshots),
        ];
        let asked = names
            .into_iter()
            .flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)));
        let found = try_join_all(asked.map(|(kind, name)| async move {
            let object = match kind {
                Kind::Secret => k8s.get_metadata(kind, name).await,
                _ => k8s.get(kind, name).await,
            };
            object.map(|object| (kind, name, object))
        }))
        .await?;
        let mut kept = Self::default();
        for (kind, name, object) in found {
            match (kind, object) {
                (Kind::Volume, Some(volume)) => kept.volumes.push(volume),
                (Kind::Volume, None) => kept.missing.push(name.clone()),
                (kind, Some(object)) => kept.others.push((kind, object)),
                (_, None) => {}
            }
        }
        Ok(kept)
    }

    /// Secrets, Backups and snapshots that nobody owns: CNPG uses Secrets as they are, and leaves
    /// owning them again to us.
    pub(super) fn unowned_others(&self) -> Vec<(Kind, View<'_>)> {
        let others = self
            .others
            .iter()
            .map(|(kind, object)| (*kind, View(object)));
        others.filter(|(_, object)| is_free(*object)).collect()
    }

    /// Volumes that nobody owns.
    pub(super) fn unowned_volumes(&self) -> Vec<(Kind, View<'_>)> {
        let volumes = self.volumes.iter().map(View);
        volumes
            .filter(|volume| is_free(*volume))
            .map(|volume| (Kind::Volume, volume))
            .collect()
    }
}

fn is_free(object: View<'_>) -> bool {
    object.owner_references().is_empty() && !object.is_being_deleted()
}

/// Gives objects to the Cluster, as its operator would have made them.
pub(super) async fn own(
    k8s: &Kubernetes,
    cluster: View<'_>,
    objects: &[(Kind, View<'_>)],
) -> Result<(), Failure> {
    let mut patch = json!({});
    map_at(&mut patch, &["metadata"]).insert(
        "ownerReferences".into(),
        json!([{
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Cluster",
            "name": cluster.name(),
            "uid": cluster.uid(),
            "controller": true,
        }]),
    );
    for (kind, object) in objects {
        k8s.merge(*kind, object.name(), &patch).await?;
    }
    Ok(())
}
