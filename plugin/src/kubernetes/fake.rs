//! An API server in memory that fails when it is told to. Only for faults: what the API server
//! itself decides is tested on a real one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use serde_json::{Value, json};

use super::Kubernetes;

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It never arrives.
    Lost,
    /// It is done, but the answer never arrives.
    AnswerLost,
    /// It is refused with this code.
    Refused(u16),
}

type Plan = Box<dyn Fn(usize, &Method, &str) -> Option<Fault> + Send>;

#[derive(Default)]
struct Store {
    objects: BTreeMap<String, Value>,
    requests: usize,
    written: u64,
    plan: Option<Plan>,
}

/// The server.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Store>>);

const NAMESPACE: &str = "apps";
const CNPG: &str = "/apis/postgresql.cnpg.io/v1";

impl Fake {
    /// Lets requests fail: by their number from now on, method and path.
    pub(crate) fn fail(
        &self,
        plan: impl Fn(usize, &Method, &str) -> Option<Fault> + Send + 'static,
    ) {
        let mut store = self.0.lock().unwrap();
        store.requests = 0;
        store.plan = Some(Box::new(plan));
    }

    /// Lets everything succeed again.
    pub(crate) fn heal(&self) {
        let mut store = self.0.lock().unwrap();
        store.requests = 0;
        store.plan = None;
    }

    /// Requests since the last [`Fake::fail`] or [`Fake::heal`].
    pub(crate) fn requests(&self) -> usize {
        self.0.lock().unwrap().requests
    }

    /// The objects whose path contains `part`.
    pub(crate) fn objects(&self, part: &str) -> Vec<Value> {
        let store = self.0.lock().unwrap();
        let found = store.objects.iter().filter(|(path, _)| path.contains(part));
        found.map(|(_, object)| object.clone()).collect()
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> Kubernetes {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await.map_err(std::io::Error::other)?;
                let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
                fake.answer(&parts.method, &parts.uri, &body)
            }
        });
        let client = kube::Client::new(service, NAMESPACE);
        Kubernetes::new(client, NAMESPACE.into(), "https://fake.test".into(), None)
    }

    fn answer(
        &self,
        method: &Method,
        uri: &http::Uri,
        body: &Value,
    ) -> Result<Response<Body>, std::io::Error> {
        let mut store = self.0.lock().unwrap();
        let number = store.requests;
        store.requests += 1;
        let fault = store
            .plan
            .as_ref()
            .and_then(|plan| plan(number, method, uri.path()));
        let lost = || Err(std::io::Error::other("connection reset by peer"));
        let (code, answer) = match fault {
            Some(Fault::Lost) => return lost(),
            Some(Fault::Refused(code)) => (
                code,
                json!({"kind": "Status", "status": "Failure", "code": code, "message": "refused by the fake", "reason": "Forbidden"}),
            ),
            _ => store.handle(method, uri, body),
        };
        if fault == Some(Fault::AnswerLost) {
            return lost();
        }
        let code = StatusCode::from_u16(code).map_err(std::io::Error::other)?;
        Response::builder()
            .status(code)
            .body(Body::from(answer.to_string().into_bytes()))
            .map_err(std::io::Error::other)
    }
}

fn failure(code: u16, reason: &str) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason, "details": {"kind": "objects"}}),
    )
}

impl Store {
    fn handle(&mut self, method: &Method, uri: &http::Uri, body: &Value) -> (u16, Value) {
        let path = uri.path();
        let query = uri.query().unwrap_or_default();
        let dry_run = parameter(query, "dryRun").is_some();
        match *method {
            Method::POST if path.ends_with("selfsubjectreviews") => {
                (201, json!({"status": {"userInfo": {"username": "ada"}}}))
            }
            Method::POST => self.create(path, body, dry_run),
            Method::PATCH => self.patch(path, body, dry_run),
            Method::DELETE => self.delete(path, body, !body["dryRun"].is_null()),
            _ if path == CNPG => (200, json!({"resources": [{"name": "poolers"}]})),
            _ => match self.objects.get(path) {
                Some(object) => (200, object.clone()),
                None if is_collection(path) => (200, page(self.select(path, query), query)),
                None => failure(404, "NotFound"),
            },
        }
    }

    fn select(&self, path: &str, query: &str) -> Vec<Value> {
        let selector = parameter(query, "labelSelector").unwrap_or_default();
        let matches = |object: &Value| {
            selector
                .split(',')
                .filter(|part| !part.is_empty())
                .all(|part| {
                    let (key, value) = part.split_once('=').unwrap_or((part, ""));
                    let label = daap_crds::object::View(object).label(key);
                    label.is_some_and(|label| value.is_empty() || label == value)
                })
        };
        let prefix = format!("{path}/");
        let found = self
            .objects
            .iter()
            .filter(|(at, object)| at.starts_with(&prefix) && matches(object));
        found.map(|(_, object)| object.clone()).collect()
    }

    fn create(&mut self, path: &str, body: &Value, dry_run: bool) -> (u16, Value) {
        let name = body["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let at = format!("{path}/{name}");
        if self.objects.contains_key(&at) {
            return failure(409, "AlreadyExists");
        }
        let mut object = body.clone();
        self.written += 1;
        object["metadata"]["uid"] = format!("uid-{}", self.written).into();
        object["metadata"]["resourceVersion"] = self.written.to_string().into();
        if !dry_run {
            self.objects.insert(at, object.clone());
            self.operate();
        }
        (201, object)
    }

    fn patch(&mut self, path: &str, body: &Value, dry_run: bool) -> (u16, Value) {
        self.written += 1;
        let version = self.written.to_string();
        let Some(object) = self.objects.get_mut(path) else {
            return failure(404, "NotFound");
        };
        let asked = &body["metadata"]["resourceVersion"];
        if !asked.is_null() && *asked != object["metadata"]["resourceVersion"] {
            return failure(409, "Conflict");
        }
        let mut patched = object.clone();
        json_patch::merge(&mut patched, body);
        patched["metadata"]["resourceVersion"] = version.into();
        if !dry_run {
            object.clone_from(&patched);
            self.operate();
        }
        (200, patched)
    }

    fn delete(&mut self, path: &str, body: &Value, dry_run: bool) -> (u16, Value) {
        let uid = body["preconditions"]["uid"].clone();
        match self.objects.get(path) {
            None => return failure(404, "NotFound"),
            Some(object) if object["metadata"]["uid"] != uid => return failure(409, "Conflict"),
            Some(_) if dry_run => return (200, json!({"kind": "Status", "status": "Success"})),
            Some(_) => self.objects.remove(path),
        };
        // The garbage collector.
        let uid = uid.as_str().unwrap_or_default().to_owned();
        self.objects
            .retain(|_, object| !daap_crds::object::View(object).is_owned_by(&uid));
        (200, json!({"kind": "Status", "status": "Success"}))
    }

    /// The least that an operator does: volumes, Secrets, health, hibernation, the Deployment.
    fn operate(&mut self) {
        let clusters: Vec<(String, Value)> = self
            .objects
            .iter()
            .filter(|(path, _)| path.contains("/clusters/"))
            .map(|(path, object)| (path.clone(), object.clone()))
            .collect();
        for (path, cluster) in clusters {
            let name = cluster["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let owner =
                json!([{"kind": "Cluster", "name": name, "uid": cluster["metadata"]["uid"]}]);
            let docked = cluster["metadata"]["annotations"]["cnpg.io/hibernation"] == "on";
            let core = format!("/api/v1/namespaces/{NAMESPACE}");
            let mut made = vec![(
                format!("{core}/persistentvolumeclaims/{name}-1"),
                format!("{name}-1"),
            )];
            made.extend(["app", "ca"].map(|suffix| {
                (
                    format!("{core}/secrets/{name}-{suffix}"),
                    format!("{name}-{suffix}"),
                )
            }));
            let mut labels = cluster["spec"]["inheritedMetadata"]["labels"].clone();
            for (at, child) in made {
                let of_clients = child.ends_with("-app").then_some("app");
                let own = json!({"cnpg.io/cluster": name, "cnpg.io/instanceName": child, "cnpg.io/userType": of_clients});
                json_patch::merge(&mut labels, &own);
                self.objects.entry(at).or_insert_with(|| json!({"metadata": {
                    "name": child, "namespace": NAMESPACE, "uid": format!("uid-of-{child}"), "ownerReferences": owner,
                    "labels": labels,
                    "annotations": {"cnpg.io/pvcStatus": "ready"}},
                    "data": {"username": "YXBw", "dbname": "YXBw", "password": "b2xk"}}));
            }
            let deployment =
                format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}-pooler");
            if self.objects.contains_key(&format!(
                "{CNPG}/namespaces/{NAMESPACE}/poolers/{name}-pooler"
            )) {
                self.objects.insert(deployment, json!({"metadata": {"name": format!("{name}-pooler"), "namespace": NAMESPACE}, "status": {"availableReplicas": 1}}));
            }
            if let Some(stored) = self.objects.get_mut(&path) {
                stored["status"] = json!({"phase": "Cluster in healthy state", "readyInstances": 1, "instances": 1,
                    "currentPrimary": format!("{name}-1"), "targetPrimary": format!("{name}-1"),
                    "secretsResourceVersion": {"applicationSecretVersion": "1"},
                    "conditions": [{"type": "Ready", "status": "True"},
                        {"type": "cnpg.io/hibernation", "status": if docked { "True" } else { "False" }}]});
            }
        }
    }
}

/// What a query says of this key, without the escapes that selectors have.
fn parameter(query: &str, key: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == key)?;
    let value = value.replace("%3D", "=").replace("%2C", ",");
    Some(value.replace("%2F", "/"))
}

/// As many as are asked for, from where they are asked for.
fn page(mut items: Vec<Value>, query: &str) -> Value {
    let number = |key| -> Option<usize> { parameter(query, key)?.parse().ok() };
    let from = number("continue").unwrap_or_default();
    let mut items = items.split_off(from.min(items.len()));
    let limit = { number("limit") }.filter(|limit| *limit < items.len());
    let next = limit.map(|limit| {
        items.truncate(limit);
        (from + limit).to_string()
    });
    json!({"items": items, "metadata": {"continue": next}})
}

fn is_collection(path: &str) -> bool {
    [
        "clusters",
        "poolers",
        "configmaps",
        "secrets",
        "persistentvolumeclaims",
        "pods",
        "deployments",
    ]
    .iter()
    .any(|plural| path.ends_with(plural))
}
