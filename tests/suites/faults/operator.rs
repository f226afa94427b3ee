//! A fake of CNPG for the matrix alone: hundreds of databases come and go in minutes, and nobody
//! connects to one. It makes what the plugin looks at – volumes, Secrets, pods, the Pooler's
//! Deployment, statuses – with a dozen requests a database, where the stand-in of the sandbox makes
//! hundreds for real ones. Where that one is held to recordings, this one only follows it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use daap_crds::{contract::cnpg, object::View};
use daap_tests::sandbox::{Sandbox, User};
use futures::StreamExt as _;
use http::{Method, Request};
use kube::{
    Api, Client, ResourceExt as _,
    api::DynamicObject,
    core::{ApiResource, GroupVersionKind},
    runtime::{
        Controller,
        controller::{Action, Config},
        watcher,
    },
};
use serde_json::{Value, json};

/// A burst of changes is looked at once.
const DEBOUNCE: Duration = Duration::from_millis(20);
const RETRY: Duration = Duration::from_millis(300);
const HEALTHY: &str = "Cluster in healthy state";

struct Shared {
    client: Client,
    /// What each object, by its uid, was made for.
    known: Mutex<HashMap<String, String>>,
}

/// Plays the operator for as long as this process lives, whatever becomes of a test's own runtime.
pub(crate) fn play(sandbox: &'static Sandbox) {
    thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().unwrap();
        runtime.block_on(async {
            let shared = Arc::new(Shared {
                client: sandbox.client(User::Operator).await,
                known: Mutex::default(),
            });
            let clusters = follow(shared.clone(), "Cluster", cluster);
            let poolers = follow(shared, "Pooler", pooler);
            tokio::join!(clusters, poolers);
        });
    });
}

async fn follow<F>(
    shared: Arc<Shared>,
    kind: &str,
    reconcile: impl FnMut(Arc<DynamicObject>, Arc<Shared>) -> F,
) where
    F: Future<Output = kube::Result<Action>> + Send + 'static,
{
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk(cnpg::GROUP, "v1", kind));
    let api: Api<DynamicObject> = Api::all_with(shared.client.clone(), &kind);
    Controller::new_with(api, watcher::Config::default().any_semantic(), kind)
        .with_config(Config::default().debounce(DEBOUNCE))
        .run(reconcile, |_, _, _| Action::requeue(RETRY), shared)
        .for_each(|_| async {})
        .await;
}

impl Shared {
    /// Whether the object was looked at for another reason before.
    fn is_news(&self, uid: &str, reason: &str) -> bool {
        self.known.lock().unwrap().get(uid).map(String::as_str) != Some(reason)
    }

    fn remember(&self, uid: &str, reason: String) {
        self.known.lock().unwrap().insert(uid.to_owned(), reason);
    }

    async fn send(&self, method: Method, path: String, body: &Value) -> kube::Result<Value> {
        let kind = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder().method(method).uri(path);
        let request = request.header(http::header::CONTENT_TYPE, kind);
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        self.client.request(request.body(body).unwrap()).await
    }

    /// Makes the object; one that is there is used as it is.
    async fn make(&self, collection: &str, object: &Value) -> kube::Result<()> {
        let made = self.send(Method::POST, collection.to_owned(), object).await;
        unless(made, 409)
    }

    async fn patch(&self, target: String, patch: &Value) -> kube::Result<()> {
        unless(self.send(Method::PATCH, target, patch).await, 404)
    }

    async fn remove(&self, path: String) -> kube::Result<()> {
        unless(self.send(Method::DELETE, path, &Value::Null).await, 404)
    }
}

/// That this is the answer is as good as success.
fn unless(answer: kube::Result<Value>, code: u16) -> kube::Result<()> {
    match answer {
        Err(kube::Error::Api(status)) if status.code == code => Ok(()),
        other => other.map(drop),
    }
}

fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!([{
        "apiVersion": "postgresql.cnpg.io/v1", "kind": kind, "name": name, "uid": uid,
        "controller": true,
    }])
}

/// One pass over one Cluster.
struct Pass {
    shared: Arc<Shared>,
    object: Value,
    namespace: String,
    name: String,
    uid: String,
}

async fn cluster(object: Arc<DynamicObject>, shared: Arc<Shared>) -> kube::Result<Action> {
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let pass = Pass {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
        object: serde_json::to_value(&*object).unwrap(),
        shared,
    };
    let view = View(&pass.object);
    let docked = view.annotation(cnpg::HIBERNATION) == Some("on");
    let fenced = view.annotation(cnpg::FENCED_INSTANCES).is_some();
    let reason = format!("{docked} {fenced} {}", pass.object["spec"]);
    if pass.shared.is_news(&pass.uid, &reason) {
        pass.reconcile(docked, fenced).await?;
        pass.shared.remember(&pass.uid, reason);
    }
    Ok(Action::await_change())
}

impl Pass {
    fn collection(&self, plural: &str) -> String {
        format!("/api/v1/namespaces/{}/{plural}", self.namespace)
    }

    fn path(&self, plural: &str, name: &str) -> String {
        format!("{}/{name}", self.collection(plural))
    }

    fn instance(&self, serial: i64) -> String {
        format!("{}-{serial}", self.name)
    }

    fn metadata(&self, name: &str) -> Value {
        let mut labels = self.object["spec"]["inheritedMetadata"]["labels"].clone();
        labels[cnpg::CLUSTER] = self.name.as_str().into();
        json!({
            "name": name, "labels": labels,
            "ownerReferences": owner("Cluster", &self.name, &self.uid),
        })
    }

    async fn reconcile(&self, docked: bool, fenced: bool) -> kube::Result<()> {
        let wanted = self.object["spec"]["instances"].as_i64().unwrap_or(1);
        let new = View(&self.object).text("/status/currentPrimary").is_none();
        if new {
            self.secrets().await?;
        }
        let volumes = self.volumes(wanted, new).await?;
        for serial in 1..=wanted.max(volumes) {
            let path = self.path("pods", &self.instance(serial));
            if docked || serial > wanted {
                self.remove(path, serial > wanted, serial).await?;
            } else {
                let pods = self.collection("pods");
                self.shared.make(&pods, &self.pod(serial)).await?;
            }
        }
        self.report(wanted, docked, fenced).await
    }

    async fn remove(&self, pod: String, volume: bool, serial: i64) -> kube::Result<()> {
        self.shared.remove(pod).await?;
        if volume {
            let path = self.path("persistentvolumeclaims", &self.instance(serial));
            self.shared.remove(path).await?;
        }
        Ok(())
    }

    async fn secrets(&self) -> kube::Result<()> {
        for (suffix, kind, data) in [
            (
                "app",
                "kubernetes.io/basic-auth",
                json!({"username": "app", "password": "secret"}),
            ),
            ("ca", "Opaque", json!({"ca.crt": "a certificate"})),
        ] {
            let metadata = self.metadata(&format!("{}-{suffix}", self.name));
            let secret = json!({"metadata": metadata, "type": kind, "stringData": data});
            self.shared
                .make(&self.collection("secrets"), &secret)
                .await?;
        }
        Ok(())
    }

    /// Adopts, makes, labels and grows the volumes; how many there are.
    async fn volumes(&self, wanted: i64, new: bool) -> kube::Result<i64> {
        let claims = self.collection("persistentvolumeclaims");
        let ours = format!("{claims}?labelSelector={}%3D{}", cnpg::CLUSTER, self.name);
        let list = self.shared.send(Method::GET, ours, &Value::Null).await?;
        let found = list["items"].as_array().cloned().unwrap_or_default();
        let size = &self.object["spec"]["storage"]["size"];
        for claim in found.iter().map(View) {
            let mut patch = json!({
                "metadata": {"labels": self.metadata("")["labels"]},
                "spec": {"resources": {"requests": {"storage": size}}},
            });
            if new && claim.owner_references().is_empty() {
                patch["metadata"]["ownerReferences"] = owner("Cluster", &self.name, &self.uid);
            }
            self.shared
                .patch(self.path("persistentvolumeclaims", claim.name()), &patch)
                .await?;
        }
        for serial in 1..=wanted {
            let name = self.instance(serial);
            if found.iter().any(|claim| View(claim).name() == name) {
                continue;
            }
            let mut metadata = self.metadata(&name);
            metadata["labels"][cnpg::INSTANCE_NAME] = name.as_str().into();
            metadata["annotations"] =
                json!({cnpg::PVC_STATUS: "ready", "cnpg.io/nodeSerial": serial.to_string()});
            let claim = json!({"metadata": metadata, "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "standard",
                "volumeName": format!("pv-{}-{name}", self.namespace),
                "resources": {"requests": {"storage": size}},
            }});
            self.shared.make(&claims, &claim).await?;
            // Only a bound one may grow.
            let bound = json!({"status": {"phase": "Bound", "capacity": {"storage": size}}});
            let path = format!("{claims}/{name}/status");
            self.shared.patch(path, &bound).await?;
        }
        Ok(i64::try_from(found.len()).unwrap())
    }

    fn pod(&self, serial: i64) -> Value {
        let name = self.instance(serial);
        let mut metadata = self.metadata(&name);
        metadata["labels"]["cnpg.io/podRole"] = "instance".into();
        let claim = json!({"name": "pgdata", "persistentVolumeClaim": {"claimName": name}});
        json!({"metadata": metadata, "spec": {
            "containers": [{"name": "postgres", "image": "fake"}], "volumes": [claim],
        }})
    }

    async fn report(&self, wanted: i64, docked: bool, fenced: bool) -> kube::Result<()> {
        let ready = if docked || fenced { 0 } else { wanted };
        let time = jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let condition = |kind: &str, reason: &str| {
            json!({
                "type": kind, "status": "True", "reason": reason, "message": "",
                "lastTransitionTime": time,
            })
        };
        let mut conditions = vec![condition("Ready", "ClusterIsReady")];
        if docked {
            conditions.push(condition(cnpg::HIBERNATION_CONDITION, "Hibernated"));
        }
        let primary = self.instance(1);
        let status = json!({"status": {
            "phase": HEALTHY, "instances": wanted, "readyInstances": ready,
            "currentPrimary": primary, "targetPrimary": primary, "conditions": conditions,
        }});
        let path = format!(
            "/apis/{}/v1/namespaces/{}/clusters/{}/status",
            cnpg::GROUP,
            self.namespace,
            self.name
        );
        self.shared.patch(path, &status).await
    }
}

async fn pooler(object: Arc<DynamicObject>, shared: Arc<Shared>) -> kube::Result<Action> {
    let (name, uid) = (object.name_any(), object.uid().unwrap_or_default());
    let replicas = &object.data["spec"]["instances"];
    let reason = replicas.to_string();
    if object.metadata.deletion_timestamp.is_some() || !shared.is_news(&uid, &reason) {
        return Ok(Action::await_change());
    }
    let namespace = object.namespace().unwrap_or_default();
    let deployments = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    let labels = json!({cnpg::POOLER_NAME: name});
    let deployment = json!({
        "metadata": {"name": name, "labels": labels, "ownerReferences": owner("Pooler", &name, &uid)},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "pgbouncer", "image": "fake"}]},
            },
        },
    });
    shared.make(&deployments, &deployment).await?;
    let made = format!("{deployments}/{name}");
    // One of an earlier Pooler of the name is on its way out: another one follows.
    let found = shared.send(Method::GET, made.clone(), &Value::Null).await?;
    if !View(&found).is_owned_by(&uid) {
        return Ok(Action::requeue(RETRY));
    }
    let status = json!({
        "replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
        "updatedReplicas": replicas,
    });
    let patch = json!({"spec": {"replicas": replicas}});
    shared.patch(made.clone(), &patch).await?;
    shared
        .patch(format!("{made}/status"), &json!({"status": status}))
        .await?;
    shared.remember(&uid, reason);
    Ok(Action::await_change())
}
