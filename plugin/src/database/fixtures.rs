//! Databases for tests.

use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::purpose::Purpose;
use daap_crds::tombstone::{Deletion, Retained, Stage, Tombstone};
use daap_reference::Reference;
use serde_json::{Value, json};

use super::Database;

const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// One that was just created.
pub(crate) fn provisioning(name: &str) -> Database {
    let name = DatabaseName::parse(name).unwrap();
    let desired = crate::operation::Asked {
        name,
        team: Team::parse("payments").unwrap(),
        purpose: Purpose::parse("order intake").unwrap(),
        id: None,
        instances: None,
        storage: Some("1Gi".parse().unwrap()),
        storage_class: None,
        image: Some("registry.example/postgresql:17.6".into()),
        pool_mode: None,
        pool_instances: None,
        change_reason: None,
    }
    .desired("apps", DatabaseId::parse(ID).unwrap());
    let mut cluster = desired.cluster();
    cluster["metadata"]["uid"] = "some-uid".into();
    cluster["metadata"]["creationTimestamp"] = "2026-11-21T08:00:00Z".into();
    cluster["status"] = json!({"phase": "Setting up primary"});
    Database {
        pooler: Some(desired.pooler("some-uid")),
        cluster,
        deployment: None,
        deployment_hidden: false,
        app_secret: false,
        lost: false,
    }
}

/// One that serves.
pub(crate) fn ready(name: &str) -> Database {
    let mut database = provisioning(name);
    database.cluster["status"] = json!({
        "phase": "Cluster in healthy state", "instances": 1, "readyInstances": 1,
        "currentPrimary": "x-1", "targetPrimary": "x-1",
        "conditions": [{"type": "Ready", "status": "True"}],
    });
    database.deployment = Some(json!({"status": {"availableReplicas": 1}}));
    database.app_secret = true;
    database
}

/// One that was deleted a minute before 08:05.
pub(crate) fn tombstone(name: &str) -> Value {
    let database = ready(name);
    let deletion = Deletion {
        by: "ada",
        reason: Some("shop closed"),
        at: "2026-11-21T08:04:00Z".parse().unwrap(),
        retention_days: 30,
    };
    let mut tombstone = Tombstone::of(
        database.view(),
        database.pooler.as_ref().map(View),
        deletion,
    );
    tombstone.stage = Stage::Complete;
    tombstone.retained = Retained {
        volumes: vec![format!("daap-{name}-1")],
        secrets: vec![format!("daap-{name}-app")],
        ..Retained::default()
    };
    let name = DatabaseName::parse(name).unwrap();
    tombstone.config_map(
        database.view(),
        &name,
        &DatabaseId::parse(ID).unwrap(),
        deletion,
    )
}

/// The tree of one of which nothing else was found.
pub(crate) fn tree(database: &Database) -> super::Node {
    let name = DatabaseName::parse(database.name()).unwrap();
    super::tree::tree_of(database, &name, &super::tree::Parts::nothing(), &[])
}

/// What the real operator left when it was stuck.
pub(crate) struct Stuck {
    pub(crate) name: DatabaseName,
    pub(crate) database: Database,
    pub(crate) pods: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    /// Everything that was said, in the order in which it was recorded.
    pub(crate) events: Vec<Value>,
    /// The end of the log of the container that failed.
    pub(crate) log: String,
}

/// One recorded way to be stuck, where the recordings are at hand.
pub(crate) fn stuck(case: &str) -> Option<Stuck> {
    let folder = Reference::Recordings.at_hand()?;
    let text = std::fs::read_to_string(folder.join(format!("stuck/{case}.json"))).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let list = |key: &str| match &recorded[key] {
        Value::Array(items) => items.clone(),
        other => other["items"].as_array().cloned().unwrap_or_default(),
    };
    let first = |key: &str| list(key).into_iter().next();
    let cluster = first("cluster").unwrap();
    let name = View(&cluster).name().strip_prefix("daap-").unwrap();
    let name = DatabaseName::parse(name).unwrap();
    let log = list("logTail");
    let log: Vec<&str> = log.iter().filter_map(Value::as_str).collect();
    Some(Stuck {
        name,
        log: log.join("\n"),
        database: Database {
            cluster,
            pooler: first("pooler"),
            deployment: first("deploy"),
            deployment_hidden: false,
            app_secret: true,
            lost: false,
        },
        pods: list("pods"),
        volumes: list("pvc"),
        events: list("events"),
    })
}
