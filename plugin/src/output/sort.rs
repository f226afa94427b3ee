//! `--sort-by`: by a field, as kubectl does, or by a column of the table.

use std::cmp::Ordering;

use daap_crds::size::Size;
use serde_json::Value;

use super::format::JsonPath;
use crate::failure::Failure;

/// The columns of the tables of databases, and what each shows of a document.
const COLUMNS: [(&str, &str); 13] = [
    ("NAMESPACE", "metadata.namespace"),
    ("NAME", "metadata.name"),
    ("OWNER-TEAM", "record.ownerTeam"),
    ("STATE", "status.state"),
    ("REASON", "status.reason"),
    ("INSTANCES", "spec.instances"),
    ("STORAGE", "spec.storage"),
    ("HOST", "status.connection.host"),
    ("PURPOSE", "record.purpose"),
    ("RESTORABLE-UNTIL", "status.deletion.keptUntil"),
    ("DELETED-BY", "record.updatedBy"),
    ("ID", "record.id"),
    (AGE, "record.createdAt"),
];
/// The youngest comes first: what is shown is how long ago the time was.
const AGE: &str = "AGE";

/// What to sort by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SortBy {
    given: String,
    path: JsonPath,
    /// Whether it is a column: then it may be empty everywhere.
    column: bool,
    reversed: bool,
}

impl SortBy {
    /// The columns that it knows.
    pub(crate) fn columns() -> impl Iterator<Item = &'static str> {
        COLUMNS.iter().map(|(name, _)| *name)
    }

    /// Reads `.metadata.name`, `{.metadata.name}`, or the name of a column.
    ///
    /// # Errors
    /// It is neither.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let column = COLUMNS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text));
        if column.is_none() && !text.contains(['.', '{', '[']) {
            let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
            return Err(format!(
                "'{text}' is neither a field, as .metadata.name, nor a column: {}",
                names.join(", ")
            ));
        }
        Ok(Self {
            given: text.to_owned(),
            path: JsonPath::relaxed(column.map_or(text, |(_, path)| path))?,
            column: column.is_some(),
            reversed: column.is_some_and(|(name, _)| *name == AGE),
        })
    }

    /// Sorts what the documents stand for; what has no such field comes first.
    ///
    /// # Errors
    /// No document has the field.
    pub(crate) fn sort<T>(
        &self,
        items: Vec<T>,
        document: impl Fn(&T) -> Value,
    ) -> Result<Vec<T>, Failure> {
        let mut keyed: Vec<(Option<Value>, T)> = Vec::with_capacity(items.len());
        for item in items {
            let document = document(&item);
            let found = self.path.find(&document).map_err(Failure::new)?;
            keyed.push((found.first().map(|value| (*value).clone()), item));
        }
        let absent = !self.column && keyed.iter().all(|(key, _)| key.is_none());
        if absent && !keyed.is_empty() {
            return Err(Failure::new(format!(
                "--sort-by: nothing that is listed has the field '{}'",
                self.given
            ))
            .hint("look at what there is with -o yaml"));
        }
        keyed.sort_by(|(left, _), (right, _)| {
            let order = compare(left.as_ref(), right.as_ref());
            if self.reversed {
                order.reverse()
            } else {
                order
            }
        });
        Ok(keyed.into_iter().map(|(_, item)| item).collect())
    }
}

fn compare(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::String(left)), Some(Value::String(right))) => {
            match (Size::parse(left), Size::parse(right)) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                _ => alphanumeric_sort::compare_str(left, right),
            }
        }
        (Some(Value::Number(left)), Some(Value::Number(right))) => left
            .as_f64()
            .partial_cmp(&right.as_f64())
            .unwrap_or(Ordering::Equal),
        (Some(Value::Bool(left)), Some(Value::Bool(right))) => left.cmp(right),
        (left, right) => left.is_some().cmp(&right.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn sorted(by: &str, documents: Value) -> Vec<String> {
        let Value::Array(documents) = documents else {
            panic!("no list")
        };
        let sorted = SortBy::parse(by).unwrap().sort(documents, Clone::clone);
        let name = |document: Value| document["metadata"]["name"].as_str().unwrap().to_owned();
        sorted.unwrap().into_iter().map(name).collect()
    }

    #[rstest]
    #[case("{.metadata.name}", &["db-2", "db-10", "old"])]
    #[case("metadata.name", &["db-2", "db-10", "old"])]
    #[case("NAME", &["db-2", "db-10", "old"])]
    #[case(".spec.storage", &["old", "db-2", "db-10"])]
    #[case("storage", &["old", "db-2", "db-10"])]
    #[case("instances", &["old", "db-10", "db-2"])]
    #[case("age", &["db-10", "db-2", "old"])]
    #[case("reason", &["db-10", "old", "db-2"])]
    fn sorts_by_fields_and_columns(#[case] by: &str, #[case] names: &[&str]) {
        let documents = json!([
            {"metadata": {"name": "db-10"}, "spec": {"storage": "1Gi", "instances": 2}, "record": {"createdAt": "2026-11-21T08:00:00Z"}},
            {"metadata": {"name": "old"}, "record": {"createdAt": "2025-01-01T08:00:00Z"}},
            {"metadata": {"name": "db-2"}, "spec": {"storage": "512Mi", "instances": 10}, "record": {"createdAt": "2026-10-01T08:00:00Z"}, "status": {"reason": "docked"}},
        ]);
        assert_eq!(sorted(by, documents), names);
    }

    #[test]
    fn what_nothing_has_is_an_error() {
        let documents = vec![json!({"metadata": {}})];
        let by = SortBy::parse(".spec.missing").unwrap();
        assert!(by.sort(documents, Clone::clone).is_err());
        assert!(
            SortBy::parse("REASON")
                .unwrap()
                .sort(vec![json!({})], Clone::clone)
                .is_ok()
        );
        let error = SortBy::parse("nonsense").unwrap_err();
        assert!(error.contains("OWNER-TEAM"), "{error}");
    }
}
