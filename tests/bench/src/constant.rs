//! A server that decides nothing: the limit that TLS, HTTP and the socket set.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header;

/// `POST` of a body, which is read whole, to `/mutate` or `/validate`: answered with the same bytes each
/// time. To be served by `daap_webhook::listen`, as the webhook is.
pub fn constant(mutated: impl Into<Bytes>, validated: impl Into<Bytes>) -> Router {
    let answered = |bytes: Bytes| {
        let bytes = Arc::new(bytes);
        move |_body: Bytes| {
            let bytes = Bytes::clone(&bytes);
            async move { said(bytes) }
        }
    };
    Router::new()
        .route("/mutate", post(answered(mutated.into())))
        .route("/validate", post(answered(validated.into())))
        // As much as the webhook takes.
        .layer(axum::extract::DefaultBodyLimit::max(7 * 1024 * 1024))
}

fn said(bytes: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}
