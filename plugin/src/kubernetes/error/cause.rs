//! Errors of kube's client in words that users read.

/// What an error of kube's client says, without the debugging output that it puts behind it.
pub(crate) fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.trim().to_owned(),
        other => chain(other),
    }
}

/// An error with everything that caused it, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// The innermost cause: `Connection refused (os error 111)` rather than `client error (Connect)`.
pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.to_string() {
        // What tokio says of a connection that nobody accepted in time.
        text if text == "deadline has elapsed" => "no connection in time".to_owned(),
        // rustls explains itself with a link to its manual.
        text if text.contains("close_notify") => "the connection was closed".to_owned(),
        text => text,
    }
}
