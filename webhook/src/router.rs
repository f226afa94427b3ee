//! The endpoints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use daap_crds::admission::Write;
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::decide::{Decider, Verdict};
use crate::response::{self, Subject};
use crate::review::{self, ReviewError};

/// Object and old object reach 3 MB each.
const LARGEST_BODY: usize = 7 * 1024 * 1024;
/// Bodies that are held and parsed at once: bounds the memory.
const CONCURRENCY: usize = 64;
/// Below the API server's time-out for us (5 s), so that it hears why.
const DECISION_LIMIT: Duration = Duration::from_millis(4500);

/// Whether new requests should be sent here.
#[derive(Debug, Default)]
pub struct Health {
    ending: AtomicBool,
}

impl Health {
    /// From now on readiness fails.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }
}

struct Service {
    decider: Decider,
    permits: Semaphore,
    health: Arc<Health>,
}

#[derive(Clone, Copy)]
enum Half {
    Mutate,
    Validate,
}

/// `POST /mutate` and `/validate`, `GET /healthz` and `/readyz`.
pub fn router(decider: Decider, health: Arc<Health>) -> Router {
    let service = Arc::new(Service {
        decider,
        permits: Semaphore::new(CONCURRENCY),
        health,
    });
    Router::new()
        .route("/mutate", post(mutate))
        .route("/validate", post(validate))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(service)
}

async fn ready(State(service): State<Arc<Service>>) -> (StatusCode, &'static str) {
    if service.health.ending.load(Ordering::Acquire) {
        (StatusCode::SERVICE_UNAVAILABLE, "ending")
    } else {
        (StatusCode::OK, "ok")
    }
}

async fn mutate(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    answer(service, Half::Mutate, &headers, &body).await
}

async fn validate(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(service, Half::Validate, &headers, &body).await
}

async fn answer(service: Arc<Service>, half: Half, headers: &HeaderMap, body: &Bytes) -> Response {
    let json = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            value.split(';').next().unwrap_or_default().trim() == "application/json"
        });
    if !json {
        let message = "the body of a review is application/json";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    }
    let began = Instant::now();
    let Ok(_permit) = service.permits.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let review: Value = match serde_json::from_slice(body) {
        Ok(review) => review,
        Err(error) => {
            return (
                StatusCode::BAD_REQUEST,
                format!("the body is no JSON: {error}"),
            )
                .into_response();
        }
    };
    let uid = match review::uid(&review) {
        Ok(uid) => uid,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let subject = Subject::of(&review);
    let verdict = match review::write(review, Timestamp::now()) {
        Ok(write) => decide(service.decider.clone(), half, write, &uid, began).await,
        Err(error) => unread(&error),
    };
    axum::Json(response::review(&uid, &subject, &verdict)).into_response()
}

/// What cannot be read is not let through unseen.
fn unread(error: &ReviewError) -> Verdict {
    tracing::error!(%error, "review not decided");
    Verdict::Failed {
        code: 403,
        message: format!("daap: {error}"),
    }
}

/// Decides in a task of its own: a panic there becomes a denial with the uid (Capsule,
/// CVE-2026-65834), and a decision that hangs is given up before the API server gives us up.
async fn decide(decider: Decider, half: Half, write: Write, uid: &str, began: Instant) -> Verdict {
    let known = write.known_view();
    let name = known.map(|view| view.name().to_owned()).unwrap_or_default();
    let (namespace, user) = (write.namespace.clone(), write.caller.user.clone());
    let (resource, operation) = (write.resource, write.operation);
    let task = tokio::spawn(async move {
        match half {
            Half::Mutate => decider.mutate(&write).await,
            Half::Validate => decider.validate(&write).await,
        }
    });
    let abort = task.abort_handle();
    let verdict = match tokio::time::timeout(DECISION_LIMIT, task).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => Verdict::Failed {
            code: 500,
            message: "daap: the decision failed; nothing was written: report this with the uid of the request".into(),
        },
        Err(_) => {
            abort.abort();
            Verdict::Failed {
                code: 503,
                message: "daap: no decision in time; nothing was written, try again".into(),
            }
        }
    };
    let (outcome, detail) = verdict.summary();
    let half = match half {
        Half::Mutate => "mutate",
        Half::Validate => "validate",
    };
    let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::info!(
        uid,
        half,
        ?resource,
        ?operation,
        namespace,
        name,
        user,
        outcome,
        detail,
        micros,
        "reviewed"
    );
    verdict
}
