//! What can go wrong while an object is reconciled.

/// What can go wrong while an object is reconciled.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The API server refused or did not answer.
    #[error("the API server refused a request")]
    Api(#[from] kube::Error),
    /// A file or a process could not be handled.
    #[error("failed to handle a file or process")]
    Io(#[from] std::io::Error),
    /// An object is not what it should be.
    #[error("an object cannot be read or written as JSON")]
    Json(#[from] serde_json::Error),
    /// A certificate could not be made.
    #[error("failed to make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// What a pass is about was deleted meanwhile.
    #[error("{0} is gone")]
    Gone(String),
    /// Anything else, said in words.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// What admission says, where it refused an object: a quota, a policy.
    pub(super) fn refusal(&self) -> Option<&str> {
        match self {
            Self::Api(kube::Error::Api(status)) if status.code == 403 => Some(&status.message),
            _ => None,
        }
    }

    /// Whether this is a race that the next try settles: an object that came or went meanwhile.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Gone(_))
            || matches!(self, Self::Api(kube::Error::Api(status)) if status.code == 404 || status.code == 409)
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = cause.source();
    }
    line
}
