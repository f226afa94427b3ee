use std::fmt;

use serde::{Deserialize, Serialize};

/// A DNS-1123 label has at most 63 characters; a label value too.
const LONGEST: usize = 63;

/// A team that owns databases: a DNS-1123 label, never empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Team(String);

/// Why a string is no team.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTeam {
    /// An empty team would be owned by whoever may own any name.
    #[error("the team is empty; a database is owned by exactly one team")]
    Empty,
    /// Longer than a label value.
    #[error("'{0}' has more than 63 characters")]
    TooLong(String),
    /// Not a DNS-1123 label.
    #[error(
        "'{0}' is no DNS label; a team is made of lower-case letters, digits and hyphens and begins and ends with a letter or a digit"
    )]
    NoDnsLabel(String),
}

impl Team {
    /// Parses a team.
    ///
    /// # Errors
    /// Says why `team` is no DNS-1123 label.
    pub fn parse(team: &str) -> Result<Self, InvalidTeam> {
        if team.is_empty() {
            return Err(InvalidTeam::Empty);
        }
        if team.chars().count() > LONGEST {
            return Err(InvalidTeam::TooLong(team.to_owned()));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !team.chars().all(allowed) || team.starts_with('-') || team.ends_with('-') {
            return Err(InvalidTeam::NoDnsLabel(team.to_owned()));
        }
        Ok(Self(team.to_owned()))
    }

    /// The team as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Team {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for Team {
    type Err = InvalidTeam;

    fn from_str(team: &str) -> Result<Self, Self::Err> {
        Self::parse(team)
    }
}

impl TryFrom<String> for Team {
    type Error = InvalidTeam;

    fn try_from(team: String) -> Result<Self, Self::Error> {
        Self::parse(&team)
    }
}

impl From<Team> for String {
    fn from(team: Team) -> Self {
        team.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("payments")]
    #[case("7-eleven")]
    #[case("a")]
    fn accepts(#[case] team: &str) {
        assert_eq!(Team::parse(team).unwrap().as_str(), team);
    }

    #[rstest]
    #[case("")]
    #[case("-a")]
    #[case("a-")]
    #[case("Payments")]
    #[case("pay ments")]
    #[case("pay.ments")]
    #[case("*")]
    fn rejects(#[case] team: &str) {
        assert!(Team::parse(team).is_err());
    }

    #[test]
    fn rejects_64_characters() {
        assert!(matches!(
            Team::parse(&"a".repeat(64)),
            Err(InvalidTeam::TooLong(_))
        ));
    }
}
