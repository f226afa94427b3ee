//! Durations as kubectl reads them.

use std::time::Duration;

/// Parses `5m`, `1m30s`, `300ms`; a bare number is seconds.
///
/// # Errors
/// It is neither, or below zero.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| format!("'{text}' is no duration; write it as 30s, 5m or 1m30s"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("5m", 300_000)]
    #[case("1m30s", 90_000)]
    #[case("300ms", 300)]
    #[case("7", 7_000)]
    #[case("0", 0)]
    fn accepts(#[case] text: &str, #[case] milliseconds: u64) {
        assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)));
    }

    #[rstest]
    #[case("")]
    #[case("-5m")]
    #[case("soon")]
    fn rejects(#[case] text: &str) {
        assert!(parse(text).is_err());
    }
}
