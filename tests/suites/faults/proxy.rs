//! A proxy between the plugin and the API server: it counts the requests, and on one of them
//! something goes wrong.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    future::pending,
    sync::{Arc, Mutex},
};

use daap_tests::proxy::{self, Broken, forward};
use http::{Method, Request, Response, StatusCode, header};
use kube::{Client, client::Body};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::request::{Key, Names};

/// What goes wrong on a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The connection breaks before the request is sent on.
    Refused,
    /// It is done, and the connection breaks before the answer.
    AnswerLost,
    /// 403, as RBAC says it.
    Forbidden,
    /// 409
    Conflict,
    /// 422, as validation says it.
    Invalid,
    /// 429 with Retry-After
    TooMany,
    /// 500
    Internal,
    /// Nothing happens until the client gives up.
    Hang,
    /// The plugin is killed instead of the request being sent on.
    KilledBefore,
    /// The plugin is killed when the request is done.
    KilledAfter,
    /// Something strikes elsewhere, and then the request is sent on.
    Meanwhile,
}

impl Fault {
    /// Those of the matrix.
    pub(crate) const ALL: [Self; 10] = [
        Self::Refused,
        Self::AnswerLost,
        Self::Forbidden,
        Self::Conflict,
        Self::Invalid,
        Self::TooMany,
        Self::Internal,
        Self::Hang,
        Self::KilledBefore,
        Self::KilledAfter,
    ];

    /// What the API server answers; none where it does not.
    fn status(self) -> Option<(StatusCode, &'static str, &'static str)> {
        Some(match self {
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "Forbidden",
                "it is forbidden: User \"payments-dev\" cannot do it: a fault of the matrix",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version",
            ),
            Self::Invalid => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid",
                "it is invalid: spec: Forbidden: a fault of the matrix",
            ),
            Self::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequests",
                "the server has received too many requests and has asked us to try again later",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "Internal error occurred: a fault of the matrix",
            ),
            _ => return None,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Refused => "refused",
            Self::AnswerLost => "answer lost",
            Self::Forbidden => "403",
            Self::Conflict => "409",
            Self::Invalid => "422",
            Self::TooMany => "429",
            Self::Internal => "500",
            Self::Hang => "hang",
            Self::KilledBefore => "kill before",
            Self::KilledAfter => "kill after",
            Self::Meanwhile => "meanwhile",
        })
    }
}

/// Someone is to be killed now; the sender is told when it is done.
pub(crate) type Strike = oneshot::Sender<()>;

/// The proxy.
pub(crate) struct Proxy {
    listening: proxy::Proxy,
    shared: Arc<Shared>,
}

struct Shared {
    /// Talks to the API server as the user of the case.
    client: Client,
    names: Names,
    plan: Option<(Key, Fault)>,
    seen: Mutex<Seen>,
    strikes: mpsc::UnboundedSender<Strike>,
}

#[derive(Default)]
struct Seen {
    requests: Vec<Key>,
    counts: BTreeMap<String, usize>,
    fired: bool,
    met_conflict: bool,
}

impl Proxy {
    /// A proxy, and what tells of strikes.
    pub(crate) async fn start(
        client: Client,
        names: Names,
        plan: Option<(Key, Fault)>,
    ) -> (Self, mpsc::UnboundedReceiver<Strike>) {
        let (strikes, told) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            client,
            names,
            plan,
            seen: Mutex::default(),
            strikes,
        });
        let answering = shared.clone();
        let answer = move |request| answer(answering.clone(), request);
        let listening = proxy::Proxy::start(answer).await;
        (Self { listening, shared }, told)
    }

    /// A kubeconfig that leads here. Credentials are the proxy's business.
    pub(crate) fn kubeconfig(&self) -> String {
        self.listening.kubeconfig()
    }

    /// What the kubeconfig is to be called; no other proxy that runs has one of this name.
    pub(crate) fn file_name(&self) -> String {
        format!("proxy-{}.json", self.listening.address().port())
    }

    /// Whether the fault has happened.
    pub(crate) fn has_fired(&self) -> bool {
        self.shared.seen.lock().unwrap().fired
    }

    /// Whether the API server itself has answered 409: somebody else was faster.
    pub(crate) fn has_met_conflict(&self) -> bool {
        self.shared.seen.lock().unwrap().met_conflict
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Key> {
        self.shared.seen.lock().unwrap().requests.clone()
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Body>) -> Result<Response<Body>, Broken> {
    let fault = shared.note(request.method(), request.uri());
    let Some(fault) = fault else {
        let answer = forward(&shared.client, request).await?;
        if answer.status() == StatusCode::CONFLICT {
            shared.seen.lock().unwrap().met_conflict = true;
        }
        return Ok(answer);
    };
    if let Some(status) = fault.status() {
        return Ok(refusal(status));
    }
    match fault {
        Fault::AnswerLost | Fault::KilledAfter => drop(forward(&shared.client, request).await?),
        Fault::Meanwhile => {
            shared.strike().await;
            return forward(&shared.client, request).await;
        }
        _ => {}
    }
    match fault {
        Fault::Hang => match pending::<Infallible>().await {},
        Fault::KilledBefore | Fault::KilledAfter => shared.strike().await,
        _ => {}
    }
    Err(Broken)
}

impl Shared {
    /// Counts the request; what is to go wrong on it, once.
    fn note(&self, method: &Method, uri: &http::Uri) -> Option<Fault> {
        let what = self.names.signature(method, uri);
        let mut seen = self.seen.lock().unwrap();
        let count = seen.counts.entry(what.clone()).or_default();
        *count += 1;
        let key = Key {
            what,
            occurrence: *count,
        };
        let fault = self.plan.as_ref().filter(|(planned, _)| *planned == key);
        let fault = fault.map(|(_, fault)| *fault);
        seen.fired |= fault.is_some();
        seen.requests.push(key);
        fault
    }

    /// Has someone killed, and waits until it is dead.
    async fn strike(&self) {
        let (done, told) = oneshot::channel();
        if self.strikes.send(done).is_ok() {
            let _ = told.await;
        }
    }
}

/// The answer of an API server that does not do it.
fn refusal((code, reason, message): (StatusCode, &str, &str)) -> Response<Body> {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    let mut response = Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, "application/json");
    if code == StatusCode::TOO_MANY_REQUESTS {
        response = response.header(header::RETRY_AFTER, "1");
    }
    response
        .body(Body::from(status.to_string().into_bytes()))
        .unwrap()
}
