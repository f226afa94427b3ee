//! Which requests are sent again without asking anybody.

use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use tower::BoxError;
use tower::retry::Policy;

/// Attempts beside the first one; an operation that waits has its own retries with a deadline.
const RETRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// What a server may ask for with Retry-After before we rather say that it is overloaded.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends reads again that met an overloaded server. Writes are never repeated here: whether one was
/// done is for its operation to find out.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    attempts: u32,
}

impl<B> Policy<Request<Body>, Response<B>, BoxError> for Reads {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        let response = result.as_ref().ok()?;
        let overloaded = matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        if !overloaded || request.method() != Method::GET || self.attempts >= RETRIES {
            return None;
        }
        let backoff = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.attempts));
        self.attempts += 1;
        let asked = response
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        Some(tokio::time::sleep(
            asked.unwrap_or(backoff).min(LONGEST_PAUSE),
        ))
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        let mut copy = Request::new(request.body().try_clone()?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "the policy takes a result")]
    fn response(status: u16) -> Result<Response<()>, BoxError> {
        Ok(Response::builder().status(status).body(()).unwrap())
    }

    fn request(method: Method) -> Request<Body> {
        Request::builder()
            .method(method)
            .body(Body::empty())
            .unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn reads_are_repeated_a_few_times() {
        let mut policy = Reads::default();
        for _ in 0..RETRIES {
            assert!(
                policy
                    .retry(&mut request(Method::GET), &mut response(503))
                    .is_some()
            );
        }
        assert!(
            policy
                .retry(&mut request(Method::GET), &mut response(503))
                .is_none()
        );
    }

    #[tokio::test]
    async fn writes_and_other_answers_are_not() {
        let mut policy = Reads::default();
        assert!(
            policy
                .retry(&mut request(Method::POST), &mut response(429))
                .is_none()
        );
        assert!(
            policy
                .retry(&mut request(Method::GET), &mut response(404))
                .is_none()
        );
        let copy =
            Policy::<_, Response<()>, BoxError>::clone_request(&mut policy, &request(Method::GET));
        assert!(copy.is_some());
    }
}
