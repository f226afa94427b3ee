//! Ages as kubectl prints them.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// How long before `now` the RFC 3339 time `since` lies, with kubectl's rounding
/// (`duration.HumanDuration`).
pub(crate) fn age(since: Option<&str>, now: Timestamp) -> String {
    let Some(since) = since.and_then(|text| text.parse::<Timestamp>().ok()) else {
        return "<unknown>".to_owned();
    };
    human(now.duration_since(since).as_secs())
}

fn human(seconds: i64) -> String {
    let pair = |whole: i64, unit: &str, rest: i64, small: &str| match rest {
        0 => format!("{whole}{unit}"),
        rest => format!("{whole}{unit}{rest}{small}"),
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => pair(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => pair(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => pair(seconds / YEAR, "y", seconds % YEAR / DAY, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(-3, "0s")]
    #[case(119, "119s")]
    #[case(120, "2m")]
    #[case(125, "2m5s")]
    #[case(700, "11m")]
    #[case(4 * HOUR + 120, "4h2m")]
    #[case(30 * HOUR, "30h")]
    #[case(3 * DAY, "3d")]
    #[case(3 * DAY + HOUR, "3d1h")]
    #[case(100 * DAY, "100d")]
    #[case(3 * YEAR + 2 * DAY, "3y2d")]
    #[case(9 * YEAR, "9y")]
    fn like_kubectl(#[case] seconds: i64, #[case] text: &str) {
        assert_eq!(human(seconds), text);
    }

    #[test]
    fn what_is_no_time_has_no_age() {
        assert_eq!(age(None, Timestamp::UNIX_EPOCH), "<unknown>");
        assert_eq!(
            age(Some("1969-12-31T23:59:57Z"), Timestamp::UNIX_EPOCH),
            "3s"
        );
    }
}
