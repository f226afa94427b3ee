use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::DatabaseId;
use crate::contract::NAME_PREFIX;

/// CNPG allows Cluster names of 50 characters, but a recovery Job adds up to 20 and hangs above 63.
const LONGEST_CLUSTER_NAME: usize = 43;
/// What is kept of a longer logical name: `daap-` + 29 + `-` + 8 makes 43.
const KEPT_OF_A_LONG_NAME: usize = 29;
/// Hex digits of the name's SHA-256 that tell long names apart.
const HASH_DIGITS: usize = 8;
const SHORTEST: usize = 3;
/// A label value, and a DNS label, has at most 63 characters.
const LONGEST: usize = 63;
/// `foo-pooler` and `foo-primary` would share objects with `foo`: CNPG derives both names itself.
const RESERVED_SUFFIXES: [&str; 2] = ["-pooler", "-primary"];

static HASHED_FORM: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("^[a-z][a-z0-9-]{28}-[0-9a-f]{8}$").ok());

/// The logical name of a database: 3–63 characters of `[a-z][a-z0-9-]*`, no hyphen at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseName(String);

/// Why a string is no name of a database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseName {
    /// Fewer than three characters.
    #[error("'{0}' has {count} characters; a name has 3 to 63", count = .0.chars().count())]
    TooShort(String),
    /// More than 63 characters.
    #[error("'{0}' has {count} characters; a name has 3 to 63", count = .0.chars().count())]
    TooLong(String),
    /// The first character is no lower-case letter.
    #[error("'{0}' begins with '{1}'; a name begins with a lower-case letter")]
    Start(String, char),
    /// A character that DNS labels do not have.
    #[error("'{0}' contains '{1}'; a name is made of lower-case letters, digits and hyphens")]
    Character(String, char),
    /// A hyphen at the end.
    #[error("'{0}' ends with a hyphen; a name ends with a letter or a digit")]
    TrailingHyphen(String),
    /// A suffix that CNPG uses for objects of another database.
    #[error("'{0}' ends with '{1}', which is kept for the objects of another database")]
    ReservedSuffix(String, &'static str),
    /// 29 characters, a hyphen, 8 hex digits: the form that long names are shortened to.
    #[error(
        "'{0}' has the form that long names are shortened to (29 characters, '-', 8 hex digits)"
    )]
    HashedForm(String),
}

impl DatabaseName {
    /// Parses a logical name.
    ///
    /// # Errors
    /// The first rule of section 2 of the design that `name` breaks.
    pub fn parse(name: &str) -> Result<Self, InvalidDatabaseName> {
        use InvalidDatabaseName as Invalid;
        let given = || name.to_owned();
        let length = name.chars().count();
        if length > LONGEST {
            return Err(Invalid::TooLong(given()));
        }
        if let Some(first) = name.chars().next().filter(|c| !c.is_ascii_lowercase()) {
            return Err(Invalid::Start(given(), first));
        }
        let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
        if let Some(other) = name.chars().find(|c| !allowed(c)) {
            return Err(Invalid::Character(given(), other));
        }
        if length < SHORTEST {
            return Err(Invalid::TooShort(given()));
        }
        if name.ends_with('-') {
            return Err(Invalid::TrailingHyphen(given()));
        }
        if let Some(suffix) = RESERVED_SUFFIXES.iter().find(|s| name.ends_with(**s)) {
            return Err(Invalid::ReservedSuffix(given(), suffix));
        }
        if HASHED_FORM.as_ref().is_some_and(|form| form.is_match(name)) {
            return Err(Invalid::HashedForm(given()));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Name of the Cluster: at most 43 characters.
    #[must_use]
    pub fn cluster(&self) -> String {
        let plain = format!("{NAME_PREFIX}{}", self.0);
        if plain.len() <= LONGEST_CLUSTER_NAME {
            return plain;
        }
        let kept: String = self.0.chars().take(KEPT_OF_A_LONG_NAME).collect();
        let digest = Sha256::digest(self.0.as_bytes());
        let hash = digest
            .iter()
            .take(HASH_DIGITS / 2)
            .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
        // Hyphens at its end stay: shorter, it would be the Cluster of a short name, too.
        format!("{NAME_PREFIX}{kept}-{hash}")
    }

    /// The database whose Cluster is called so; none where that is a shortened name.
    #[must_use]
    pub fn of_cluster(cluster: &str) -> Option<Self> {
        Self::parse(cluster.strip_prefix(NAME_PREFIX)?).ok()
    }

    /// Name of the Pooler, of its Deployment and of its Service.
    #[must_use]
    pub fn pooler(&self) -> String {
        format!("{}-pooler", self.cluster())
    }

    /// Name of the Secret that holds the application's credentials.
    #[must_use]
    pub fn app_secret(&self) -> String {
        format!("{}-app", self.cluster())
    }

    /// Name of the Secret that holds the certificate authority (and its key: hand out `ca.crt` only).
    #[must_use]
    pub fn ca_secret(&self) -> String {
        format!("{}-ca", self.cluster())
    }

    /// Name of the tombstone of the generation of this name that has `id`.
    #[must_use]
    pub fn tombstone(&self, id: &DatabaseId) -> String {
        format!("{}-{}", self.cluster(), id.short())
    }

    /// The four DNS names under which the Pooler's Service is reached in a cluster.
    #[must_use]
    pub fn pooler_dns_names(&self, namespace: &str) -> [String; 4] {
        let pooler = self.pooler();
        [
            pooler.clone(),
            format!("{pooler}.{namespace}"),
            format!("{pooler}.{namespace}.svc"),
            format!("{pooler}.{namespace}.svc.cluster.local"),
        ]
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for DatabaseName {
    type Err = InvalidDatabaseName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl TryFrom<String> for DatabaseName {
    type Error = InvalidDatabaseName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<DatabaseName> for String {
    fn from(name: DatabaseName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("ab", "'ab' has 2 characters; a name has 3 to 63")]
    #[case("", "'' has 0 characters; a name has 3 to 63")]
    #[case(
        "1orders",
        "'1orders' begins with '1'; a name begins with a lower-case letter"
    )]
    #[case(
        "Orders",
        "'Orders' begins with 'O'; a name begins with a lower-case letter"
    )]
    #[case(
        "-orders",
        "'-orders' begins with '-'; a name begins with a lower-case letter"
    )]
    #[case(
        "orders-",
        "'orders-' ends with a hyphen; a name ends with a letter or a digit"
    )]
    #[case(
        "or_ders",
        "'or_ders' contains '_'; a name is made of lower-case letters, digits and hyphens"
    )]
    #[case(
        "ordérs",
        "'ordérs' contains 'é'; a name is made of lower-case letters, digits and hyphens"
    )]
    #[case(
        "or.ders",
        "'or.ders' contains '.'; a name is made of lower-case letters, digits and hyphens"
    )]
    fn rejects(#[case] name: &str, #[case] message: &str) {
        assert_eq!(DatabaseName::parse(name).unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case("orders-pooler", "-pooler")]
    #[case("orders-primary", "-primary")]
    fn rejects_reserved_suffixes(#[case] name: &str, #[case] suffix: &'static str) {
        assert_eq!(
            DatabaseName::parse(name),
            Err(InvalidDatabaseName::ReservedSuffix(name.into(), suffix))
        );
    }

    #[test]
    fn rejects_64_characters_and_accepts_63() {
        assert!(matches!(
            DatabaseName::parse(&"a".repeat(64)),
            Err(InvalidDatabaseName::TooLong(_))
        ));
        assert!(DatabaseName::parse(&"a".repeat(63)).is_ok());
    }

    #[test]
    fn rejects_the_form_that_long_names_are_shortened_to() {
        let name = format!("{}-0123abcd", "a".repeat(29));
        assert_eq!(
            DatabaseName::parse(&name),
            Err(InvalidDatabaseName::HashedForm(name.clone()))
        );
    }

    #[rstest]
    #[case("orders", "daap-orders", "daap-orders-pooler")]
    #[case(
        "abcdefghijklmnopqrstuvwxyzabcdefghijkl",
        "daap-abcdefghijklmnopqrstuvwxyzabcdefghijkl",
        "daap-abcdefghijklmnopqrstuvwxyzabcdefghijkl-pooler"
    )]
    fn derives_the_names_of_objects(
        #[case] name: &str,
        #[case] cluster: &str,
        #[case] pooler: &str,
    ) {
        let name = DatabaseName::parse(name).unwrap();
        assert_eq!(name.cluster(), cluster);
        assert_eq!(name.pooler(), pooler);
    }

    #[rstest]
    #[case("abcdefghijklmnopqrstuvwxyzab-and-much-more")]
    #[case("a---------------------------------------b")]
    fn a_long_name_shares_its_cluster_with_no_short_one(#[case] name: &str) {
        let cluster = DatabaseName::parse(name).unwrap().cluster();
        assert_eq!(cluster.len(), LONGEST_CLUSTER_NAME);
        assert!(cluster.starts_with(&format!("daap-{}", &name[..29])));
        let short = cluster.strip_prefix(NAME_PREFIX).unwrap();
        assert_eq!(
            DatabaseName::parse(short),
            Err(InvalidDatabaseName::HashedForm(short.into()))
        );
    }

    proptest! {
        #[test]
        fn every_name_yields_object_names_within_their_limits(name in "[a-z][a-z0-9-]{1,61}[a-z0-9]") {
            if let Ok(name) = DatabaseName::parse(&name) {
                prop_assert!(name.cluster().len() <= LONGEST_CLUSTER_NAME);
                let back = DatabaseName::of_cluster(&name.cluster());
                prop_assert!(back.is_none_or(|back| back == name));
                prop_assert!(name.pooler().len() <= LONGEST);
                prop_assert!(!name.cluster().ends_with('-'));
            }
        }

        #[test]
        fn different_names_never_share_a_cluster(
            one in "[a-z][a-z0-9]{0,4}[a-z0-9-]{0,55}[a-z0-9]{2}",
            other in "[a-z][a-z0-9]{0,4}[a-z0-9-]{0,55}[a-z0-9]{2}",
        ) {
            if let (Ok(a), Ok(b)) = (DatabaseName::parse(&one), DatabaseName::parse(&other)) {
                prop_assert_eq!(a == b, a.cluster() == b.cluster());
            }
        }

        #[test]
        fn nothing_panics(name in "\\PC*") {
            let _ = DatabaseName::parse(&name);
        }
    }
}
