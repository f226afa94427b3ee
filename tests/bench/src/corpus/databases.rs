//! Many databases, as an API server holds them: alike but for their names, ids and teams.

use std::path::Path;

use anyhow::Context;
use daap_crds::contract::cnpg;
use daap_crds::desired::Desired;
use daap_crds::names::{DatabaseId, Team};
use serde_json::{Value, json};

use super::objects::{cluster_status, defaulted, pooler_status};
use super::world::{desired, mutated};

/// What stands for the name, the id, the team and the Cluster's uid until a database is numbered.
const NAME: &str = "placeholder";
const ID: &str = "00000000-10b1-426f-9247-bb680e5fe0c8";
const TEAM: &str = "placeteam";
const UID: &str = "00000000-0000-0000-0000-000000000000";
/// What the recorded database is called.
const RECORDED: &str = "daap-orders";

/// Teams that the databases belong to, in turn.
pub const TEAMS: usize = 10;

/// How their names begin.
pub const PREFIX: &str = "db-";

/// An object and its status, each as JSON: the API server takes them in two requests.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The object.
    pub object: String,
    /// `{"status": …}`, where it has one.
    pub status: Option<String>,
}

/// One of many.
#[derive(Clone, Debug)]
pub struct Database {
    /// The Cluster.
    pub cluster: Stored,
    /// The Pooler; its owner is written once the Cluster's uid is known.
    pub pooler: Stored,
    /// The Pooler's Deployment.
    pub deployment: Stored,
    /// The Secrets of the Cluster.
    pub secrets: Vec<Stored>,
}

/// What a database is made from.
#[derive(Clone, Debug)]
pub struct Databases(Database);

impl Databases {
    /// Databases with the status that `recordings` (of the real operator) have; with one of the same
    /// size where there are none.
    ///
    /// # Errors
    /// A recording is not what it is called, or a literal of this module is no name any more.
    pub fn new(namespace: &str, recordings: Option<&Path>) -> anyhow::Result<Self> {
        let desired = Desired {
            namespace: namespace.into(),
            team: Team::parse(TEAM)?,
            ..desired(NAME, ID)?
        };
        let recorded = |file: &str| recorded(recordings?, file, &desired.name.cluster());
        let status = |file: &str, made: Value| match recorded(file).transpose()? {
            Some(object) => anyhow::Ok(object["status"].clone()),
            None => Ok(made),
        };
        let mut cluster = mutated(None, &desired.cluster(), "2026-01-01T00:00:00Z".parse()?);
        defaulted(&mut cluster);
        let made = cluster_status(&desired.name.cluster());
        let deployment = match recorded("deployment-pooler.json").transpose()? {
            Some(deployment) => deployment,
            None => deployment(&desired),
        };
        Ok(Self(Database {
            cluster: stored(&cluster, &status("cluster.json", made)?),
            pooler: stored(
                &desired.pooler(UID),
                &status("pooler.json", pooler_status())?,
            ),
            deployment: stored(
                &own(&deployment, &desired.name.pooler(), namespace),
                &deployment["status"],
            ),
            secrets: ["app", "ca", "server", "replication"]
                .map(|suffix| stored(&secret(&desired, &cluster, suffix), &Value::Null))
                .to_vec(),
        }))
    }

    /// The database of that number: `db-00042`, of team `team-2`.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Database {
        let (name, team) = (name(number), team(number));
        let id = format!("{number:08x}{}", ID.get(8..).unwrap_or_default());
        let of =
            |text: &String| { text.replace(NAME, &name).replace(TEAM, &team) }.replace(ID, &id);
        let stored = |one: &Stored| Stored {
            object: of(&one.object),
            status: one.status.as_ref().map(of),
        };
        let Self(template) = self;
        Database {
            cluster: stored(&template.cluster),
            pooler: stored(&template.pooler),
            deployment: stored(&template.deployment),
            secrets: template.secrets.iter().map(stored).collect(),
        }
    }
}

impl Stored {
    /// The same, as what belongs to the Cluster with that uid.
    #[must_use]
    pub fn owned_by(&self, uid: &str) -> String {
        self.object.replace(UID, uid)
    }
}

/// What the database of a number is called.
#[must_use]
pub fn name(number: usize) -> String {
    format!("{PREFIX}{number:05}")
}

/// The team that it belongs to.
#[must_use]
pub fn team(number: usize) -> String {
    format!("team-{}", number % TEAMS)
}

/// The Cluster of a creation, as the plugin sends it.
///
/// # Errors
/// It is no name.
pub fn created(name: &str) -> anyhow::Result<Value> {
    let desired = super::world::desired(name, &DatabaseId::random().to_string())?;
    Ok(desired.cluster())
}

fn recorded(folder: &Path, file: &str, cluster: &str) -> Option<anyhow::Result<Value>> {
    let text = std::fs::read_to_string(folder.join(file)).ok()?;
    let read = serde_json::from_str(&text.replace(RECORDED, cluster));
    Some(read.with_context(|| format!("failed to read the recording {file}")))
}

fn stored(object: &Value, status: &Value) -> Stored {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    let status = (!status.is_null()).then(|| json!({"status": status}).to_string());
    Stored {
        object: object.to_string(),
        status,
    }
}

/// Without what the API server writes itself.
fn own(object: &Value, name: &str, namespace: &str) -> Value {
    let mut object = object.clone();
    let metadata = &object["metadata"];
    object["metadata"] = json!({
        "name": name, "namespace": namespace, "labels": metadata["labels"], "annotations": metadata["annotations"],
    });
    object
}

fn deployment(desired: &Desired) -> Value {
    let labels =
        json!({cnpg::CLUSTER: desired.name.cluster(), cnpg::POOLER_NAME: desired.name.pooler()});
    let image = "ghcr.io/cloudnative-pg/pgbouncer:1.24.1";
    let condition = |kind: &str| {
        json!({"type": kind, "status": "True", "reason": "MinimumReplicasAvailable",
        "lastTransitionTime": "2026-01-01T00:00:42Z", "lastUpdateTime": "2026-01-01T00:00:42Z", "message": "Deployment has minimum availability."})
    };
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": labels, "annotations": {}},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "pgbouncer", "image": image}]}},
        },
        "status": {"availableReplicas": 1, "readyReplicas": 1, "replicas": 1, "updatedReplicas": 1, "observedGeneration": 1,
            "conditions": [condition("Available"), condition("Progressing")]},
    })
}

/// Of the Secrets, the one that clients log in with inherits what the Cluster passes on.
fn secret(desired: &Desired, cluster: &Value, suffix: &str) -> Value {
    let mut more = json!({});
    if suffix == "app" {
        more = cluster["spec"]["inheritedMetadata"]["labels"].clone();
        let of_clients = json!({"cnpg.io/userType": "app", "cnpg.io/reload": "true"});
        super::objects::merge(&mut more, &of_clients);
    }
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "name": format!("{}-{suffix}", desired.name.cluster()), "namespace": desired.namespace,
            "labels": {cnpg::CLUSTER: desired.name.cluster(), "app.kubernetes.io/managed-by": "cloudnative-pg"},
            "annotations": {"cnpg.io/operatorVersion": "1.30.0"},
        },
        "stringData": {"username": "app", "password": "not one"},
    });
    super::objects::merge(&mut secret, &json!({"metadata": {"labels": more}}));
    secret
}
