//! The record: what the labels and annotations of a Cluster or of a tombstone say.

use crate::contract::{annotation, label};
use crate::history::History;
use crate::names::{DatabaseId, DatabaseName, Team};
use crate::object::View;
use crate::pending::Pending;
use crate::purpose::Purpose;
use crate::violation::{Rule, Violation};

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Logical name.
    pub name: DatabaseName,
    /// The team that owns the database.
    pub team: Team,
    /// Its id.
    pub id: DatabaseId,
    /// What it is for.
    pub purpose: Purpose,
    /// Why the last change was made, as it stands on the object.
    pub change_reason: Option<String>,
    /// When it was created; absent where no webhook stamped it.
    pub created_at: Option<String>,
    /// Who created it.
    pub created_by: Option<String>,
    /// When a tracked field last changed.
    pub updated_at: Option<String>,
    /// Who changed it.
    pub updated_by: Option<String>,
    /// Version of the record; 0 where no webhook stamped it.
    pub version: u64,
    /// The versions.
    pub history: History,
    /// The team that a transfer waits for.
    pub offered_to: Option<String>,
    /// What is unfinished.
    pub pending: Option<Pending>,
}

impl Record {
    /// Reads the record of an object.
    ///
    /// # Errors
    /// Every label or annotation that is missing or cannot be read, each by its field. Stamps that
    /// are absent are no error: a cluster without the webhook has none.
    pub fn read(object: View<'_>) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let name = read_label(object, label::NAME, DatabaseName::parse, &mut violations);
        let team = read_label(object, label::OWNER_TEAM, Team::parse, &mut violations);
        let id = read_label(object, label::ID, DatabaseId::parse, &mut violations);
        let purpose = match object.annotation(annotation::PURPOSE).map(Purpose::parse) {
            Some(Ok(purpose)) => Some(purpose),
            Some(Err(error)) => {
                violations.push(unreadable(&annotation_field(annotation::PURPOSE), &error));
                None
            }
            None => {
                violations.push(missing(&annotation_field(annotation::PURPOSE)));
                None
            }
        };
        let history = match object.annotation(annotation::HISTORY).map(History::parse) {
            Some(Ok(history)) => history,
            Some(Err(error)) => {
                violations.push(unreadable(&annotation_field(annotation::HISTORY), &error));
                History::default()
            }
            None => History::default(),
        };
        let (Some(name), Some(team), Some(id), Some(purpose), true) =
            (name, team, id, purpose, violations.is_empty())
        else {
            return Err(violations);
        };
        let text = |key| object.annotation(key).map(str::to_owned);
        Ok(Self {
            name,
            team,
            id,
            purpose,
            change_reason: text(annotation::CHANGE_REASON),
            created_at: text(annotation::CREATED_AT),
            created_by: text(annotation::CREATED_BY),
            updated_at: text(annotation::UPDATED_AT),
            updated_by: text(annotation::UPDATED_BY),
            version: history.version(),
            history,
            offered_to: text(annotation::OFFERED_TO),
            pending: object
                .annotation(annotation::PENDING)
                .and_then(Pending::parse),
        })
    }
}

/// `metadata.labels[KEY]`
#[must_use]
pub fn label_field(key: &str) -> String {
    format!("metadata.labels[{key}]")
}

/// `metadata.annotations[KEY]`
#[must_use]
pub fn annotation_field(key: &str) -> String {
    format!("metadata.annotations[{key}]")
}

fn read_label<T, E: std::fmt::Display>(
    object: View<'_>,
    key: &str,
    parse: impl Fn(&str) -> Result<T, E>,
    violations: &mut Vec<Violation>,
) -> Option<T> {
    match object.label(key).map(parse) {
        Some(Ok(value)) => Some(value),
        Some(Err(error)) => {
            violations.push(unreadable(&label_field(key), &error));
            None
        }
        None => {
            violations.push(missing(&label_field(key)));
            None
        }
    }
}

fn missing(field: &str) -> Violation {
    Violation::new(
        Rule::Required,
        field,
        "it is missing; every database has it",
        "set it, or let `kubectl daap create` write the whole record",
    )
}

fn unreadable(field: &str, error: &impl std::fmt::Display) -> Violation {
    Violation::new(Rule::Format, field, error.to_string(), "correct the value")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_a_record_without_stamps() {
        let object = json!({"metadata": {
            "labels": {"daap.dev/name": "orders", "daap.dev/owner-team": "payments",
                "daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8"},
            "annotations": {"daap.dev/purpose": "order intake",
                "daap.dev/pending": "{\"operation\":\"create\",\"step\":\"apply-pooler\",\"since\":\"2026-11-21T08:00:00Z\"}"}
        }});
        let record = Record::read(View(&object)).unwrap();
        assert_eq!(record.name.as_str(), "orders");
        assert_eq!(record.version, 0);
        assert_eq!(record.pending.unwrap().step, "apply-pooler");
    }

    #[test]
    fn names_every_field_that_is_missing_or_unreadable() {
        let object = json!({"metadata": {
            "labels": {"daap.dev/name": "Orders"},
            "annotations": {"daap.dev/history": "nonsense"}
        }});
        let fields: Vec<String> = Record::read(View(&object))
            .unwrap_err()
            .into_iter()
            .map(|violation| violation.field)
            .collect();
        assert_eq!(
            fields,
            [
                "metadata.labels[daap.dev/name]",
                "metadata.labels[daap.dev/owner-team]",
                "metadata.labels[daap.dev/id]",
                "metadata.annotations[daap.dev/purpose]",
                "metadata.annotations[daap.dev/history]",
            ]
        );
    }
}
