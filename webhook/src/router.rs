//! The endpoints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use crate::decide::Decider;
use crate::endpoint::{Endpoint, Half};

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

/// `POST /mutate` and `/validate`, `GET /healthz` and `/readyz`.
pub fn router(decider: Decider, health: Arc<Health>) -> Router {
    let reviews = Router::new()
        .route("/mutate", post(mutate))
        .route("/validate", post(validate))
        .with_state(Arc::new(Endpoint::new(decider)));
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .with_state(health)
        .merge(reviews)
}

async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, &'static str) {
    if health.ending.load(Ordering::Acquire) {
        (StatusCode::SERVICE_UNAVAILABLE, "ending")
    } else {
        (StatusCode::OK, "ok")
    }
}

async fn mutate(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(Half::Mutate, request).await
}

async fn validate(State(endpoint): State<Arc<Endpoint>>, request: Request) -> Response {
    endpoint.answer(Half::Validate, request).await
}
