//! What the rules ask of the world.

mod api_server;
mod naming;
mod rights;

use std::error::Error;
use std::time::Duration;

use daap_crds::admission::{Answer, Caller, Question};
use futures::future::BoxFuture;

pub use api_server::KubeLookup;

/// Below the API server's time-out for us (5 s), so that an answer still reaches it.
const CALL_LIMIT: Duration = Duration::from_secs(2);

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The API server refused, or could not be reached.
    #[error("could not look up {0}: {reason}", reason = in_full(.1))]
    Api(&'static str, #[source] Box<kube::Error>),
    /// The API server did not answer in time.
    #[error("could not look up {0}: no answer within {seconds} s", seconds = CALL_LIMIT.as_secs())]
    TimedOut(&'static str),
    /// What should be there once is there several times.
    #[error("could not look up {0}: several claim to be it: {1}")]
    Ambiguous(&'static str, String),
    /// An object could not be read.
    #[error("could not look up {0}: {1}")]
    Unreadable(&'static str, #[source] serde_json::Error),
}

impl LookupError {
    /// Whether the same question may well have an answer a moment later. What the API server
    /// refuses outright (our own rights are missing, say) stays so until somebody acts.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Api(_, error) => match error.as_ref() {
                kube::Error::Api(status) => {
                    status.code == 429 || !(400..500).contains(&status.code)
                }
                _ => true,
            },
            Self::TimedOut(_) => true,
            Self::Ambiguous(..) | Self::Unreadable(..) => false,
        }
    }
}

/// kube's errors name their cause only at the end of the chain of sources.
fn in_full(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Answers the questions of rules.
pub trait Lookup: Send + Sync {
    /// The answer to `question`, as it is for `caller`.
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>>;
}

/// The answer of one call, in time.
async fn within<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, LookupError> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(answer) => answer.map_err(|error| LookupError::Api(what, Box::new(error))),
        Err(_) => Err(LookupError::TimedOut(what)),
    }
}
