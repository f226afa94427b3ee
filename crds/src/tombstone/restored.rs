//! What a tombstone is turned back into: the same objects for the plugin, which applies them, and
//! for the webhook, which judges a restore by them.

use serde_json::{Map, Value, json};

use super::{Kept, Tombstone};
use crate::contract::{annotation, label};
use crate::desired::owner_reference;
use crate::names::DatabaseName;
use crate::object::{View, map_at, set_annotation, set_label};

const API_VERSION: &str = "postgresql.cnpg.io/v1";

impl Tombstone {
    /// The Cluster whose tombstone `config_map` is, with its record and without stamps: these
    /// continue from the tombstone. None where it is no readable tombstone.
    ///
    /// The image is named even where the Cluster never named one: the default of today may be
    /// another PostgreSQL, which cannot read the data.
    #[must_use]
    pub fn restored_cluster(config_map: View<'_>) -> Option<Value> {
        let (name, tombstone) = read(config_map)?;
        let mut cluster = object("Cluster", &name.cluster(), config_map, &tombstone.cluster);
        if let Some(purpose) = config_map.annotation(annotation::PURPOSE) {
            set_annotation(&mut cluster, annotation::PURPOSE, purpose);
        }
        let names_an_image = ["/spec/imageName", "/spec/imageCatalogRef"]
            .iter()
            .any(|pointer| View(&cluster).at(pointer).is_some());
        if let Some(image) = tombstone.image.filter(|_| !names_an_image) {
            map_at(&mut cluster, &["spec"]).insert("imageName".into(), image.into());
        }
        Some(cluster)
    }

    /// The Pooler of that Cluster, owned by the new one. None where there was none, or the tombstone
    /// is not readable.
    #[must_use]
    pub fn restored_pooler(config_map: View<'_>, cluster_uid: &str) -> Option<Value> {
        let (name, tombstone) = read(config_map)?;
        let mut pooler = object("Pooler", &name.pooler(), config_map, &tombstone.pooler?);
        map_at(&mut pooler, &["metadata"]).insert(
            "ownerReferences".into(),
            json!([owner_reference(&name.cluster(), cluster_uid)]),
        );
        Some(pooler)
    }
}

fn read(config_map: View<'_>) -> Option<(DatabaseName, Tombstone)> {
    let name = DatabaseName::parse(config_map.label(label::NAME)?).ok()?;
    Some((name, Tombstone::read(config_map)?))
}

fn object(kind: &str, name: &str, config_map: View<'_>, kept: &Kept) -> Value {
    let map = |map: &Map<String, Value>| Value::Object(map.clone());
    let mut object = json!({
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": config_map.namespace(),
            "labels": map(&kept.labels),
            "annotations": map(&kept.annotations),
        },
        "spec": kept.spec,
    });
    for key in label::RECORD {
        if let Some(value) = config_map.label(key) {
            set_label(&mut object, key, value);
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::super::{Deletion, Retained, Stage};
    use super::*;
    use crate::desired::tests::orders;

    fn tombstone(image: Option<&str>) -> Value {
        let mut desired = orders();
        desired.image = None;
        let mut cluster = desired.cluster();
        set_label(&mut cluster, "tier", "gold");
        if let Some(image) = image {
            cluster["status"] = json!({"image": image});
        }
        let pooler = desired.pooler("old-uid");
        let deletion = Deletion {
            by: "ada",
            reason: None,
            at: "2026-11-21T09:00:00Z".parse().unwrap(),
            retention_days: 30,
        };
        let mut tombstone = Tombstone::of(View(&cluster), Some(View(&pooler)), deletion);
        tombstone.stage = Stage::Complete;
        tombstone.retained = Retained::default();
        tombstone.config_map(View(&cluster), &desired.name, &desired.id, deletion)
    }

    #[test]
    fn brings_back_what_was_there() {
        let map = tombstone(Some("registry.example/postgresql:16.9"));
        let cluster = Tombstone::restored_cluster(View(&map)).unwrap();
        let mut expected = orders();
        expected.image = Some("registry.example/postgresql:16.9".into());
        expected.change_reason = None;
        let mut expected_cluster = expected.cluster();
        set_label(&mut expected_cluster, "tier", "gold");
        assert_eq!(cluster, expected_cluster);
        let mut expected_pooler = expected.pooler("new-uid");
        map_at(&mut expected_pooler, &["metadata", "annotations"]);
        assert_eq!(
            Tombstone::restored_pooler(View(&map), "new-uid"),
            Some(expected_pooler)
        );
    }

    #[test]
    fn nothing_comes_of_what_is_no_tombstone() {
        let map = json!({"metadata": {"labels": {"daap.dev/name": "orders"}}});
        assert_eq!(Tombstone::restored_cluster(View(&map)), None);
        assert_eq!(Tombstone::restored_pooler(View(&map), "x"), None);
    }
}
