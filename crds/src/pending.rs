//! What is unfinished on a database.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The operations that are made of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationName {
    /// `kubectl daap create`
    Create,
    /// `kubectl daap update`
    Update,
    /// `kubectl daap delete`
    Delete,
    /// A deleted database comes back.
    Restore,
    /// `kubectl daap transfer`
    Transfer,
    /// `kubectl daap rollback`
    Rollback,
    /// `kubectl daap repair`
    Repair,
    /// `kubectl daap credentials rotate`; stands on the app Secret
    Rotate,
}

impl OperationName {
    /// The word that the user types.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Transfer => "transfer",
            Self::Rollback => "rollback",
            Self::Repair => "repair",
            Self::Rotate => "rotate",
        }
    }
}

impl std::fmt::Display for OperationName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The value of the annotation `daap.dev/pending`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pending {
    /// What is being done.
    pub operation: OperationName,
    /// The step that comes next.
    pub step: String,
    /// Since when.
    pub since: Timestamp,
    /// Why it failed hard, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Pending {
    /// Reads the annotation. One that cannot be read says nothing that can be resumed.
    #[must_use]
    pub fn parse(annotation: &str) -> Option<Self> {
        serde_json::from_str(annotation).ok()
    }

    /// The value of the annotation.
    #[must_use]
    pub fn to_annotation(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let pending = Pending {
            operation: OperationName::Create,
            step: "apply-pooler".into(),
            since: "2026-11-21T08:00:00Z".parse().unwrap(),
            error: None,
        };
        assert_eq!(
            Pending::parse(&pending.to_annotation()),
            Some(pending.clone())
        );
        assert_eq!(
            pending.to_annotation(),
            r#"{"operation":"create","step":"apply-pooler","since":"2026-11-21T08:00:00Z"}"#
        );
        assert_eq!(Pending::parse("nonsense"), None);
    }
}
