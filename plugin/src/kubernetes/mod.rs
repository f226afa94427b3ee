//! The API server, in raw JSON: the rules of daap work on raw values, and a typed object would drop
//! what it does not know.

mod connect;
mod credentials;
mod error;
#[cfg(test)]
pub(crate) mod fake;
mod incoming;
mod kind;
mod log;
mod pages;
mod retry;
mod review;
mod rows;
mod split;
mod warnings;
mod watch;

use std::time::Duration;

use daap_crds::contract::{FIELD_MANAGER, cnpg};
use daap_crds::object::View;
use kube::Client;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::params::GetParams;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use connect::connect;
use error::{ApiError, Request};
pub(crate) use error::{chain, explain};
pub(crate) use incoming::Ask;
pub(crate) use kind::Kind;
pub(crate) use review::{Right, Scope};
pub(crate) use rows::Row;
pub(crate) use watch::Change;

use crate::failure::{Class, Failure};

/// Objects that one page of a list holds, as kubectl's `--chunk-size`.
pub(crate) const CHUNK: u32 = 500;

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    /// The objects.
    pub(crate) items: Vec<Value>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// A connection to one API server, as one user.
#[derive(Clone)]
pub(crate) struct Kubernetes {
    client: Client,
    namespace: String,
    server: String,
    timeout: Option<Duration>,
    as_user: Option<String>,
    /// Whether writes are only tried.
    dry_run: bool,
}

impl Kubernetes {
    pub(crate) fn new(
        client: Client,
        namespace: String,
        server: String,
        timeout: Option<Duration>,
    ) -> Self {
        Self {
            client,
            namespace,
            server,
            timeout,
            as_user: None,
            dry_run: false,
        }
    }

    /// The same connection, which is known to impersonate that user.
    pub(crate) fn known_as(self, as_user: Option<String>) -> Self {
        Self { as_user, ..self }
    }

    /// The namespace of `-n`, else the context's.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Address of the API server.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// The same connection, for another namespace.
    pub(crate) fn in_namespace(&self, namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            ..self.clone()
        }
    }

    /// The same connection, on which writes are only tried: admission judges them, and nothing is stored.
    pub(crate) fn dry_run(&self) -> Self {
        Self {
            dry_run: true,
            ..self.clone()
        }
    }

    /// Whether writes are only tried.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The client itself, for port-forwards.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// The object, if it exists.
    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Result<Option<Value>, Failure> {
        let request = self.at(kind).get(name, &GetParams::default());
        optional(self.send(request, &format!("get {kind} \"{name}\"")).await)
    }

    /// Labels, annotations and the like of the object, if it exists: for Secrets, whose contents
    /// are nobody's business here.
    pub(crate) async fn get_metadata(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Value>, Failure> {
        let request = self.at(kind).get_metadata(name, &GetParams::default());
        optional(self.send(request, &format!("get {kind} \"{name}\"")).await)
    }

    /// Every object that the selector matches in our namespace.
    pub(crate) async fn list(&self, kind: Kind, selector: &str) -> Result<Vec<Value>, Failure> {
        self.list_in(kind, Some(&self.namespace), selector).await
    }

    /// Every object that the selector matches, in one namespace or all.
    pub(crate) async fn list_in(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
    ) -> Result<Vec<Value>, Failure> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let page = self.page(kind, namespace, selector, CHUNK, next).await?;
            items.extend(page.items);
            next = page.next;
            if next.is_none() {
                return Ok(items);
            }
        }
    }

    /// One page of the objects that the selector matches.
    pub(crate) async fn page(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
        size: u32,
        from: Option<String>,
    ) -> Result<Page, Failure> {
        let params = list_params(selector, size, from);
        let collection = kube::core::Request::new(kind.path(namespace));
        let request = if kind == Kind::Secret {
            collection.list_metadata(&params)
        } else {
            collection.list(&params)
        };
        let what = format!("list {kind}");
        let list: Value = self
            .send_in(request, &what, namespace.unwrap_or_default())
            .await?;
        let next = list
            .pointer("/metadata/continue")
            .and_then(Value::as_str)
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        Ok(Page {
            items: items(list),
            next,
        })
    }

    /// Creates the object in our namespace.
    pub(crate) async fn create(&self, kind: Kind, object: &Value) -> Result<Value, Failure> {
        let params = PostParams {
            dry_run: self.dry_run,
            field_manager: Some(FIELD_MANAGER.into()),
        };
        let name = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let request = self
            .at(kind)
            .create(&params, object.to_string().into_bytes());
        self.send(request, &format!("create {kind} \"{name}\""))
            .await
    }

    /// Patches the object: a JSON merge patch, which leaves alone what it does not name. (A
    /// server-side apply of only some fields would remove the others.)
    pub(crate) async fn merge(
        &self,
        kind: Kind,
        name: &str,
        patch: &Value,
    ) -> Result<Value, Failure> {
        let params = PatchParams {
            dry_run: self.dry_run,
            field_manager: Some(FIELD_MANAGER.into()),
            ..PatchParams::default()
        };
        let request = self.at(kind).patch(name, &params, &Patch::Merge(patch));
        self.send(request, &format!("patch {kind} \"{name}\""))
            .await
    }

    /// Deletes the object with that uid; that it is gone already is no error. Another object of the
    /// same name is left alone.
    pub(crate) async fn delete(&self, kind: Kind, name: &str, uid: &str) -> Result<(), Failure> {
        let params = DeleteParams {
            dry_run: self.dry_run,
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        let request = self.at(kind).delete(name, &params);
        match self
            .send::<Value>(request, &format!("delete {kind} \"{name}\""))
            .await
        {
            Ok(_) => Ok(()),
            Err(failure) if failure.classification() == Class::NotFound => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Those of CNPG's `kinds` that this version of the operator has: everybody may ask for that.
    pub(crate) async fn served(&self, kinds: &[Kind]) -> Result<Vec<Kind>, Failure> {
        let found = self.raw(&format!("/apis/{}/v1", cnpg::GROUP)).await?;
        let resources = View(&found).at("/resources").and_then(Value::as_array);
        let is_served = |kind: &&Kind| {
            let named = |resource| View(resource).text("/name") == Some(kind.plural());
            resources.is_some_and(|resources| resources.iter().any(named))
        };
        Ok(kinds.iter().filter(is_served).copied().collect())
    }

    /// GET of any path, for what is no object.
    pub(crate) async fn raw(&self, path: &str) -> Result<Value, Failure> {
        self.raw_as(path, &format!("get {path}")).await
    }

    /// The same; a refusal says that `what` was refused.
    pub(crate) async fn raw_as(&self, path: &str, what: &str) -> Result<Value, Failure> {
        let request = http::Request::get(path)
            .body(Vec::new())
            .map_err(kube::core::request::Error::BuildRequest);
        self.send(request, what).await
    }

    /// POST of a review: the API server's way to ask a question.
    async fn ask(&self, path: &str, question: &Value) -> Result<Value, Failure> {
        let request = kube::core::Request::new(path)
            .create(&PostParams::default(), question.to_string().into_bytes());
        self.send(request, &format!("ask {path}")).await
    }

    fn at(&self, kind: Kind) -> kube::core::Request {
        kube::core::Request::new(kind.path(Some(&self.namespace)))
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        what: &str,
    ) -> Result<T, Failure> {
        self.send_in(request, what, &self.namespace).await
    }

    async fn send_in<T: DeserializeOwned>(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        what: &str,
        namespace: &str,
    ) -> Result<T, Failure> {
        let asked = self.asked(what, namespace);
        let request = prepared(request, &asked)?;
        // In a box: or every operation that sends one would be the size of it.
        let answer = Box::pin(self.client.request::<T>(request));
        let answer = within(self.timeout, &asked, answer).await?;
        answer.map_err(|error| ApiError::from_kube(&error, &asked).into())
    }

    /// What a failure says of a request.
    fn asked(&self, what: &str, namespace: &str) -> Request {
        Request {
            what: what.to_owned(),
            server: self.server.clone(),
            namespace: namespace.to_owned(),
            as_user: self.as_user.clone(),
        }
    }
}

/// The request, which `-v` shows now.
fn prepared(
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    asked: &Request,
) -> Result<http::Request<Vec<u8>>, Failure> {
    let request = request.map_err(|error| unreadable(asked, &chain(&error)))?;
    tracing::info!(method = %request.method(), path = %request.uri(), "request");
    Ok(request)
}

fn unreadable(asked: &Request, why: &str) -> Failure {
    Failure::new(format!("failed to {}: {why}", asked.what))
}

/// Waits for no longer than `--request-timeout`.
async fn within<T>(
    timeout: Option<Duration>,
    asked: &Request,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let Some(timeout) = timeout else {
        return Ok(work.await);
    };
    let done = tokio::time::timeout(timeout, work).await;
    done.map_err(|_| {
        let (server, what) = (asked.server.clone(), asked.what.clone());
        ApiError::Timeout {
            server,
            what,
            seconds: timeout.as_secs(),
        }
        .into()
    })
}

fn items(mut list: Value) -> Vec<Value> {
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

fn list_params(selector: &str, size: u32, from: Option<String>) -> ListParams {
    let mut params = ListParams::default();
    if size > 0 {
        params = params.limit(size);
    }
    if !selector.is_empty() {
        params = params.labels(selector);
    }
    params.continue_token = from;
    params
}

fn optional(answer: Result<Value, Failure>) -> Result<Option<Value>, Failure> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(failure) if failure.classification() == Class::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// `{"metadata": {"annotations": {key: value}}}`, the most frequent patch.
pub(crate) fn annotate(annotations: &[(&str, Value)]) -> Value {
    let annotations: serde_json::Map<String, Value> = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    json!({"metadata": {"annotations": annotations}})
}
