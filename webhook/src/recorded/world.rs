//! An API server that knows what the facts say and nothing else: look-ups ask it as they ask a real
//! one, so that they are decided by the same code.

use std::sync::Arc;

use daap_crds::admission::Resource;
use daap_crds::contract::cnpg;
use http::{Method, Request, Response, StatusCode, Uri};
use k8s_openapi::api::authorization::v1::{SubjectAccessReview, SubjectAccessReviewStatus};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::facts::FactsFile;

/// Of the operator's API.
const VERSION: &str = "v1";

pub(super) fn client(facts: FactsFile) -> Client {
    let facts = Arc::new(facts);
    let service = tower::service_fn(move |request: Request<Body>| {
        let facts = Arc::clone(&facts);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect_bytes().await?;
            let (status, answer) = answer(&facts, &head.method, &head.uri, &body);
            let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
            *response.status_mut() = status;
            Ok::<_, kube::Error>(response)
        }
    });
    Client::new(service, "default")
}

/// What it answers to a look-up.
pub(super) fn answer(
    facts: &FactsFile,
    method: &Method,
    uri: &Uri,
    body: &[u8],
) -> (StatusCode, Value) {
    if method == Method::GET {
        read(facts, uri)
    } else {
        access(facts, body)
    }
}

/// Nothing else is ever written by a look-up.
fn access(facts: &FactsFile, body: &[u8]) -> (StatusCode, Value) {
    let Ok(mut review) = serde_json::from_slice::<SubjectAccessReview>(body) else {
        return failure(
            StatusCode::BAD_REQUEST,
            "only SubjectAccessReviews are answered",
        );
    };
    review.status = Some(SubjectAccessReviewStatus {
        allowed: facts.allows(&review.spec),
        ..SubjectAccessReviewStatus::default()
    });
    let answer = serde_json::to_value(review);
    (StatusCode::CREATED, answer.unwrap_or_default())
}

fn read(facts: &FactsFile, uri: &Uri) -> (StatusCode, Value) {
    if uri.path() == format!("/apis/{}/{VERSION}", cnpg::GROUP) {
        return (StatusCode::OK, served());
    }
    let Some(wanted) = Wanted::of(uri) else {
        return failure(StatusCode::NOT_FOUND, "the facts know no such path");
    };
    let found = facts.objects.iter().filter(|object| wanted.is(object));
    let mut found: Vec<&Value> = found.collect();
    if wanted.name.is_none() {
        let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": "1"}, "items": found});
        return (StatusCode::OK, list);
    }
    match found.pop() {
        Some(object) => (StatusCode::OK, object.clone()),
        None => not_found(&wanted),
    }
}

/// What there is of the operator's kinds: all of them, so that those that the facts have are found.
fn served() -> Value {
    let of_the_operator = Resource::ALL
        .into_iter()
        .filter(|resource| resource.group() == cnpg::GROUP);
    let resources: Vec<Value> = of_the_operator
        .map(|resource| {
            json!({"name": resource.resource(), "singularName": "", "namespaced": true,
                "kind": resource.kind(), "verbs": ["get", "list"]})
        })
        .collect();
    json!({"kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": format!("{}/{VERSION}", cnpg::GROUP), "resources": resources})
}

fn failure(code: StatusCode, message: &str) -> (StatusCode, Value) {
    let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure",
        "code": code.as_u16(), "reason": code.canonical_reason(), "message": message});
    (code, status)
}

/// As the API server words it: of what kind, and called what.
fn not_found(wanted: &Wanted) -> (StatusCode, Value) {
    let name = wanted.name.as_deref().unwrap_or_default();
    let message = format!("{} {name:?} not found", wanted.plural);
    let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure",
        "code": 404, "reason": "NotFound", "message": message,
        "details": {"group": wanted.group, "kind": wanted.plural, "name": name}});
    (StatusCode::NOT_FOUND, status)
}

/// What a path and its query ask for.
struct Wanted {
    group: String,
    namespace: Option<String>,
    plural: String,
    name: Option<String>,
    /// Keys, and their values where one is asked for.
    labels: Vec<(String, Option<String>)>,
}

impl Wanted {
    fn of(uri: &Uri) -> Option<Self> {
        let mut parts = uri.path().split('/').filter(|part| !part.is_empty());
        let group = match parts.next()? {
            "api" => String::new(),
            _ => parts.next()?.to_owned(),
        };
        let _version = parts.next()?;
        let mut next = parts.next()?;
        let namespace = if next == "namespaces" {
            let namespace = parts.next()?.to_owned();
            next = parts.next()?;
            Some(namespace)
        } else {
            None
        };
        let query = uri.query().unwrap_or_default();
        let selector = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("labelSelector="));
        Some(Self {
            group,
            namespace,
            plural: next.to_owned(),
            name: parts.next().map(str::to_owned),
            labels: selector.map(labels).unwrap_or_default(),
        })
    }

    fn is(&self, object: &Value) -> bool {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        let version = text("/apiVersion").unwrap_or_default();
        let group = version.split_once('/').map_or("", |(group, _)| group);
        // True of every kind that is asked for.
        let plural = text("/kind").map(|kind| format!("{}s", kind.to_lowercase()));
        let namespace = text("/metadata/namespace");
        let labels = object.pointer("/metadata/labels");
        let carries = |(key, value): &(String, Option<String>)| {
            let found = labels.and_then(|labels| labels.get(key)?.as_str());
            found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
        };
        group == self.group
            && plural.as_ref() == Some(&self.plural)
            && { self.namespace.as_deref() }.is_none_or(|wanted| namespace == Some(wanted))
            && { self.name.as_deref() }.is_none_or(|name| text("/metadata/name") == Some(name))
            && self.labels.iter().all(carries)
    }
}

/// `a=b,c` as it stands in a query.
fn labels(selector: &str) -> Vec<(String, Option<String>)> {
    let selector = decoded(selector);
    let terms = selector.split(',').filter(|term| !term.is_empty());
    terms
        .map(|term| match term.split_once('=') {
            Some((key, value)) => (
                key.to_owned(),
                Some(value.trim_start_matches('=').to_owned()),
            ),
            None => (term.to_owned(), None),
        })
        .collect()
}

/// Selectors are ASCII.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut decoded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        if let Ok(byte) = u8::from_str_radix(code, 16) {
            decoded.push(char::from(byte));
        }
        decoded.push_str(rest);
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_a_request_asks_for() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "t", "namespace": "apps", "labels": {"daap.dev/id": "7", "daap.dev/deleted": "true"}}});
        let found = |uri: &str| Wanted::of(&uri.parse().unwrap()).unwrap().is(&object);
        assert!(found("/api/v1/namespaces/apps/configmaps/t"));
        assert!(found(
            "/api/v1/namespaces/apps/configmaps?&labelSelector=daap.dev%2Fid%3D7%2Cdaap.dev%2Fdeleted"
        ));
        assert!(found("/api/v1/configmaps"));
        assert!(!found("/api/v1/namespaces/apps/configmaps/u"));
        assert!(!found("/api/v1/namespaces/apps/secrets/t"));
        assert!(!found("/apis/example.com/v1/namespaces/apps/configmaps/t"));
        assert!(!found("/api/v1/namespaces/other/configmaps/t"));
        assert!(!found(
            "/api/v1/namespaces/apps/configmaps?labelSelector=daap.dev%2Fid%3D8"
        ));
    }
}
