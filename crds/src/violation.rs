//! A denial is data, never an error.

use serde::Serialize;

/// The rules of admission. The name of a rule stands in its denial and in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Names of databases and of the objects that follow from them.
    Naming,
    /// Fields that every database has.
    Required,
    /// Values that cannot be read.
    Format,
    /// What the policy allows.
    Limits,
    /// The teams that exist.
    Teams,
    /// What never changes.
    Immutable,
    /// Stamps and history are written by the webhook alone.
    History,
    /// Whoever writes must own the team.
    Ownership,
    /// What is an administrator's.
    Administrator,
    /// A Cluster has no owner, a Pooler only its Cluster.
    OwnerReferences,
    /// A Cluster goes only when its record and data are safe.
    DeleteGate,
    /// A Cluster comes only where nothing foreign lies under its names, or names it.
    NameGate,
    /// The scale subresource cannot be recorded.
    Scale,
    /// While an object is being deleted, only finalizers change.
    Deleting,
    /// While a deletion is pending, the spec stays and nothing is woken.
    PendingDelete,
    /// A dependent object needs ownership of its Cluster.
    Dependents,
    /// Fields of a spec that open more than the own database are an administrator's.
    SpecFields,
    /// What a Cluster passes on to its pods, volumes and Secrets says what its record says.
    Inherited,
    /// Clusters and Poolers that are not ours name nothing that is.
    Neighbours,
    /// Volumes and Secrets of a database need ownership of it, also to make one or to hold it by a
    /// finalizer.
    Retained,
    /// A tombstone keeps the record of a deleted database as it was.
    Tombstone,
}

impl Rule {
    /// Every rule, in the order of the documentation.
    pub const ALL: [Self; 21] = [
        Self::Naming,
        Self::Required,
        Self::Format,
        Self::Limits,
        Self::Teams,
        Self::Immutable,
        Self::History,
        Self::Ownership,
        Self::Administrator,
        Self::OwnerReferences,
        Self::DeleteGate,
        Self::NameGate,
        Self::Scale,
        Self::Deleting,
        Self::PendingDelete,
        Self::Dependents,
        Self::SpecFields,
        Self::Inherited,
        Self::Neighbours,
        Self::Retained,
        Self::Tombstone,
    ];

    /// The name that denials, metrics and documentation use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Naming => "naming",
            Self::Required => "required",
            Self::Format => "format",
            Self::Limits => "limits",
            Self::Teams => "teams",
            Self::Immutable => "immutable",
            Self::History => "history",
            Self::Ownership => "ownership",
            Self::Administrator => "administrator",
            Self::OwnerReferences => "owner-references",
            Self::DeleteGate => "delete-gate",
            Self::NameGate => "name-gate",
            Self::Scale => "scale",
            Self::Deleting => "deleting",
            Self::PendingDelete => "pending-delete",
            Self::Dependents => "dependents",
            Self::SpecFields => "spec-fields",
            Self::Inherited => "inherited",
            Self::Neighbours => "neighbours",
            Self::Retained => "retained",
            Self::Tombstone => "tombstone",
        }
    }

    /// Whether the write is invalid whoever makes it (422) or forbidden as things are (403).
    #[must_use]
    pub fn is_invalid(self) -> bool {
        matches!(
            self,
            Self::Naming | Self::Required | Self::Format | Self::Limits | Self::Teams
        )
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One reason why a write is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON path of the field in the object, as `spec.storage.size`.
    pub field: String,
    /// The rule that it breaks.
    pub rule: Rule,
    /// What was given and what is allowed.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl Violation {
    /// A violation of `rule` by `field`.
    pub fn new(
        rule: Rule,
        field: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            rule,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// `message [rule]; hint`: all but the field.
    #[must_use]
    pub fn sentence(&self) -> String {
        let rule = self.rule.as_str();
        [&self.message, " [", rule, "]; ", &self.hint].concat()
    }
}

impl std::fmt::Display for Violation {
    /// `field: message [rule]; hint`. Stands alone: for a 422 kubectl prints only the causes.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.field, self.sentence())
    }
}
