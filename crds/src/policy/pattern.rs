use regex::Regex;
use serde::{Deserialize, Serialize};

/// A regular expression that has to match a text as a whole: an unanchored pattern for images
/// would let `evil/registry.example/…` pass.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// A text that is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("'{text}' is no regular expression: {source}")]
pub struct InvalidPattern {
    text: String,
    #[source]
    source: regex::Error,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// `text` is no regular expression.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        // Compiled alone first: `)|(` would otherwise close the group that anchors it.
        let compile = |expression: &str| {
            Regex::new(expression).map_err(|source| InvalidPattern {
                text: text.to_owned(),
                source,
            })
        };
        compile(text)?;
        Ok(Self {
            text: text.to_owned(),
            regex: compile(&format!("^(?:{text})$"))?,
        })
    }

    /// Whether the whole of `text` matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl std::fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_the_whole_text_only() {
        let pattern = Pattern::parse("a|b").unwrap();
        assert!(pattern.matches("a"));
        assert!(!pattern.matches("ax"));
        assert!(!pattern.matches("xb"));
    }

    #[test]
    fn cannot_close_the_group_that_anchors_it() {
        assert!(Pattern::parse(")|(").is_err());
    }
}
