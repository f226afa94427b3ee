//! What a database is for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Long enough for a sentence, short enough for the history of a record.
const LONGEST: usize = 256;

/// Free text of 1–256 characters without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Purpose(String);

/// Why a text is no purpose, or no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPurpose {
    /// Nothing, or only white space.
    #[error("it is empty; say in a few words what the database is for")]
    Empty,
    /// Longer than 256 characters.
    #[error("it has {0} characters; at most 256 are allowed")]
    TooLong(usize),
    /// Control characters would garble a table.
    #[error("it contains the control character U+{:04X}; write plain text on one line", u32::from(*.0))]
    ControlCharacter(char),
}

impl Purpose {
    /// Parses a purpose.
    ///
    /// # Errors
    /// It is empty, too long, or contains control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidPurpose> {
        if text.trim().is_empty() {
            return Err(InvalidPurpose::Empty);
        }
        check_text(text)?;
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks free text that is recorded, such as a change reason: at most 256 characters, none of
/// them a control character.
///
/// # Errors
/// Says which of the two it breaks.
pub fn check_text(text: &str) -> Result<(), InvalidPurpose> {
    let length = text.chars().count();
    if length > LONGEST {
        return Err(InvalidPurpose::TooLong(length));
    }
    match text.chars().find(|c| c.is_control()) {
        Some(control) => Err(InvalidPurpose::ControlCharacter(control)),
        None => Ok(()),
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for Purpose {
    type Err = InvalidPurpose;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Purpose {
    type Error = InvalidPurpose;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Purpose> for String {
    fn from(purpose: Purpose) -> Self {
        purpose.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_256_characters_of_any_script() {
        assert!(Purpose::parse(&"ü".repeat(256)).is_ok());
    }

    #[test]
    fn rejects_nothing_too_much_and_control_characters() {
        assert_eq!(Purpose::parse(" "), Err(InvalidPurpose::Empty));
        assert_eq!(
            Purpose::parse(&"ü".repeat(257)),
            Err(InvalidPurpose::TooLong(257))
        );
        let error = Purpose::parse("two\nlines").unwrap_err();
        assert_eq!(error, InvalidPurpose::ControlCharacter('\n'));
        assert!(error.to_string().contains("U+000A"));
    }
}
