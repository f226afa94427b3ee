//! What a command would write, as far as admission's verdict depends on it.

use daap_crds::admission::{Caller, Operation, Resource, Write};
use daap_crds::contract::{annotation, label};
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::{View, map_at, remove_annotation, set_annotation, set_label};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::purpose::Purpose;
use daap_crds::tombstone::{Stage, Tombstone};
use jiff::Timestamp;
use serde_json::Value;

use crate::failure::Failure;
use crate::operation::Asked;

/// Stands for what the user has not said yet.
const PURPOSE: &str = "what somebody asks about beforehand";

/// Who would write, and where.
pub(super) struct Writer {
    pub(super) namespace: String,
    pub(super) user: String,
}

impl Writer {
    fn write(
        &self,
        resource: Resource,
        operation: Operation,
        old: Option<&Value>,
        new: Option<Value>,
    ) -> Write {
        Write {
            resource,
            operation,
            namespace: self.namespace.clone(),
            request_name: String::new(),
            object: new,
            old: old.cloned(),
            caller: Caller {
                user: self.user.clone(),
                ..Caller::default()
            },
            at: Timestamp::now(),
        }
    }

    fn update(&self, resource: Resource, old: &Value, change: impl FnOnce(&mut Value)) -> Write {
        let mut new = old.clone();
        change(&mut new);
        self.write(resource, Operation::Update, Some(old), Some(new))
    }

    fn delete(&self, resource: Resource, old: &Value) -> Write {
        self.write(resource, Operation::Delete, Some(old), None)
    }

    /// `create`: the Cluster, with the defaults of whoever says nothing.
    pub(super) fn create(&self, name: &DatabaseName, team: &Team) -> Result<Write, Failure> {
        let cluster = self.cluster(name, team)?;
        Ok(self.write(Resource::Cluster, Operation::Create, None, Some(cluster)))
    }

    /// A write of a database of that team, which changes nothing.
    pub(super) fn nothing(&self, name: &DatabaseName, team: &Team) -> Result<Write, Failure> {
        let cluster = self.cluster(name, team)?;
        Ok(self.update(Resource::Cluster, &cluster, |_| {}))
    }

    fn cluster(&self, name: &DatabaseName, team: &Team) -> Result<Value, Failure> {
        let purpose =
            Purpose::parse(PURPOSE).map_err(|error| Failure::new(format!("purpose: {error}")))?;
        let asked = Asked::with_defaults(name.clone(), team.clone(), purpose);
        Ok(asked.cluster(&self.namespace, DatabaseId::random()))
    }

    /// `update` and `rollback`: a tracked field changes.
    pub(super) fn change(&self, cluster: &Value) -> Write {
        self.update(Resource::Cluster, cluster, |new| {
            set_annotation(new, annotation::PURPOSE, PURPOSE);
        })
    }

    /// `transfer`: an offer, or the move itself where the caller owns both teams.
    pub(super) fn transfer(&self, cluster: &Value, to: &Team, moves: bool) -> Write {
        self.update(Resource::Cluster, cluster, |new| {
            if moves {
                set_label(new, label::OWNER_TEAM, to.as_str());
            } else {
                set_annotation(new, annotation::OFFERED_TO, to.as_str());
            }
        })
    }

    /// `transfer --accept`: the team that it is offered to takes it; none where it is not offered.
    pub(super) fn accept(&self, cluster: &Value) -> Option<Write> {
        let to = View(cluster).annotation(annotation::OFFERED_TO)?.to_owned();
        Some(self.update(Resource::Cluster, cluster, |new| {
            set_label(new, label::OWNER_TEAM, to);
            remove_annotation(new, annotation::OFFERED_TO);
        }))
    }

    /// A step of an operation that says what is unfinished.
    pub(super) fn mark(&self, cluster: &Value, operation: OperationName) -> Write {
        self.update(Resource::Cluster, cluster, |new| {
            let pending = Pending {
                operation,
                step: "mark".to_owned(),
                since: Timestamp::now(),
                error: None,
            };
            set_annotation(new, annotation::PENDING, pending.to_annotation());
        })
    }

    /// `delete`: the Cluster is marked, its Pooler goes, and then itself.
    pub(super) fn delete_database(&self, cluster: &Value, pooler: Option<&Value>) -> Vec<Write> {
        let mut writes = vec![self.mark(cluster, OperationName::Delete)];
        writes.extend(pooler.map(|pooler| self.delete(Resource::Pooler, pooler)));
        writes.push(self.delete(Resource::Cluster, cluster));
        writes
    }

    /// `restore`: what the tombstone says comes back.
    pub(super) fn restore(&self, tombstone: &Value) -> Option<Write> {
        let cluster = Tombstone::restored_cluster(View(tombstone))?;
        Some(self.write(Resource::Cluster, Operation::Create, None, Some(cluster)))
    }

    /// `purge`: the tombstone says so first, then the volumes go.
    pub(super) fn purge(&self, config_map: &Value, volumes: &[Value]) -> Vec<Write> {
        let Some(mut tombstone) = Tombstone::read(View(config_map)) else {
            return Vec::new();
        };
        tombstone.stage = Stage::Purged;
        let kept = &tombstone.retained.volumes;
        let mut writes = vec![self.update(Resource::ConfigMap, config_map, |new| {
            set_annotation(new, annotation::TOMBSTONE, tombstone.to_annotation());
        })];
        let volumes = { volumes.iter() }.filter(|volume| {
            let name = View(volume).name();
            kept.iter().any(|kept| kept == name)
        });
        writes.extend(volumes.map(|volume| self.delete(Resource::PersistentVolumeClaim, volume)));
        writes
    }

    /// `credentials rotate`: another password in the app Secret.
    pub(super) fn rotate(&self, secret: &Value) -> Write {
        self.update(Resource::Secret, secret, |new| {
            map_at(new, &["data"]).insert("password".into(), "YW5vdGhlcg==".into());
        })
    }
}
