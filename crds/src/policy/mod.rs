//! The platform team's defaults and limits: one YAML file, checked as a whole.

mod pattern;

use serde::{Deserialize, Serialize};

pub use pattern::{InvalidPattern, Pattern};

use crate::names::Team;
use crate::size::Size;

/// How PgBouncer hands out connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolMode {
    /// A server connection for a client's session: CNPG's default.
    Session,
    /// A server connection for a transaction: ours.
    #[default]
    Transaction,
}

impl PoolMode {
    /// The value in `spec.pgbouncer.poolMode`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
        }
    }
}

impl std::fmt::Display for PoolMode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for PoolMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "session" => Ok(Self::Session),
            "transaction" => Ok(Self::Transaction),
            other => Err(format!(
                "'{other}' is no pool mode; use transaction or session"
            )),
        }
    }
}

/// The smallest and the largest that is allowed, both included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range<T> {
    /// The smallest.
    pub min: T,
    /// The largest.
    pub max: T,
}

impl<T: PartialOrd> Range<T> {
    /// Whether `value` lies in it.
    pub fn contains(&self, value: &T) -> bool {
        *value >= self.min && *value <= self.max
    }
}

/// What a database gets where its manifest is silent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Defaults {
    /// PostgreSQL instances, the primary included.
    pub instances: u32,
    /// Size of each instance's volume.
    pub storage: Size,
    /// Image of PostgreSQL; the operator's own where none is named.
    pub image: Option<String>,
    /// How PgBouncer hands out connections.
    pub pool_mode: PoolMode,
    /// PgBouncer instances.
    pub pool_instances: u32,
}

/// What the policy allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// PostgreSQL instances.
    pub instances: Range<u32>,
    /// Size of each instance's volume.
    pub storage: Range<Size>,
    /// Patterns of which an image has to match one, as a whole. None named: any image.
    pub images: Vec<Pattern>,
    /// Pool modes that are allowed.
    pub pool_modes: Vec<PoolMode>,
    /// PgBouncer instances.
    pub pool_instances: Range<u32>,
}

/// Further rules for logical names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NameRules {
    /// A pattern that a logical name has to match as a whole.
    pub pattern: Option<Pattern>,
    /// Names that nobody gets.
    pub reserved: Vec<String>,
}

/// The whole policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// Where the manifest is silent.
    pub defaults: Defaults,
    /// What is allowed.
    pub limits: Limits,
    /// Further rules for names.
    pub names: NameRules,
    /// The teams that exist; any team where none is listed.
    pub teams: Option<Vec<Team>>,
    /// Days that deleted data is kept before `purge --expired` destroys it.
    pub retention_days: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            instances: 1,
            storage: known_size("10Gi"),
            image: None,
            pool_mode: PoolMode::Transaction,
            pool_instances: 1,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Five is the most that a synchronous quorum of one database is run with in practice.
            instances: Range { min: 1, max: 5 },
            storage: Range {
                min: known_size("256Mi"),
                max: known_size("1Ti"),
            },
            images: Vec::new(),
            pool_modes: vec![PoolMode::Transaction],
            pool_instances: Range { min: 1, max: 5 },
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            defaults: Defaults::default(),
            limits: Limits::default(),
            names: NameRules::default(),
            teams: None,
            retention_days: 30,
        }
    }
}

#[expect(
    clippy::expect_used,
    reason = "literals of this file, each covered by a test"
)]
fn known_size(text: &str) -> Size {
    Size::parse(text).expect("a literal size is valid")
}

/// Why a policy file is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The YAML does not have the shape of a policy.
    #[error("failed to read the policy: {0}")]
    Unreadable(String),
    /// Parts of it contradict each other.
    #[error("the policy contradicts itself: {}", .0.join("; "))]
    Contradiction(Vec<String>),
}

impl Policy {
    /// Reads a policy file and checks it as a whole. An empty file is the default policy.
    ///
    /// # Errors
    /// An unknown key, a value of the wrong kind, or parts that contradict each other (a default
    /// outside its limit, a range that contains nothing).
    pub fn from_yaml(text: &str) -> Result<Self, PolicyError> {
        let meaningful = |line: &str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#') && line != "---"
        };
        let policy = if text.lines().any(meaningful) {
            serde_saphyr::from_str(text)
                .map_err(|error| PolicyError::Unreadable(error.to_string()))?
        } else {
            Self::default()
        };
        let contradictions = policy.contradictions();
        if contradictions.is_empty() {
            Ok(policy)
        } else {
            Err(PolicyError::Contradiction(contradictions))
        }
    }

    fn contradictions(&self) -> Vec<String> {
        let (defaults, limits) = (&self.defaults, &self.limits);
        let mut found = Vec::new();
        check_range(
            "instances",
            &limits.instances,
            &defaults.instances,
            &mut found,
        );
        check_range("storage", &limits.storage, &defaults.storage, &mut found);
        check_range(
            "poolInstances",
            &limits.pool_instances,
            &defaults.pool_instances,
            &mut found,
        );
        if limits.instances.min == 0 {
            // CNPG refuses a Cluster without instances.
            found.push("limits.instances.min is 0; a database has at least 1 instance".into());
        }
        if !limits.pool_modes.contains(&defaults.pool_mode) {
            found.push(format!(
                "defaults.poolMode {} is not among limits.poolModes",
                defaults.pool_mode
            ));
        }
        if let Some(image) = &defaults.image
            && !self.allows_image(image)
        {
            found.push(format!(
                "defaults.image {image} matches none of limits.images"
            ));
        }
        if self.teams.as_ref().is_some_and(Vec::is_empty) {
            found.push("teams is an empty list, so that nobody could own a database; leave it out to allow any team".into());
        }
        found
    }

    /// Whether the policy lets a database use `image`.
    #[must_use]
    pub fn allows_image(&self, image: &str) -> bool {
        self.limits.images.is_empty()
            || self
                .limits
                .images
                .iter()
                .any(|pattern| pattern.matches(image))
    }

    /// Whether `team` exists.
    #[must_use]
    pub fn knows_team(&self, team: &str) -> bool {
        self.teams
            .as_ref()
            .is_none_or(|teams| teams.iter().any(|known| known.as_str() == team))
    }
}

fn check_range<T: PartialOrd + std::fmt::Display>(
    field: &str,
    range: &Range<T>,
    default: &T,
    found: &mut Vec<String>,
) {
    if range.min > range.max {
        found.push(format!(
            "limits.{field}.min {} is above its max {}",
            range.min, range.max
        ));
    } else if !range.contains(default) {
        found.push(format!(
            "defaults.{field} {default} is not within limits.{field} {}–{}",
            range.min, range.max
        ));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("")]
    #[case("# nothing\n---\n")]
    #[case("{}")]
    fn an_empty_file_is_the_default_policy(#[case] text: &str) {
        assert_eq!(Policy::from_yaml(text).unwrap(), Policy::default());
    }

    #[test]
    fn reads_every_key() {
        let policy = Policy::from_yaml(
            "defaults:\n  instances: 2\n  storage: 5Gi\n  image: registry.example/postgresql:17.6\n  poolMode: session\n  poolInstances: 2\n\
             limits:\n  instances: {min: 1, max: 3}\n  storage: {min: 1Gi, max: 20Gi}\n  images: ['registry\\.example/postgresql:17\\..*']\n  poolModes: [session, transaction]\n  poolInstances: {min: 1, max: 2}\n\
             names:\n  pattern: '[a-z]+-(dev|prod)'\n  reserved: [postgres]\nteams: [payments, billing]\nretentionDays: 7\n",
        )
        .unwrap();
        assert_eq!(policy.defaults.instances, 2);
        assert!(policy.allows_image("registry.example/postgresql:17.6"));
        assert!(
            !policy.allows_image(
                "registry.example/postgresql:17.6.evil/x:1 "
                    .trim()
                    .strip_prefix("registry")
                    .unwrap()
            )
        );
        assert!(policy.knows_team("billing"));
        assert!(!policy.knows_team("sales"));
        assert_eq!(policy.retention_days, 7);
    }

    #[rstest]
    #[case("defalts: {}", "defalts")]
    #[case("limits: {instances: {min: 1, max: 3, step: 1}}", "step")]
    #[case("defaults: {storage: 1X}", "1X")]
    #[case("limits: {images: ['[']}", "[")]
    #[case("teams: ['No Team']", "No Team")]
    #[case(
        "defaults: {instances: 9}",
        "defaults.instances 9 is not within limits.instances 1–5"
    )]
    #[case(
        "limits: {instances: {min: 3, max: 2}}",
        "limits.instances.min 3 is above its max 2"
    )]
    #[case("limits: {instances: {min: 0, max: 2}}", "at least 1 instance")]
    #[case("defaults: {poolMode: session}", "not among limits.poolModes")]
    #[case("teams: []", "nobody could own")]
    #[case("defaults: {image: a}\nlimits: {images: [b]}", "matches none")]
    fn rejects(#[case] text: &str, #[case] message: &str) {
        let error = Policy::from_yaml(text).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
