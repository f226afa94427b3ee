//! The shape in which a database is printed as JSON and YAML.
//!
//! ```json
//! {
//!     "apiVersion": "daap.dev/v1alpha1", "kind": "Database",
//!     "metadata": {"name": "orders", "namespace": "apps", "creationTimestamp": "…", "labels": {}},
//!     "record": {"id": "…", "ownerTeam": "payments", "purpose": "order intake", "version": 1,
//!         "createdAt": "…", "createdBy": "…", "updatedAt": "…", "updatedBy": "…"},
//!     "spec": {"instances": 1, "storage": "1Gi", "poolMode": "transaction", "poolInstances": 1},
//!     "status": {"state": "ready", "readyInstances": 1, "cluster": "daap-orders",
//!         "pooler": "daap-orders-pooler", "connection": {"host": "…", "port": 5432}}
//! }
//! ```
//! `reason` and what the record lacks are absent; `connection` is there only while the database is
//! ready, and never holds a password. A deleted database has `status.deletion` instead of `spec`.

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::object::View;
use daap_crds::state::State;
use daap_crds::tombstone::Tombstone;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Connection, Database, Restorable};

pub(crate) const API_VERSION: &str = "daap.dev/v1alpha1";
const KIND: &str = "Database";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    record: Record<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<Spec<'a>>,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_timestamp: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    id: &'a str,
    owner_team: &'a str,
    purpose: &'a str,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offered_to: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    instances: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_mode: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool_instances: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_instances: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pooler: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hibernation: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<Connection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion: Option<Deletion<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Deletion<'a> {
    stage: daap_crds::tombstone::Stage,
    tombstone: &'a str,
    data_kept: bool,
    restorable: bool,
    expired: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_until: Option<String>,
    volumes: Vec<String>,
    secrets: Vec<String>,
}

/// A live database.
pub(crate) fn document(database: &Database) -> Value {
    let cluster = database.view();
    let pooler = database.pooler.as_ref().map(View);
    let status = database.status();
    let integer = |view: View<'_>, pointer| view.at(pointer).and_then(Value::as_i64);
    value(&Document {
        api_version: API_VERSION,
        kind: KIND,
        metadata: Metadata {
            name: database.name(),
            namespace: cluster.namespace(),
            creation_timestamp: cluster.text("/metadata/creationTimestamp"),
            labels: cluster.labels(),
        },
        record: record(cluster),
        spec: (!database.lost).then(|| Spec {
            instances: integer(cluster, "/spec/instances").unwrap_or_default(),
            storage: cluster.text("/spec/storage/size"),
            storage_class: cluster.text("/spec/storage/storageClass"),
            image: cluster
                .text("/spec/imageName")
                .or_else(|| cluster.text("/status/image")),
            pool_mode: pooler.and_then(|pooler| pooler.text("/spec/pgbouncer/poolMode")),
            pool_instances: pooler.and_then(|pooler| integer(pooler, "/spec/instances")),
        }),
        status: Status {
            state: status.state,
            reason: status.reason,
            ready_instances: Some(integer(cluster, "/status/readyInstances").unwrap_or_default()),
            cluster: (!database.lost).then(|| cluster.name()),
            pooler: pooler.map(View::name),
            hibernation: cluster.annotation(cnpg::HIBERNATION),
            connection: database.connection(),
            deletion: None,
        },
    })
}

/// A deleted database, from its tombstone.
pub(crate) fn deleted_document(config_map: &Value, now: Timestamp) -> Value {
    let view = View(config_map);
    let restorable = Restorable::of(config_map, now);
    let tombstone = Tombstone::read(view);
    value(&Document {
        api_version: API_VERSION,
        kind: KIND,
        metadata: Metadata {
            name: view.label(label::NAME).unwrap_or(view.name()),
            namespace: view.namespace(),
            creation_timestamp: view.annotation(annotation::CREATED_AT),
            labels: view.labels(),
        },
        record: record(view),
        spec: None,
        status: Status {
            state: State::Deleted,
            reason: None,
            ready_instances: None,
            cluster: None,
            pooler: None,
            hibernation: None,
            connection: None,
            deletion: tombstone.map(|tombstone| Deletion {
                stage: tombstone.stage,
                tombstone: view.name(),
                data_kept: tombstone.keeps_data(),
                restorable: matches!(restorable, Restorable::Until(_)),
                expired: matches!(restorable, Restorable::Expired(_)),
                kept_until: tombstone
                    .keeps_data()
                    .then(|| tombstone.until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
                volumes: tombstone.retained.volumes,
                secrets: tombstone.retained.secrets,
            }),
        },
    })
}

fn record(view: View<'_>) -> Record<'_> {
    let text = |key| view.annotation(key);
    Record {
        id: view.label(label::ID).unwrap_or_default(),
        owner_team: view.label(label::OWNER_TEAM).unwrap_or_default(),
        purpose: text(annotation::PURPOSE).unwrap_or_default(),
        version: text(annotation::VERSION)
            .and_then(|version| version.parse().ok())
            .unwrap_or_default(),
        created_at: text(annotation::CREATED_AT),
        created_by: text(annotation::CREATED_BY),
        updated_at: text(annotation::UPDATED_AT),
        updated_by: text(annotation::UPDATED_BY),
        change_reason: text(annotation::CHANGE_REASON),
        offered_to: text(annotation::OFFERED_TO),
    }
}

fn value(document: &Document<'_>) -> Value {
    serde_json::to_value(document).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    #[test]
    fn connection_details_only_while_it_is_ready() {
        let ready = document(&fixtures::ready("orders"));
        insta::assert_snapshot!(crate::output::yaml(&ready).unwrap());
        let waiting = document(&fixtures::provisioning("orders"));
        assert_eq!(waiting.pointer("/status/connection"), None);
        assert_eq!(
            waiting.pointer("/status/state"),
            Some(&"provisioning".into())
        );
    }

    #[test]
    fn a_deleted_database_says_what_is_kept() {
        let deleted = deleted_document(
            &fixtures::tombstone("orders"),
            "2026-11-21T08:05:00Z".parse().unwrap(),
        );
        insta::assert_snapshot!(crate::output::yaml(&deleted).unwrap());
    }
}
