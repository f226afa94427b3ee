use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many digits of the id a tombstone's name carries.
const SHORT_DIGITS: usize = 8;

/// The UUID of a database: given once, kept over resume, delete and restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseId(Uuid);

/// A string that is no UUID in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no UUID in lower-case, hyphenated form")]
pub struct InvalidDatabaseId(String);

impl DatabaseId {
    /// A new random id (UUID version 4).
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Parses the canonical form. Any other spelling would make two labels of one id.
    ///
    /// # Errors
    /// `id` is no UUID, or not in lower-case, hyphenated form.
    pub fn parse(id: &str) -> Result<Self, InvalidDatabaseId> {
        Uuid::try_parse(id)
            .ok()
            .filter(|parsed| parsed.hyphenated().to_string() == id)
            .map(Self)
            .ok_or_else(|| InvalidDatabaseId(id.to_owned()))
    }

    /// The first eight hex digits.
    #[must_use]
    pub fn short(&self) -> String {
        self.0
            .simple()
            .to_string()
            .chars()
            .take(SHORT_DIGITS)
            .collect()
    }
}

impl fmt::Display for DatabaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0.hyphenated())
    }
}

impl std::str::FromStr for DatabaseId {
    type Err = InvalidDatabaseId;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::parse(id)
    }
}

impl TryFrom<String> for DatabaseId {
    type Error = InvalidDatabaseId;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        Self::parse(&id)
    }
}

impl From<DatabaseId> for String {
    fn from(id: DatabaseId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let id = DatabaseId::random();
        assert_eq!(DatabaseId::parse(&id.to_string()), Ok(id));
        assert_eq!(id.short().len(), 8);
        assert!(id.to_string().starts_with(&id.short()));
    }

    #[test]
    fn rejects_other_spellings() {
        let id = "67E55044-10B1-426F-9247-BB680E5FE0C8";
        assert!(DatabaseId::parse(id).is_err());
        assert!(DatabaseId::parse(&id.to_lowercase().replace('-', "")).is_err());
        assert!(DatabaseId::parse("").is_err());
        assert!(DatabaseId::parse(&id.to_lowercase()).is_ok());
    }
}
