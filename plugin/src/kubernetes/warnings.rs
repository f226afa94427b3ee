//! Warnings of the API server and of admission: the client drops them, users need them.

use http::Response;
use http::header::WARNING;

use crate::output::stderr_line;

/// Prints the warnings of a response to stderr, as kubectl does.
pub(super) fn show<B>(response: Response<B>) -> Response<B> {
    for value in response.headers().get_all(WARNING) {
        if let Some(text) = value.to_str().ok().and_then(text_of) {
            stderr_line(&format!("Warning: {text}"));
        }
    }
    response
}

/// The text of `299 - "text"`.
fn text_of(header: &str) -> Option<String> {
    let (_, quoted) = header.split_once('"')?;
    let (text, _) = quoted.rsplit_once('"')?;
    Some(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_text() {
        assert_eq!(
            text_of(r#"299 - "mode set to \"transaction\"""#).as_deref(),
            Some("mode set to \"transaction\"")
        );
        assert_eq!(text_of("nonsense"), None);
    }
}
