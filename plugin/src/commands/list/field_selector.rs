//! `--field-selector`, on the fields of what is printed.

use serde_json::Value;

use crate::output::JsonPath;

/// What can be selected by: what has one value and stays the same while nobody changes it.
const FIELDS: [&str; 14] = [
    "metadata.name",
    "metadata.namespace",
    "record.id",
    "record.ownerTeam",
    "record.purpose",
    "record.version",
    "record.createdBy",
    "record.updatedBy",
    "spec.instances",
    "spec.storage",
    "spec.storageClass",
    "spec.poolMode",
    "spec.poolInstances",
    "status.state",
];

/// Fields, each with the value that it must or must not have.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FieldSelector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    field: JsonPath,
    value: String,
    equal: bool,
}

impl FieldSelector {
    /// Reads `status.state=ready,spec.poolMode!=session`.
    ///
    /// # Errors
    /// A part is no comparison, or its field is unknown.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').filter(|part| !part.trim().is_empty());
        parts
            .map(|part| {
                let (field, value) = part.split_once('=').ok_or_else(|| {
                    format!("'{part}' is no comparison; write it as status.state=ready or status.state!=ready")
                })?;
                // `==` and `!=` as well.
                let value = value.strip_prefix('=').unwrap_or(value);
                let (field, equal) = match field.strip_suffix('!') {
                    Some(field) => (field, false),
                    None => (field, true),
                };
                let field = field.trim();
                if !FIELDS.contains(&field) {
                    return Err(format!(
                        "field '{field}' is not supported; those that are: {}",
                        FIELDS.join(", ")
                    ));
                }
                Ok(Requirement {
                    field: JsonPath::relaxed(field)?,
                    value: value.trim().to_owned(),
                    equal,
                })
            })
            .collect::<Result<_, String>>()
            .map(Self)
    }

    /// Whether a document is selected; a field that it lacks is empty.
    pub(super) fn selects(&self, document: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let is = requirement.field.render(document).unwrap_or_default();
            (is == requirement.value) == requirement.equal
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("status.state=ready", true)]
    #[case("status.state==ready,spec.instances=3", true)]
    #[case("status.state!=ready", false)]
    #[case("spec.poolMode!=session", true)]
    #[case("spec.poolMode=", true)]
    #[case("", true)]
    fn selects_by_fields(#[case] selector: &str, #[case] selected: bool) {
        let document = json!({"spec": {"instances": 3}, "status": {"state": "ready"}});
        let selector = FieldSelector::parse(selector).unwrap();
        assert_eq!(selector.selects(&document), selected);
    }

    #[test]
    fn an_unknown_field_is_named_with_those_that_there_are() {
        let error = FieldSelector::parse("spec.nodeName=x").unwrap_err();
        assert!(error.contains("spec.nodeName") && error.contains("record.ownerTeam"));
        assert!(
            FieldSelector::parse("ready")
                .unwrap_err()
                .contains("status.state=ready")
        );
    }
}
