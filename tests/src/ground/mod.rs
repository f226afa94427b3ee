//! The namespace that is written to: a live database of team payments and a deleted one, a database
//! of team billing, and rights for everybody, so that admission alone decides.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    reason = "whatever is not as it should be fails the test"
)]

mod caller;
mod kind;

use std::collections::BTreeMap;
use std::time::Duration;

use daap_crds::contract::{annotation, label};
use daap_crds::desired::Desired;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::{View, set_annotation};
use daap_crds::purpose::Purpose;
use daap_crds::tombstone::{Deletion, Retained, Stage, Tombstone};
use http::Method;
use kube::Client;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::sandbox::{Sandbox, SandboxOptions, User, wait_for};

pub use caller::Caller;
pub use kind::{
    ARCHIVE_ID, CLUSTERS, CONFIG_MAPS, DEPENDENTS, Kind, LEDGER_ID, ORDERS_ID, POOLERS, SECRETS,
    VOLUMES,
};

/// As a whole object is sent.
pub const JSON: &str = "application/json";
/// As what changes is sent.
pub const MERGE: &str = "application/merge-patch+json";

/// The namespace.
pub struct Ground {
    /// Impersonates whoever writes.
    pub client: Client,
    /// Its name.
    pub namespace: String,
    /// Of the spec of each kind.
    pub schemas: BTreeMap<&'static str, Value>,
}

/// The owner of `orders` and `archive`.
#[must_use]
pub fn payments() -> Caller {
    Caller::user(User::PaymentsDev.name(), Some("payments"))
}

/// The owner of `ledger`.
#[must_use]
pub fn billing() -> Caller {
    Caller::user(User::BillingDev.name(), Some("billing"))
}

/// The account of CNPG's operator.
#[must_use]
pub fn operator() -> Caller {
    Caller::user(User::Operator.name(), None)
}

impl Ground {
    /// A namespace with everything in it.
    pub async fn lay(namespace: &str) -> Self {
        static SANDBOX: OnceCell<Sandbox> = OnceCell::const_new();
        let options = SandboxOptions {
            operator: false,
            real_crds: true,
            ..SandboxOptions::default()
        };
        let sandbox = SANDBOX
            .get_or_try_init(|| Sandbox::start_with(options))
            .await
            .unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"));
        for warning in sandbox.warnings() {
            eprintln!("note: {warning}");
        }
        sandbox.fresh_namespace(namespace).await;
        let mut ground = Self {
            client: sandbox.client(User::Harness).await,
            namespace: namespace.to_owned(),
            schemas: BTreeMap::new(),
        };
        serve_dependents(&ground.client).await;
        ground.grant().await;
        ground.read_schemas().await;
        ground.database("orders", ORDERS_ID, &payments()).await;
        ground.dependents("orders", &payments()).await;
        ground.database("ledger", LEDGER_ID, &billing()).await;
        ground.dependents("ledger", &billing()).await;
        ground.deleted("archive", ARCHIVE_ID, &payments()).await;
        ground
    }

    /// Path of one object.
    #[must_use]
    pub fn path(&self, kind: Kind, name: &str) -> String {
        format!("{}/{name}", kind.collection(&self.namespace))
    }

    /// Sends a request that has to work.
    pub async fn must(&self, caller: &Caller, method: Method, path: &str, body: &Value) -> Value {
        let kind = if method == Method::PATCH { MERGE } else { JSON };
        let (status, answer) = caller
            .send(&self.client, method, path, kind, Some(body))
            .await;
        assert!(status < 300, "{}: {path}: {status} {answer}", caller.user);
        answer
    }

    /// Creates an object, which has to work.
    pub async fn create(&self, caller: &Caller, kind: Kind, object: &Value) -> Value {
        let path = kind.collection(&self.namespace);
        self.must(caller, Method::POST, &path, object).await
    }

    /// An object as it is stored; none where it does not exist.
    pub async fn read(&self, kind: Kind, name: &str) -> Option<Value> {
        let (path, harness) = (self.path(kind, name), harness());
        let (status, object) = harness
            .send(&self.client, Method::GET, &path, JSON, None)
            .await;
        (status == 200).then_some(object)
    }

    /// Every object of a kind, with its `kind`.
    pub async fn list(&self, kind: Kind) -> Vec<Value> {
        let path = kind.collection(&self.namespace);
        let (status, list) = harness()
            .send(&self.client, Method::GET, &path, JSON, None)
            .await;
        assert_eq!(status, 200, "{path}: {list}");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Whoever is logged in may do everything with everything that admission guards.
    async fn grant(&self) {
        let role = json!({
            "metadata": {"name": "everything"},
            "rules": [
                {"apiGroups": ["postgresql.cnpg.io"], "resources": ["*"], "verbs": ["*"]},
                {"apiGroups": [""], "verbs": ["*"], "resources": ["configmaps", "secrets",
                    "persistentvolumeclaims", "persistentvolumeclaims/status"]},
            ],
        });
        let binding = json!({
            "metadata": {"name": "everything"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "everything"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}],
        });
        let root = format!(
            "/apis/rbac.authorization.k8s.io/v1/namespaces/{}",
            self.namespace
        );
        for (plural, object) in [("roles", role), ("rolebindings", binding)] {
            let path = format!("{root}/{plural}");
            self.must(&harness(), Method::POST, &path, &object).await;
        }
    }

    async fn read_schemas(&mut self) {
        for kind in [CLUSTERS, POOLERS] {
            let path = format!(
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.postgresql.cnpg.io",
                kind.plural
            );
            let (_, crd) = harness()
                .send(&self.client, Method::GET, &path, JSON, None)
                .await;
            let spec =
                &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
            assert!(spec["properties"].is_object(), "{path} has a schema");
            self.schemas.insert(kind.plural, spec.clone());
        }
        let text = json!({"type": "string"});
        let dependent = json!({"type": "object", "properties": {
            "name": text, "owner": text, "method": text, "schedule": text, "ensure": text,
            "superuser": {"type": "boolean"}, "login": {"type": "boolean"},
            "inRoles": {"type": "array", "items": text},
            "cluster": {"type": "object", "properties": {"name": text}},
            "target": {"type": "object", "additionalProperties": text},
        }});
        for kind in DEPENDENTS {
            self.schemas.insert(kind.plural, dependent.clone());
        }
        let volume = json!({"type": "object", "properties": {
            "volumeName": text, "storageClassName": text, "volumeAttributesClassName": text,
            "resources": {"type": "object", "properties": {"requests": {"type": "object", "properties": {"storage": text}}}},
        }});
        self.schemas.insert(VOLUMES.plural, volume);
    }

    fn desired(&self, name: &str, id: &str, team: &str) -> Desired {
        Desired::smallest(
            DatabaseName::parse(name).unwrap(),
            &self.namespace,
            Team::parse(team).unwrap(),
            Purpose::parse("for a test").unwrap(),
            DatabaseId::parse(id).unwrap(),
        )
    }

    /// A database with what the operator makes of it; the Cluster as it is stored.
    pub async fn database(&self, name: &str, id: &str, owner: &Caller) -> Value {
        let desired = self.desired(name, id, &owner.groups[0]);
        let cluster = self.create(owner, CLUSTERS, &desired.cluster()).await;
        let uid = View(&cluster).uid();
        self.create(owner, POOLERS, &desired.pooler(uid)).await;
        let metadata = |suffix: &str| {
            json!({
                "name": format!("daap-{name}-{suffix}"),
                "labels": {label::NAME: name, label::OWNER_TEAM: owner.groups[0], label::ID: id,
                    "cnpg.io/cluster": format!("daap-{name}")},
                "annotations": {"cnpg.io/pvcStatus": "ready"},
                "ownerReferences": [{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
                    "name": format!("daap-{name}"), "uid": uid, "controller": true}],
            })
        };
        let volume = json!({
            "metadata": metadata("1"),
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        });
        let secret = json!({"metadata": metadata("app"), "stringData": {"password": "secret"}});
        self.create(&operator(), VOLUMES, &volume).await;
        self.create(&operator(), SECRETS, &secret).await;
        let cluster_path = self.path(CLUSTERS, &format!("daap-{name}"));
        let primary = json!({"status": {"targetPrimary": format!("daap-{name}-1")}});
        let status = format!("{cluster_path}/status");
        self.must(&operator(), Method::PATCH, &status, &primary)
            .await;
        let purpose =
            json!({"metadata": {"annotations": {annotation::PURPOSE: "a second version"}}});
        self.must(owner, Method::PATCH, &cluster_path, &purpose)
            .await
    }

    async fn dependents(&self, name: &str, owner: &Caller) {
        for kind in DEPENDENTS {
            let object = json!({
                "apiVersion": kind.api_version(), "kind": kind.word,
                "metadata": {"name": format!("daap-{name}-x")},
                "spec": {"cluster": {"name": format!("daap-{name}")}},
            });
            self.create(owner, kind, &object).await;
        }
    }

    /// A database that was deleted, whose data is kept.
    pub async fn deleted(&self, name: &str, id: &str, owner: &Caller) {
        let (map, mut tombstone) = self.detached(name, id, owner).await;
        for (kind, suffix) in [(POOLERS, "-pooler"), (CLUSTERS, "")] {
            let path = self.path(kind, &format!("daap-{name}{suffix}"));
            self.must(owner, Method::DELETE, &path, &json!({})).await;
        }
        self.stage(owner, &map, &mut tombstone, Stage::Complete)
            .await;
    }

    /// A database whose Cluster may go: path and contents of its tombstone.
    pub async fn detached(&self, name: &str, id: &str, owner: &Caller) -> (String, Tombstone) {
        let cluster = self.database(name, id, owner).await;
        let deletion = Deletion {
            by: &owner.user,
            reason: None,
            at: jiff::Timestamp::now(),
            retention_days: 30,
        };
        let desired = self.desired(name, id, &owner.groups[0]);
        let mut tombstone = Tombstone::of(View(&cluster), None, deletion);
        let map = tombstone.config_map(View(&cluster), &desired.name, &desired.id, deletion);
        let map = self.create(owner, CONFIG_MAPS, &map).await;
        tombstone.retained = Retained {
            volumes: vec![format!("daap-{name}-1")],
            secrets: vec![format!("daap-{name}-app")],
            ..Retained::default()
        };
        let map = self.path(CONFIG_MAPS, View(&map).name());
        self.stage(owner, &map, &mut tombstone, Stage::Written)
            .await;
        let alone = json!({"metadata": {"ownerReferences": null}});
        for (kind, suffix) in [(VOLUMES, "1"), (SECRETS, "app")] {
            let path = self.path(kind, &format!("daap-{name}-{suffix}"));
            self.must(owner, Method::PATCH, &path, &alone).await;
        }
        self.stage(owner, &map, &mut tombstone, Stage::Detached)
            .await;
        (map, tombstone)
    }

    async fn stage(&self, owner: &Caller, map: &str, tombstone: &mut Tombstone, stage: Stage) {
        tombstone.stage = stage;
        let mut patch = json!({});
        set_annotation(&mut patch, annotation::TOMBSTONE, tombstone.to_annotation());
        self.must(owner, Method::PATCH, map, &patch).await;
    }
}

/// Who may do anything that is not refused by admission.
#[must_use]
pub fn harness() -> Caller {
    Caller {
        user: User::Harness.name().into(),
        groups: vec!["system:masters".into()],
    }
}

/// Has CNPG's other types served, without their schemas: what counts is what they name.
pub async fn serve_dependents(client: &Client) {
    for kind in DEPENDENTS {
        let plural = kind.plural;
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.postgresql.cnpg.io")},
            "spec": {"group": "postgresql.cnpg.io", "scope": "Namespaced",
                "names": {"kind": kind.word, "plural": plural, "singular": kind.word.to_lowercase()},
                "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
        });
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let (status, answer) = harness()
            .send(client, Method::POST, path, JSON, Some(&definition))
            .await;
        assert!(status < 300 || status == 409, "{status} {answer}");
        let (path, harness) = (kind.collection("default"), harness());
        let served = wait_for("the kind is served", Duration::from_mins(1), async || {
            let (status, _) = harness.send(client, Method::GET, &path, JSON, None).await;
            Ok((status == 200).then_some(()))
        });
        served.await.unwrap();
    }
}
