//! One field that is wrong, named as whoever wrote it knows it.

use std::fmt;

use daap_crds::violation::Violation;

/// One field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The flag, or the path in the object where no flag stands for it.
    pub(crate) field: String,
    /// What is wrong and what to do.
    pub(crate) text: String,
}

/// A field by its three names.
struct Field {
    /// In the Cluster, or the Pooler.
    path: &'static str,
    /// On the command line.
    flag: &'static str,
    /// In the document of a database; none where no document says it.
    document: Option<&'static str>,
}

const fn field(path: &'static str, flag: &'static str, document: Option<&'static str>) -> Field {
    Field {
        path,
        flag,
        document,
    }
}

const FIELDS: [Field; 13] = [
    field(
        "metadata.labels[daap.dev/name]",
        "name",
        Some("metadata.name"),
    ),
    field(
        "metadata.labels[daap.dev/owner-team]",
        "--owner-team",
        Some("record.ownerTeam"),
    ),
    field("metadata.labels[daap.dev/id]", "--id", Some("record.id")),
    field(
        "metadata.annotations[daap.dev/purpose]",
        "--purpose",
        Some("record.purpose"),
    ),
    field("metadata.annotations[daap.dev/offered-to]", "--to", None),
    field(
        "metadata.annotations[daap.dev/change-reason]",
        "--change-reason",
        Some("record.changeReason"),
    ),
    field("spec.instances", "--instances", Some("spec.instances")),
    field("spec.storage.size", "--storage", Some("spec.storage")),
    field(
        "spec.storage.storageClass",
        "--storage-class",
        Some("spec.storageClass"),
    ),
    field("spec.imageName", "--image", Some("spec.image")),
    field(
        "spec.pgbouncer.poolMode",
        "--pool-mode",
        Some("spec.poolMode"),
    ),
    // Of a Pooler; see [`Complaint::of_pooler`].
    field("", "--pool-instances", Some("spec.poolInstances")),
    field("metadata.name", "name", Some("metadata.name")),
];

impl Complaint {
    pub(crate) fn new(field: impl Into<String>, text: impl fmt::Display) -> Self {
        Self {
            field: field.into(),
            text: text.to_string(),
        }
    }

    /// A cause as the API server lists it; the field is named by its flag.
    pub(crate) fn of_cause(path: &str, message: &str) -> Self {
        let text = message
            .strip_prefix(path)
            .and_then(|rest| rest.strip_prefix(": "))
            .unwrap_or(message);
        Self::new(flag_of(path), text)
    }

    /// The same of a Pooler, whose instances have the path of a Cluster's.
    pub(crate) fn of_pooler(self) -> Self {
        if self.field == "--instances" {
            return Self::new("--pool-instances", self.text);
        }
        self
    }

    /// The same for who wrote a document, and no flag.
    pub(super) fn in_document(self, place: &str) -> Self {
        match document_of(&self.field) {
            Some(field) => Self::new(format!("{place}: {field}"), self.text),
            None => self,
        }
    }
}

impl From<&Violation> for Complaint {
    fn from(violation: &Violation) -> Self {
        Self::of_cause(&violation.field, &violation.to_string())
    }
}

fn flag_of(path: &str) -> &str {
    FIELDS
        .iter()
        .find(|field| field.path == path)
        .map_or(path, |field| field.flag)
}

fn document_of(flag: &str) -> Option<&'static str> {
    FIELDS.iter().find(|field| field.flag == flag)?.document
}

/// A hint without flags: what follows a command in it is the command's own.
pub(super) fn hint_in_document(hint: &str) -> String {
    let (ours, command) = hint.split_at(hint.find("kubectl ").unwrap_or(hint.len()));
    let words = ours.split_inclusive(' ').map(|word| {
        let flag = word.trim_end_matches([' ', ',', ';']);
        match document_of(flag) {
            Some(field) if flag.starts_with("--") => word.replacen(flag, field, 1),
            _ => word.to_owned(),
        }
    });
    words.chain([command.to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use daap_crds::violation::Rule;

    use super::*;

    #[test]
    fn names_fields_by_their_flags() {
        let violation = Violation::new(
            Rule::Limits,
            "spec.storage.size",
            "2Ti is above 1Ti",
            "ask for less",
        );
        assert_eq!(
            Complaint::from(&violation),
            Complaint::new("--storage", "2Ti is above 1Ti [limits]; ask for less")
        );
        assert_eq!(flag_of("spec.other"), "spec.other");
    }

    #[test]
    fn who_wrote_a_document_reads_of_its_fields() {
        let complaint = |path| Complaint::of_cause(path, "above 3").in_document("a.yaml");
        assert_eq!(complaint("spec.storage.size").field, "a.yaml: spec.storage");
        assert_eq!(complaint("spec.bootstrap").field, "spec.bootstrap");
        let pooler = Complaint::of_cause("spec.instances", "above 3").of_pooler();
        assert_eq!(pooler.field, "--pool-instances");
        assert_eq!(pooler.in_document("a").field, "a: spec.poolInstances");
        assert_eq!(
            hint_in_document(
                "finish it with --owner-team payments, or: kubectl daap update x --owner-team y"
            ),
            "finish it with record.ownerTeam payments, or: kubectl daap update x --owner-team y"
        );
    }
}
