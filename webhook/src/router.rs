//! The endpoints.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::map_response_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};

use crate::decide::Decider;
use crate::endpoint::{Endpoint, Half};
use crate::metrics::Metrics;
use crate::readiness::Readiness;

const MUTATE: &str = "/mutate";
const VALIDATE: &str = "/validate";
/// What `OpenMetrics` calls its text.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether new requests should be sent here.
#[derive(Default)]
pub struct Health {
    ending: AtomicBool,
    readiness: OnceLock<Readiness>,
}

impl Health {
    /// From now on readiness fails.
    pub fn end(&self) {
        self.ending.store(true, Ordering::Release);
    }

    /// From now on readiness is what this finds out. Only the first counts.
    pub(crate) fn check_by(&self, readiness: Readiness) {
        let _ = self.readiness.set(readiness);
    }
}

/// `POST /mutate` and `/validate`, `GET /healthz` and `/readyz`: what is served over TLS.
pub fn router(decider: Decider, health: Arc<Health>) -> Router {
    let reviews = Router::new()
        .route(MUTATE, post(mutate))
        .route(VALIDATE, post(validate))
        .with_state(Arc::new(Endpoint::new(decider)))
        .layer(map_response_with_state(Arc::clone(&health), last_of_it));
    health_router(health).merge(reviews)
}

/// Whether reviews are sent there.
pub(crate) fn is_review(path: &str) -> bool {
    [MUTATE, VALIDATE].contains(&path)
}

/// The API server keeps its connections to a pod that is ending, and does not repeat a POST that
/// meets the end of one: each is told to end with an answer, as long as there are answers.
async fn last_of_it(State(health): State<Arc<Health>>, mut answer: Response) -> Response {
    if health.ending.load(Ordering::Acquire) {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
    }
    answer
}

/// `GET /metrics`, `/healthz` and `/readyz`: what is served in plain, to the kubelet and to
/// Prometheus.
pub(crate) fn plain_router(metrics: Arc<Metrics>, health: Arc<Health>) -> Router {
    let metrics = Router::new()
        .route("/metrics", get(show))
        .with_state(metrics);
    health_router(health).merge(metrics)
}

fn health_router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(health)
}

async fn show(
    State(metrics): State<Arc<Metrics>>,
) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], metrics.text())
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, String) {
    if health.ending.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending".into());
    }
    let Some(readiness) = health.readiness.get() else {
        return (StatusCode::OK, "ok".into());
    };
    match readiness.check().await {
        Ok(()) => (StatusCode::OK, "ok".into()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
    }
}

async fn mutate(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(Half::Mutate, request).await
}

async fn validate(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(Half::Validate, request).await
}
