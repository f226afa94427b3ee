//! An API server that answers look-ups from facts: what both webhooks ask, so that neither waits for
//! more than the other.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use daap_webhook::FactsFile;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What of an object is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Whole,
    Metadata,
    MetadataList,
}

/// Facts do not change: what was answered once is answered so again.
type Answers = HashMap<Asked, Answer>;
type Asked = (String, Form);
type Answer = (StatusCode, Bytes);

/// An API server that listens.
#[derive(Debug)]
pub struct ApiServer {
    /// Where, in plain HTTP.
    pub address: SocketAddr,
    /// Ends when it fails.
    pub task: tokio::task::JoinHandle<std::io::Result<()>>,
}

struct Served {
    facts: FactsFile,
    answers: Mutex<Answers>,
}

impl Served {
    fn known(&self, asked: &Asked) -> Option<Answer> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(asked).cloned()
    }

    fn learn(&self, asked: Asked, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(asked, answer);
    }
}

impl ApiServer {
    /// Serves the facts of a file at `address`.
    ///
    /// # Errors
    /// They are no facts, or the address cannot be listened on.
    pub async fn start(address: SocketAddr, facts: &Path) -> anyhow::Result<Self> {
        let served = Served {
            facts: FactsFile::open(facts)?,
            answers: Mutex::default(),
        };
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("failed to listen on {address}"))?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(Arc::new(served));
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, task })
    }
}

/// A kubeconfig for the API server at that address.
#[must_use]
pub fn kubeconfig(address: SocketAddr) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "bench",
        "clusters": [{"name": "bench", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "webhook"}}],
        "users": [{"name": "webhook", "user": {}}],
    })
    .to_string()
}

async fn answer(
    State(served): State<Arc<Served>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = (uri.to_string(), form(&headers));
    let is_read = method == Method::GET;
    let known = is_read.then(|| served.known(&key)).flatten();
    let (status, bytes) = known.unwrap_or_else(|| {
        let (status, found) = served.facts.answer(&method, &uri, &body);
        let found = if status.is_success() {
            shaped(found, key.1)
        } else {
            found
        };
        let answer = (status, Bytes::from(found.to_string()));
        if is_read {
            served.learn(key, answer.clone());
        }
        answer
    });
    (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

fn form(headers: &HeaderMap) -> Form {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if accept.contains("as=PartialObjectMetadataList") {
        Form::MetadataList
    } else if accept.contains("as=PartialObjectMetadata") {
        Form::Metadata
    } else {
        Form::Whole
    }
}

/// As the API server shortens what it found.
fn shaped(found: Value, form: Form) -> Value {
    let metadata = |object: &Value| json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object.get("metadata")});
    match form {
        Form::Whole => found,
        Form::Metadata => metadata(&found),
        Form::MetadataList => {
            let items = found.get("items").and_then(Value::as_array);
            let items: Vec<Value> = items.into_iter().flatten().map(metadata).collect();
            json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
                "metadata": found.get("metadata"), "items": items})
        }
    }
}
