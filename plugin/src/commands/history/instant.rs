//! A time in the past, as users write it.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

const REST_OF_A_SECOND: SignedDuration = SignedDuration::from_millis(999);
const ALLOWED: &str = "write it as 2026-11-21T08:00:00Z, as 2026-11-21 (its beginning, in UTC), or as how long ago it is: 90m, 2h, 3d";

/// Reads an RFC 3339 time, a date or time in UTC, or how long before `now`. Whole seconds last to
/// their end.
///
/// # Errors
/// It is none of these, or lies after `now`.
pub(super) fn parse(given: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = given.trim();
    let at =
        read(text, now).ok_or_else(|| format!("'{given}' is no time in the past; {ALLOWED}"))?;
    if at > now {
        return Err(format!(
            "'{given}' lies in the future: it is {} now; {ALLOWED}",
            seconds(now)
        ));
    }
    Ok(if is_to_the_second(text) {
        at.checked_add(REST_OF_A_SECOND).unwrap_or(at)
    } else {
        at
    })
}

/// Versions begin to the millisecond, and the table shows seconds: a beginning that is copied from
/// it has to lie in the version that it was copied from.
fn is_to_the_second(text: &str) -> bool {
    text.matches(':').count() > 1 && !text.contains('.')
}

fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    let utc = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // `2026-11-21T08:00Z`: without seconds.
    if let Some(Ok(time)) = text.strip_suffix('Z').map(str::parse::<DateTime>) {
        return utc(time);
    }
    // A date alone is its beginning.
    if let Ok(time) = text.parse::<DateTime>() {
        return utc(time);
    }
    // Only `3d` and `3d ago`: `-3d` would be in the future, or twice in the past.
    let span = text.strip_suffix("ago").unwrap_or(text).trim();
    if !span.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let ago = span
        .parse::<Span>()
        .ok()?
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .ok()?;
    now.checked_sub(ago).ok()
}

/// A time to the second, RFC 3339 UTC: as it is shown in tables, and can be typed again.
pub(super) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    #[rstest]
    #[case("2026-11-21T08:00:00Z", "2026-11-21T08:00:00.999Z")]
    #[case("2026-11-21T08:00:00+02:00", "2026-11-21T06:00:00.999Z")]
    #[case("2026-11-21T08:00:00.25Z", "2026-11-21T08:00:00.25Z")]
    #[case("2026-11-21T08:00Z", "2026-11-21T08:00:00Z")]
    #[case("2026-11-21 08:00", "2026-11-21T08:00:00Z")]
    #[case("2026-11-20", "2026-11-20T00:00:00Z")]
    #[case("2h", "2026-11-21T10:00:00Z")]
    #[case("1h30m", "2026-11-21T10:30:00Z")]
    #[case("3d", "2026-11-18T12:00:00Z")]
    #[case("3d ago", "2026-11-18T12:00:00Z")]
    #[case("3 days ago", "2026-11-18T12:00:00Z")]
    #[case("1w", "2026-11-14T12:00:00Z")]
    fn accepts(#[case] given: &str, #[case] at: &str) {
        assert_eq!(
            parse(given, now()).unwrap(),
            at.parse::<Timestamp>().unwrap()
        );
    }

    #[rstest]
    #[case("yesterday", "'yesterday' is no time in the past; write it as")]
    #[case("", "'' is no time")]
    #[case("-2h", "'-2h' is no time")]
    #[case("2", "'2' is no time")]
    #[case("2026-13-01", "'2026-13-01' is no time")]
    #[case("99999999999999d", "is no time")]
    #[case(
        "2027-01-01",
        "'2027-01-01' lies in the future: it is 2026-11-21T12:00:00Z now"
    )]
    fn rejects(#[case] given: &str, #[case] message: &str) {
        let error = parse(given, now()).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}
