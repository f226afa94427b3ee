//! How long the API server takes to say who may act for a team: the part of a decision that is not
//! ours.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::{BoxFuture, FutureExt};
use http::{Request, Response};
use tower::{Layer, Service};

use crate::metrics::Metrics;

/// Measures `SubjectAccessReviews` of a client.
#[derive(Clone)]
pub(crate) struct MeasureAccessReviews(pub(crate) Arc<Metrics>);

impl<S> Layer<S> for MeasureAccessReviews {
    type Service = Measured<S>;

    fn layer(&self, inner: S) -> Measured<S> {
        Measured {
            inner,
            metrics: Arc::clone(&self.0),
        }
    }
}

#[derive(Clone)]
pub(crate) struct Measured<S> {
    inner: S,
    metrics: Arc<Metrics>,
}

impl<S, A, B> Service<Request<A>> for Measured<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if !request.uri().path().ends_with("/subjectaccessreviews") {
            return self.inner.call(request).boxed();
        }
        let mut waits = Waits {
            metrics: Arc::clone(&self.metrics),
            since: Instant::now(),
            // Whoever waits for too long drops the request.
            outcome: "given up",
        };
        let call = self.inner.call(request);
        async move {
            let answer = call.await;
            waits.end(match &answer {
                Ok(response) if response.status().is_success() => "answered",
                Ok(_) => "refused",
                Err(_) => "failed",
            });
            answer
        }
        .boxed()
    }
}

/// Observed when it is dropped.
struct Waits {
    metrics: Arc<Metrics>,
    since: Instant,
    outcome: &'static str,
}

impl Waits {
    /// As a method, so that all of it moves to where the answer comes.
    fn end(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.metrics
            .access_reviewed(self.outcome, self.since.elapsed());
    }
}
