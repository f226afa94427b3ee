//! From a request to its answer: what may fail on the way is contained here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use daap_crds::admission::Write;
use futures::FutureExt;
use http::{StatusCode, Uri};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::decide::{Decider, Verdict};
use crate::intake::{Intake, Refusal};
use crate::metrics::Metrics;
use crate::response;
use crate::review::{Review, ReviewError};
use crate::subject::Subject;

/// Reviews that are parsed and decided at once: bounds the memory, and how much is asked of the API
/// server at once.
const AT_ONCE: usize = 64;
/// What the API server waits where it does not say (`timeoutSeconds` in manifests/).
const USUAL_TIMEOUT: u64 = 5;

/// The two halves of admission.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Half {
    /// Completes an object.
    Mutate,
    /// Judges the final object.
    Validate,
}

impl Half {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// Answers reviews.
pub(crate) struct Endpoint {
    decider: Decider,
    intake: Intake,
    turns: Semaphore,
    metrics: Arc<Metrics>,
}

impl Endpoint {
    pub(crate) fn new(decider: Decider) -> Self {
        Self {
            intake: Intake::new(),
            turns: Semaphore::new(AT_ONCE),
            metrics: decider.metrics(),
            decider,
        }
    }

    /// Answers with the uid of the review, whatever else is wrong; only what is no review at all
    /// is refused by a status.
    pub(crate) async fn answer(&self, half: Half, request: Request) -> Response {
        let began = Instant::now();
        let _in_flight = self.metrics.begun(half);
        let (parts, body) = request.into_parts();
        let deadline = began + limit(&parts.uri);
        let held = match self.intake.read(&parts.headers, body, deadline).await {
            Ok(held) => held,
            Err(refusal) => return self.refused(half, refusal),
        };
        let Ok(Ok(_turn)) = timeout_at(deadline, self.turns.acquire()).await else {
            return self.refused(half, Refusal::Busy);
        };
        let _room = match self.intake.room(&held.bytes, deadline).await {
            Ok(room) => room,
            Err(refusal) => return self.refused(half, refusal),
        };
        // Reserved until the answer is written: the JSON below is what the memory is needed for.
        let _memory = held.memory;
        let review = match Review::read(&held.bytes, Timestamp::now()) {
            Ok(review) => review,
            Err(reason) => return self.no_review(half, &reason),
        };
        drop(held.bytes);
        let Review {
            uid,
            subject,
            write,
        } = review;
        let verdict = self.decide(half, write, deadline).await;
        let took = began.elapsed();
        self.metrics.answered(half, &subject, &verdict, took);
        log(half, &uid, &subject, &verdict, took);
        axum::Json(response::review(&uid, &subject, &verdict)).into_response()
    }

    /// A panic becomes a denial (Capsule, CVE-2026-65834), and a decision that hangs is given up
    /// before the API server gives us up. When the API server hangs up first, all of it is dropped.
    async fn decide(
        &self,
        half: Half,
        write: Result<Write, ReviewError>,
        deadline: Instant,
    ) -> Verdict {
        let decision = async {
            let write = match write {
                Ok(write) => write,
                Err(error) => return Verdict::refused(&error),
            };
            match half {
                Half::Mutate => self.decider.mutate(&write).await,
                Half::Validate => self.decider.validate(&write).await,
            }
        };
        let contained = AssertUnwindSafe(decision).catch_unwind();
        match timeout_at(deadline, contained).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => {
                self.metrics.panicked();
                Verdict::Failed {
                    code: 500,
                    message: "daap: the decision failed; nothing was written: report this with the uid of the request".into(),
                }
            }
            Err(_) => Verdict::Failed {
                code: 503,
                message: "daap: no decision in time; nothing was written, try again".into(),
            },
        }
    }

    fn refused(&self, half: Half, refusal: Refusal) -> Response {
        tracing::warn!(half = half.as_str(), reason = %refusal, "no review");
        self.metrics.refused(half);
        refusal.into_response()
    }

    fn no_review(&self, half: Half, reason: &str) -> Response {
        tracing::warn!(half = half.as_str(), reason, "no review");
        self.metrics.refused(half);
        (StatusCode::BAD_REQUEST, reason.to_owned()).into_response()
    }
}

/// How long a decision may take. The API server says how long it waits (`?timeout=5s`); a tenth of
/// that is left for the way back, so that it hears why.
fn limit(uri: &Uri) -> Duration {
    let said = uri.query().unwrap_or_default().split('&').find_map(|pair| {
        pair.strip_prefix("timeout=")?
            .strip_suffix('s')?
            .parse()
            .ok()
    });
    // What a webhook configuration can say.
    let seconds: u64 = said.unwrap_or(USUAL_TIMEOUT).clamp(1, 30);
    Duration::from_millis(seconds * 900)
}

/// Never objects: they may hold what nobody should read in a log.
fn log(half: Half, uid: &str, subject: &Subject, verdict: &Verdict, took: Duration) {
    let Subject {
        group: _,
        kind,
        resource,
        operation,
        namespace,
        name,
        user,
    } = subject;
    let (half, outcome) = (half.as_str(), verdict.outcome());
    let (rules, error) = (verdict.rules(), verdict.error());
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    macro_rules! reviewed {
        ($level:ident) => {
            tracing::$level!(
                uid,
                half,
                operation,
                kind,
                resource,
                namespace,
                name,
                user,
                verdict = outcome,
                rules,
                error,
                micros,
                "reviewed"
            )
        };
    }
    if error.is_some() {
        reviewed!(error);
    } else {
        reviewed!(info);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::as_the_api_server_says_it("/mutate?timeout=5s", 4500)]
    #[case::among_others("/mutate?a=b&timeout=3s", 2700)]
    #[case::unsaid("/mutate", 4500)]
    #[case::unreadable("/mutate?timeout=1m", 4500)]
    #[case::too_long("/mutate?timeout=9000s", 27_000)]
    #[case::none("/mutate?timeout=0s", 900)]
    fn the_limit_lies_below_the_time_out_of_the_api_server(#[case] uri: Uri, #[case] millis: u64) {
        assert_eq!(limit(&uri), Duration::from_millis(millis));
    }
}
