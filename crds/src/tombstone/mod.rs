//! Where the record lives once the Cluster is gone: a `ConfigMap` with labels and annotations and
//! nothing else.

mod restored;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::contract::{annotation, label};
use crate::history::{Action, History, Tracked};
use crate::names::{DatabaseId, DatabaseName};
use crate::object::{View, set_annotation, set_label};

/// How far a deletion has come. Only ever moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The record is safe; the Cluster still owns its data.
    Written,
    /// What is retained no longer belongs to the Cluster.
    Detached,
    /// The Cluster is gone; what is retained can be restored.
    Complete,
    /// No data is kept: only the record remains.
    Purged,
}

/// What stays of a deleted database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retained {
    /// Names of the `PersistentVolumeClaims`.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Names of the Secrets.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Names of the Backups that the Cluster owned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backups: Vec<String>,
    /// Names of the `VolumeSnapshots` that the Cluster owned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<String>,
}

/// What a restore applies again of one object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// Its spec, whole.
    pub spec: Value,
    /// Labels that are not of the record.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub labels: Map<String, Value>,
    /// Annotations that are not of the record.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub annotations: Map<String, Value>,
}

/// The value of the annotation `daap.dev/tombstone`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tombstone {
    /// How far the deletion has come.
    pub stage: Stage,
    /// The Cluster.
    pub cluster: Kept,
    /// The Pooler, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooler: Option<Kept>,
    /// Image that PostgreSQL ran with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Major version of PostgreSQL, where the status or the image says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres_major: Option<u64>,
    /// What is kept.
    #[serde(default)]
    pub retained: Retained,
    /// When `purge --expired` may destroy it, RFC 3339 UTC.
    pub until: Timestamp,
}

/// `kubectl apply` keeps the whole manifest in this annotation: a restore applies anew.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

impl Kept {
    /// What a restore needs of `object`: all but the record and what docks it.
    #[must_use]
    pub fn of(object: View<'_>) -> Self {
        let ours = |key: &str| key.starts_with(crate::contract::PREFIX);
        let passing = [
            crate::contract::cnpg::HIBERNATION,
            crate::contract::cnpg::FENCED_INSTANCES,
            LAST_APPLIED,
        ];
        let kept = |map: Option<&Map<String, Value>>| -> Map<String, Value> {
            map.into_iter()
                .flatten()
                .filter(|(key, _)| !ours(key) && !passing.contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        Self {
            spec: object.at("/spec").cloned().unwrap_or_default(),
            labels: kept(object.labels()),
            annotations: kept(object.annotations()),
        }
    }
}

/// What the deletion of a Cluster is recorded with.
#[derive(Clone, Copy, Debug)]
pub struct Deletion<'a> {
    /// Who deletes.
    pub by: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// When.
    pub at: Timestamp,
    /// Days that what is retained is kept.
    pub retention_days: u32,
}

impl Tombstone {
    /// The tombstone of a live Cluster and its Pooler, at stage `written`.
    #[must_use]
    pub fn of(cluster: View<'_>, pooler: Option<View<'_>>, deletion: Deletion<'_>) -> Self {
        let image = cluster
            .text("/status/image")
            .or_else(|| cluster.text("/spec/imageName"))
            .map(str::to_owned);
        let kept_for = SignedDuration::from_hours(24 * i64::from(deletion.retention_days));
        Self {
            stage: Stage::Written,
            cluster: Kept::of(cluster),
            pooler: pooler.map(Kept::of),
            postgres_major: cluster
                .at("/status/pgDataImageInfo/majorVersion")
                .and_then(Value::as_u64)
                .or_else(|| image.as_deref().and_then(major_of_image)),
            image,
            retained: Retained::default(),
            until: deletion.at.checked_add(kept_for).unwrap_or(Timestamp::MAX),
        }
    }

    /// Reads the annotation of a tombstone.
    #[must_use]
    pub fn read(config_map: View<'_>) -> Option<Self> {
        serde_json::from_str(config_map.annotation(annotation::TOMBSTONE)?).ok()
    }

    /// The value of the annotation.
    #[must_use]
    pub fn to_annotation(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether data is kept that a restore could bring back.
    #[must_use]
    pub fn keeps_data(&self) -> bool {
        self.stage != Stage::Purged && !self.retained.volumes.is_empty()
    }

    /// Whether a purge has given the data up and is not known to have destroyed all of it.
    #[must_use]
    pub fn is_being_purged(&self) -> bool {
        self.stage == Stage::Purged && self.retained != Retained::default()
    }

    /// The `ConfigMap` that carries this tombstone: the record of `cluster`, with one history row
    /// more.
    #[must_use]
    pub fn config_map(
        &self,
        cluster: View<'_>,
        name: &DatabaseName,
        id: &DatabaseId,
        deletion: Deletion<'_>,
    ) -> Value {
        let history = cluster
            .annotation(annotation::HISTORY)
            .and_then(|text| History::parse(text).ok())
            .unwrap_or_default();
        let from = history.next_instant(deletion.at);
        let (history, text) = history.append(
            Action::Deleted,
            from,
            deletion.by,
            deletion.reason,
            &Tracked::of(cluster),
        );
        let mut config_map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name.tombstone(id), "namespace": cluster.namespace()},
        });
        for key in label::RECORD {
            if let Some(value) = cluster.label(key) {
                set_label(&mut config_map, key, value);
            }
        }
        set_label(&mut config_map, label::DELETED, "true");
        set_label(&mut config_map, label::MANAGED_BY, label::MANAGED_BY_VALUE);
        for key in [
            annotation::PURPOSE,
            annotation::CREATED_AT,
            annotation::CREATED_BY,
        ] {
            if let Some(value) = cluster.annotation(key) {
                set_annotation(&mut config_map, key, value);
            }
        }
        if let Some(reason) = deletion.reason {
            set_annotation(&mut config_map, annotation::CHANGE_REASON, reason);
        }
        set_annotation(&mut config_map, annotation::UPDATED_AT, from.to_string());
        set_annotation(&mut config_map, annotation::UPDATED_BY, deletion.by);
        set_annotation(
            &mut config_map,
            annotation::VERSION,
            history.version().to_string(),
        );
        set_annotation(&mut config_map, annotation::HISTORY, text);
        set_annotation(&mut config_map, annotation::TOMBSTONE, self.to_annotation());
        config_map
    }
}

/// The major version that an image's tag begins with: `…/postgresql:17.6-bookworm` is 17.
#[must_use]
pub fn major_of_image(image: &str) -> Option<u64> {
    let without_digest = image.split('@').next()?;
    let last = without_digest.rsplit('/').next()?;
    let (_, tag) = last.split_once(':')?;
    let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ghcr.io/cloudnative-pg/postgresql:17.6-bookworm", Some(17))]
    #[case("localhost:5000/postgresql:16", Some(16))]
    #[case("localhost:5000/postgresql", None)]
    #[case("postgresql:17@sha256:0123", Some(17))]
    #[case("postgresql:latest", None)]
    fn reads_the_major_version_of_an_image(#[case] image: &str, #[case] major: Option<u64>) {
        assert_eq!(major_of_image(image), major);
    }

    #[test]
    fn carries_the_record_with_one_row_more_and_reads_itself_back() {
        let history = History::default().with(
            Action::Created,
            "2026-11-21T08:00:00Z".parse().unwrap(),
            "ada",
            None,
            &Tracked::default(),
        );
        let cluster = json!({
            "metadata": {"name": "daap-orders", "namespace": "apps",
                "labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "payments",
                    "daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8", "tier": "gold"},
                "annotations": {"daap.dev/purpose": "intake", "cnpg.io/hibernation": "on",
                    "note": "kept", "daap.dev/history": history.to_annotation()}},
            "spec": {"instances": 1, "imageName": "registry.example/postgresql:17.6"},
        });
        let deletion = Deletion {
            by: "grace",
            reason: Some("done"),
            at: "2026-11-21T09:00:00Z".parse().unwrap(),
            retention_days: 30,
        };
        let tombstone = Tombstone::of(View(&cluster), None, deletion);
        let name = DatabaseName::parse("orders").unwrap();
        let id = DatabaseId::parse("67e55044-10b1-426f-9247-bb680e5fe0c8").unwrap();
        let map = tombstone.config_map(View(&cluster), &name, &id, deletion);
        let view = View(&map);
        assert_eq!(view.name(), "daap-orders-67e55044");
        assert_eq!(Tombstone::read(view), Some(tombstone.clone()));
        assert_eq!(tombstone.postgres_major, Some(17));
        assert_eq!(tombstone.until.to_string(), "2026-12-21T09:00:00Z");
        assert!(
            !tombstone
                .cluster
                .annotations
                .contains_key("cnpg.io/hibernation")
        );
        assert_eq!(tombstone.cluster.labels["tier"], "gold");
        assert_eq!(tombstone.cluster.annotations["note"], "kept");
        assert!(!tombstone.keeps_data());
        let rows = History::parse(view.annotation(annotation::HISTORY).unwrap()).unwrap();
        assert_eq!(rows.version(), 2);
        assert!(rows.versions()[1].is_deleted);
        assert!(map.get("data").is_none());
    }
}
