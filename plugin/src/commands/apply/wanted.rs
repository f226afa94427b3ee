//! What a document asks for. What `get -o yaml` prints is accepted as it is: of that, what only the
//! cluster knows is passed over, and everything unknown is named.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Display;

use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::policy::PoolMode;
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;
use serde_json::Value;

use super::labels::field_of_label;
use super::source::Source;
use crate::commands::input::{Input, count, reason, text};
use crate::commands::suggestion::closest;
use crate::database::API_VERSION;
use crate::failure::Complaint;
use crate::operation::Asked;

/// Where fields may be, and which there are.
const FIELDS: [(&str, &[&str]); 4] = [
    (
        "",
        &["apiVersion", "kind", "metadata", "record", "spec", "status"],
    ),
    (
        "metadata",
        &["name", "namespace", "creationTimestamp", "labels"],
    ),
    (
        "record",
        &[
            "id",
            "ownerTeam",
            "purpose",
            "version",
            "createdAt",
            "createdBy",
            "updatedAt",
            "updatedBy",
            "changeReason",
            "offeredTo",
        ],
    ),
    (
        "spec",
        &[
            "instances",
            "storage",
            "storageClass",
            "image",
            "poolMode",
            "poolInstances",
        ],
    ),
];

/// What a document asks for; what it leaves out stays as it is, or is the platform's default.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) place: String,
    pub(super) namespace: Option<String>,
    pub(super) name: DatabaseName,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) id: Option<DatabaseId>,
    pub(super) team: Option<Team>,
    pub(super) purpose: Option<Purpose>,
    pub(super) instances: Option<u32>,
    pub(super) storage: Option<Size>,
    pub(super) storage_class: Option<String>,
    pub(super) image: Option<String>,
    pub(super) pool_mode: Option<PoolMode>,
    pub(super) pool_instances: Option<u32>,
    pub(super) change_reason: Option<String>,
}

impl Wanted {
    /// Reads a document.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place and path.
    pub(super) fn read(source: &Source) -> Result<Self, Vec<Complaint>> {
        let mut reader = Reader {
            document: &source.document,
            input: Input::default(),
        };
        let wanted = reader.wanted(&source.place);
        let at_place = |complaint: Complaint| {
            Complaint::new(
                format!("{}: {}", source.place, complaint.field),
                complaint.text,
            )
        };
        match wanted {
            Some(wanted) if reader.input.is_good() => Ok(wanted),
            _ => Err(reader
                .input
                .into_complaints()
                .into_iter()
                .map(at_place)
                .collect()),
        }
    }

    /// As for a creation; what is missing is told.
    pub(super) fn asked(&self) -> Result<Asked, Vec<Complaint>> {
        let missing = |field: &str, what: &str| {
            Complaint::new(
                format!("{}: {field}", self.place),
                format!("it is missing, and the database does not exist yet; {what}"),
            )
        };
        let (Some(team), Some(purpose)) = (&self.team, &self.purpose) else {
            let mut complaints = Vec::new();
            if self.team.is_none() {
                complaints.push(missing("record.ownerTeam", "name the team that owns it"));
            }
            if self.purpose.is_none() {
                complaints.push(missing("record.purpose", "say what it is for"));
            }
            return Err(complaints);
        };
        Ok(Asked {
            name: self.name.clone(),
            team: team.clone(),
            purpose: purpose.clone(),
            id: self.id,
            instances: self.instances,
            storage: self.storage.clone(),
            storage_class: self.storage_class.clone(),
            image: self.image.clone(),
            pool_mode: self.pool_mode,
            pool_instances: self.pool_instances,
            change_reason: self.change_reason.clone(),
        })
    }
}

struct Reader<'a> {
    document: &'a Value,
    input: Input,
}

impl Reader<'_> {
    fn wanted(&mut self, place: &str) -> Option<Wanted> {
        if !self.is_database() {
            return None;
        }
        self.name_unknown_fields();
        if self.text("status.state").as_deref() == Some("deleted") {
            self.input.complain(
                "status.state",
                "it is the document of a deleted database; bring that back with `kubectl daap restore`, or leave record.id and status out to create another",
            );
        }
        let name = self.field("metadata.name", DatabaseName::parse);
        if name.is_none() && !self.input.has("metadata.name") {
            self.input
                .complain("metadata.name", "it is missing; name the database");
        }
        Some(Wanted {
            place: place.to_owned(),
            namespace: self.field("metadata.namespace", text),
            labels: self.labels(),
            id: self.field("record.id", DatabaseId::parse),
            team: self.field("record.ownerTeam", Team::parse),
            purpose: self.field("record.purpose", Purpose::parse),
            instances: self.field("spec.instances", count),
            storage: self.field("spec.storage", Size::parse),
            storage_class: self.field("spec.storageClass", text),
            image: self.field("spec.image", text),
            pool_mode: self.field("spec.poolMode", str::parse),
            pool_instances: self.field("spec.poolInstances", count),
            change_reason: self.field("record.changeReason", reason),
            name: name?,
        })
    }

    fn is_database(&mut self) -> bool {
        let (version, kind) = (self.text("apiVersion"), self.text("kind"));
        if (version.as_deref(), kind.as_deref()) == (Some(API_VERSION), Some("Database")) {
            return true;
        }
        let is = |word: Option<String>| word.unwrap_or_else(|| "nothing".to_owned());
        let (version, kind) = (is(version), is(kind));
        let instead = if version.contains("cnpg.io") {
            "manifests of Clusters and Poolers are for `kubectl apply`"
        } else {
            "a document is what `kubectl daap get NAME -o yaml` prints"
        };
        self.input.complain(
            "kind",
            format!("apiVersion {version}, kind {kind} is not {API_VERSION}, Database; {instead}"),
        );
        false
    }

    fn name_unknown_fields(&mut self) {
        for (section, known) in FIELDS {
            let found = match section {
                "" => Some(self.document),
                section => self.document.get(section),
            };
            let prefix = match section {
                "" => String::new(),
                section => format!("{section}."),
            };
            match found {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => {
                    for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
                        let text = match closest(key, known.iter().copied()) {
                            Some(close) => format!("unknown field; did you mean {prefix}{close}?"),
                            None => format!("unknown field; there are {}", known.join(", ")),
                        };
                        self.input.complain(&format!("{prefix}{key}"), text);
                    }
                }
                Some(_) => self.input.complain(section, "it is no map of fields"),
            }
        }
    }

    fn labels(&mut self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        let found = match self.document.pointer("/metadata/labels") {
            None | Some(Value::Null) => return labels,
            Some(Value::Object(found)) => found,
            Some(_) => {
                self.input
                    .complain("metadata.labels", "it is no map of labels");
                return labels;
            }
        };
        for (key, value) in found {
            match value {
                Value::String(value) => {
                    labels.insert(key.clone(), value.clone());
                }
                other => self.input.complain(
                    &field_of_label(key),
                    format!("{other} is no text; write it in quotation marks"),
                ),
            }
        }
        labels
    }

    /// A scalar as text; none where it is absent or null.
    fn text(&self, path: &str) -> Option<String> {
        match self
            .document
            .pointer(&format!("/{}", path.replace('.', "/")))?
        {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn field<T, E: Display>(
        &mut self,
        path: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(path)?;
        self.input.optional(path, Some(OsStr::new(&text)), parse)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::database::{document, fixtures};

    fn read(document: Value) -> Result<Wanted, Vec<Complaint>> {
        Wanted::read(&Source {
            place: "a.yaml, document 2".into(),
            document,
        })
    }

    #[test]
    fn what_get_prints_is_accepted() {
        let wanted = read(document(&fixtures::ready("orders"))).unwrap();
        assert_eq!(wanted.name.as_str(), "orders");
        assert_eq!(wanted.storage.unwrap().as_str(), "1Gi");
        assert!(wanted.id.is_some());
    }

    #[test]
    fn everything_wrong_is_named_at_once_with_its_place() {
        let complaints = read(json!({
            "apiVersion": API_VERSION, "kind": "Database",
            "metadata": {"name": "Orders", "annotations": {}},
            "record": {"ownerteam": "payments", "purpose": ""},
            "spec": {"instances": "two", "instance": 1, "storage": "1X"},
        }))
        .unwrap_err();
        let text: Vec<String> = complaints
            .iter()
            .map(|complaint| format!("{}: {}", complaint.field, complaint.text))
            .collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    #[test]
    fn manifests_are_for_kubectl() {
        let complaints =
            read(json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster"})).unwrap_err();
        let [complaint] = complaints.as_slice() else {
            panic!("{complaints:?}")
        };
        assert!(complaint.text.contains("kubectl apply"), "{complaint:?}");
    }
}
