use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::{annotation, label};
use crate::object::View;

/// What made a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The database was created.
    Created,
    /// A tracked field changed.
    Updated,
    /// The owner team changed.
    Transferred,
    /// An earlier version's values were written again.
    RolledBack,
    /// The database was deleted; its data may be retained.
    Deleted,
    /// A deleted database came back.
    Restored,
    /// What was changed behind the back of admission was written back, or taken into the record.
    Repaired,
}

impl Action {
    /// Every action. Histories hold their places: a new one comes last.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Updated,
        Self::Transferred,
        Self::RolledBack,
        Self::Deleted,
        Self::Restored,
        Self::Repaired,
    ];
}

impl std::fmt::Display for Action {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Transferred => "transferred",
            Self::RolledBack => "rolled-back",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Repaired => "repaired",
        })
    }
}

/// The fields whose changes make versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tracked {
    /// The team that owns the database.
    pub owner_team: String,
    /// What it is for.
    pub purpose: String,
    /// PostgreSQL instances.
    pub instances: i64,
    /// Size of each instance's volume, as a Kubernetes quantity.
    pub storage: String,
}

impl Tracked {
    /// The tracked fields of a Cluster.
    #[must_use]
    pub fn of(cluster: View<'_>) -> Self {
        Self {
            owner_team: cluster
                .label(label::OWNER_TEAM)
                .unwrap_or_default()
                .to_owned(),
            purpose: cluster
                .annotation(annotation::PURPOSE)
                .unwrap_or_default()
                .to_owned(),
            instances: cluster
                .at("/spec/instances")
                .and_then(serde_json::Value::as_i64)
                .unwrap_or_default(),
            storage: cluster
                .text("/spec/storage/size")
                .unwrap_or_default()
                .to_owned(),
        }
    }

    pub(super) fn apply(&mut self, changes: &Changes) {
        if let Some(owner_team) = &changes.owner_team {
            self.owner_team.clone_from(owner_team);
        }
        if let Some(purpose) = &changes.purpose {
            self.purpose.clone_from(purpose);
        }
        if let Some(instances) = changes.instances {
            self.instances = instances;
        }
        if let Some(storage) = &changes.storage {
            self.storage.clone_from(storage);
        }
    }
}

/// The tracked fields that a version changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// New owner team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_team: Option<String>,
    /// New purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// New number of instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<i64>,
    /// New size of each volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
}

impl Changes {
    /// What makes `after` of `before`.
    #[must_use]
    pub fn between(before: &Tracked, after: &Tracked) -> Self {
        let changed = |before: &String, after: &String| (before != after).then(|| after.clone());
        Self {
            owner_team: changed(&before.owner_team, &after.owner_team),
            purpose: changed(&before.purpose, &after.purpose),
            instances: (before.instances != after.instances).then_some(after.instances),
            storage: changed(&before.storage, &after.storage),
        }
    }
}

/// One stored version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// 1, 2, 3 …
    #[serde(rename = "v")]
    pub version: u64,
    /// When it began.
    pub from: Timestamp,
    /// Who made it: the user name of the request.
    pub by: String,
    /// Why, where a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was done.
    pub action: Action,
    /// The tracked fields that changed.
    #[serde(default)]
    pub set: Changes,
}

impl Row {
    /// How many bytes its texts have.
    pub(super) fn text_bytes(&self) -> usize {
        let set = &self.set;
        let texts = [&self.reason, &set.owner_team, &set.purpose, &set.storage];
        self.by.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}
