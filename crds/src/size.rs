//! Sizes of storage: Kubernetes quantities of bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What follows the number, and how many bytes it stands for. From Kubernetes'
/// `resource.Quantity`; `m` and exponents make no sense for a volume and are refused.
const SUFFIXES: [(&str, u64); 13] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
    ("E", 1_000_000_000_000_000_000),
    ("", 1),
];
/// Digits after the point that are read; finer parts of a byte do not matter.
const FRACTION_DIGITS: usize = 9;

/// A size of storage in bytes, shown as it was given (`10Gi`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size {
    given: String,
    bytes: u64,
}

/// Why a string is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSize {
    /// Not a number and a suffix.
    #[error("'{0}' is no size; write a number and one of Ki, Mi, Gi, Ti, k, M, G, T, as 10Gi")]
    Unreadable(String),
    /// Zero bytes, or less than one.
    #[error("'{0}' is not above zero; write a size as 10Gi")]
    NotPositive(String),
    /// More than 2⁶⁴ bytes.
    #[error("'{0}' is larger than any volume")]
    TooLarge(String),
}

impl Size {
    /// 1Gi.
    #[must_use]
    pub fn gibibyte() -> Self {
        Self {
            given: "1Gi".into(),
            bytes: 1 << 30,
        }
    }

    /// Parses a quantity such as `10Gi`, `500M` or `1.5Ti`.
    ///
    /// # Errors
    /// Says what is wrong with `given`.
    pub fn parse(given: &str) -> Result<Self, InvalidSize> {
        let unreadable = || InvalidSize::Unreadable(given.to_owned());
        let digits_end = given
            .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-' && c != '+')
            .unwrap_or(given.len());
        let (number, suffix) = given.split_at(digits_end);
        let (_, factor) = SUFFIXES
            .iter()
            .find(|(name, _)| *name == suffix)
            .ok_or_else(unreadable)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let magnitude = whole.strip_prefix('-').unwrap_or(whole);
        let magnitude = magnitude.strip_prefix('+').unwrap_or(magnitude);
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
        if !digits(magnitude) || !digits(fraction) || (magnitude.is_empty() && fraction.is_empty())
        {
            return Err(unreadable());
        }
        if whole.starts_with('-') {
            return Err(InvalidSize::NotPositive(given.to_owned()));
        }
        let bytes = bytes_of(magnitude, fraction, *factor)
            .ok_or_else(|| InvalidSize::TooLarge(given.to_owned()))?;
        if bytes == 0 {
            return Err(InvalidSize::NotPositive(given.to_owned()));
        }
        Ok(Self {
            given: given.to_owned(),
            bytes,
        })
    }

    /// The size in bytes, rounded down.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The size as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.given
    }
}

fn bytes_of(whole: &str, fraction: &str, factor: u64) -> Option<u64> {
    let whole: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut bytes = whole.checked_mul(u128::from(factor))?;
    let mut scale: u128 = 1;
    let mut part: u128 = 0;
    for digit in fraction.chars().take(FRACTION_DIGITS) {
        scale *= 10;
        part = part * 10 + u128::from(digit.to_digit(10)?);
    }
    bytes += part * u128::from(factor) / scale;
    u64::try_from(bytes).ok()
}

impl PartialEq for Size {
    /// `1Gi` and `1024Mi` are the same size.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Size {}

impl PartialOrd for Size {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Size {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.given)
    }
}

impl std::str::FromStr for Size {
    type Err = InvalidSize;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::parse(given)
    }
}

impl TryFrom<String> for Size {
    type Error = InvalidSize;

    fn try_from(given: String) -> Result<Self, Self::Error> {
        Self::parse(&given)
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.given
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1Gi", 1 << 30)]
    #[case("1024Mi", 1 << 30)]
    #[case("1.5Gi", 3 << 29)]
    #[case("500M", 500_000_000)]
    #[case("12", 12)]
    #[case("+2Ki", 2048)]
    #[case(".5Gi", 1 << 29)]
    fn accepts(#[case] given: &str, #[case] bytes: u64) {
        let size = Size::parse(given).unwrap();
        assert_eq!(size.bytes(), bytes);
        assert_eq!(size.to_string(), given);
    }

    #[rstest]
    #[case("1X", "no size")]
    #[case("", "no size")]
    #[case("Gi", "no size")]
    #[case("1.2.3Gi", "no size")]
    #[case("1e3", "no size")]
    #[case("100m", "no size")]
    #[case("1 Gi", "no size")]
    #[case("0", "not above zero")]
    #[case("0Gi", "not above zero")]
    #[case("0.0", "not above zero")]
    #[case("-1Gi", "not above zero")]
    #[case("99999999999Ei", "larger than any volume")]
    #[case(
        "99999999999999999999999999999999999999999999",
        "larger than any volume"
    )]
    fn rejects(#[case] given: &str, #[case] message: &str) {
        let error = Size::parse(given).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_panics(given in "[0-9.+-]{0,50}[a-zA-Z]{0,2}") {
            let _ = Size::parse(&given);
        }
    }
}
