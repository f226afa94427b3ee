//! What has to be done so that a database becomes what its document says.

use std::collections::BTreeMap;

use daap_crds::contract::{annotation, label};
use daap_crds::pending::{OperationName, Pending};
use serde_json::{Map, Value, json};

use super::labels;
use super::wanted::Wanted;
use crate::commands::diff::unified;
use crate::database::{Database, document, find};
use crate::failure::{Complaint, Failure};
use crate::kubernetes::Kubernetes;
use crate::operation::{Asked, Changes};
use crate::output::{stderr_line, yaml};

/// What is done with one database.
#[derive(Debug)]
pub(super) enum Action {
    Create(Box<Asked>),
    Update(Box<Changes>),
    Nothing,
}

/// The plan for one document.
pub(super) struct Plan {
    pub(super) wanted: Wanted,
    pub(super) k8s: Kubernetes,
    pub(super) action: Result<Action, Failure>,
    /// What changes, as a unified diff; empty where nothing does.
    pub(super) diff: String,
}

impl Plan {
    /// Looks at the database and compares.
    pub(super) async fn of(wanted: Wanted, k8s: Kubernetes) -> Self {
        let planned = match find(&k8s, &wanted.name).await {
            Ok(database) => plan(&wanted, k8s.namespace(), database.as_ref()),
            Err(failure) => Err(failure),
        };
        let (action, diff) = match planned {
            Ok((action, diff)) => (Ok(action), diff),
            Err(failure) => (Err(failure), String::new()),
        };
        Self {
            wanted,
            k8s,
            action,
            diff,
        }
    }

    /// Whether something is to be written.
    pub(super) fn writes(&self) -> bool {
        matches!(self.action, Ok(Action::Create(_) | Action::Update(_)))
    }
}

fn plan(
    wanted: &Wanted,
    namespace: &str,
    database: Option<&Database>,
) -> Result<(Action, String), Failure> {
    let Some(database) = database.filter(|database| !is_being_created(database)) else {
        let impossible = |complaints| {
            let what = format!("database/{} cannot be created", wanted.name);
            Failure::fields(what, complaints)
        };
        let labels = labels::refused(wanted, namespace, database);
        let asked = match wanted.asked() {
            Ok(asked) if labels.is_empty() => asked,
            Ok(_) => return Err(impossible(labels)),
            Err(complaints) => return Err(impossible([complaints, labels].concat())),
        };
        let before = database.map(shown).unwrap_or_default();
        let diff = difference(wanted, &before, &after(wanted, before.clone()))?;
        return Ok((Action::Create(Box::new(asked)), diff));
    };
    let refused = [
        never_changes(wanted, database),
        labels::refused(wanted, namespace, Some(database)),
    ]
    .concat();
    if !refused.is_empty() {
        return Err(Failure::fields(
            format!("database/{} cannot become that", wanted.name),
            refused,
        ));
    }
    let before = shown(database);
    let wished = after(wanted, before.clone());
    let changes = changes(wanted, database, &before);
    if changes.is_none(&wanted.name, &database.cluster, database.pooler.as_ref()) {
        return Ok((Action::Nothing, String::new()));
    }
    let stale = database.view().annotation(annotation::CHANGE_REASON);
    if changes.reason.is_some() && changes.reason.as_deref() == stale {
        stderr_line(&format!(
            "Warning: database/{}: the reason '{}' is that of the last change; say why it is changed now with --change-reason",
            wanted.name,
            stale.unwrap_or_default()
        ));
    }
    let diff = difference(wanted, &before, &wished)?;
    Ok((Action::Update(Box::new(changes)), diff))
}

/// Then `create` takes it up where it was left.
fn is_being_created(database: &Database) -> bool {
    database
        .view()
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .is_some_and(|pending| pending.operation == OperationName::Create)
}

fn never_changes(wanted: &Wanted, database: &Database) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let mut refuse = |field: &str, is: Option<&str>, asked: Option<String>, why: &str| {
        if let Some(asked) = asked
            && is != Some(asked.as_str())
        {
            let is = is.unwrap_or("the cluster's default");
            complaints.push(Complaint::new(
                format!("{}: {field}", wanted.place),
                format!("it is {is} and never becomes {asked}: {why}"),
            ));
        }
    };
    let view = database.view();
    refuse(
        "record.id",
        view.label(label::ID),
        wanted.id.map(|id| id.to_string()),
        "the id tells a database from others of the same name; leave it out",
    );
    refuse(
        "spec.storageClass",
        view.text("/spec/storage/storageClass"),
        wanted.storage_class.clone(),
        "volumes stay in their class; leave it out",
    );
    complaints
}

fn changes(wanted: &Wanted, database: &Database, before: &Value) -> Changes {
    let is_image = before.pointer("/spec/image").and_then(Value::as_str);
    let is_new = |image: &String| is_image != Some(image);
    debug_assert!(!database.lost, "`find` finds no lost ones");
    Changes {
        team: wanted.team.clone(),
        purpose: wanted.purpose.clone(),
        instances: wanted.instances,
        storage: wanted.storage.clone(),
        // What `get` prints is the image in use, which the Cluster need not name.
        image: wanted.image.clone().filter(is_new),
        pool_mode: wanted.pool_mode,
        pool_instances: wanted.pool_instances,
        reason: wanted.change_reason.clone(),
    }
}

/// What of a database a document can change.
fn shown(database: &Database) -> Value {
    let document = document(database);
    let field = |pointer| document.pointer(pointer).cloned().unwrap_or_default();
    json!({
        "record": {"ownerTeam": field("/record/ownerTeam"), "purpose": field("/record/purpose")},
        "spec": field("/spec"),
    })
}

/// The same once the document is applied.
fn after(wanted: &Wanted, before: Value) -> Value {
    let text = |value: Option<String>| value.map(Value::from);
    let number = |value: Option<u32>| value.map(Value::from);
    let record = BTreeMap::from([
        (
            "ownerTeam",
            text(wanted.team.as_ref().map(ToString::to_string)),
        ),
        (
            "purpose",
            text(wanted.purpose.as_ref().map(|it| it.as_str().to_owned())),
        ),
    ]);
    let spec = BTreeMap::from([
        ("instances", number(wanted.instances)),
        (
            "storage",
            text(wanted.storage.as_ref().map(ToString::to_string)),
        ),
        ("storageClass", text(wanted.storage_class.clone())),
        ("image", text(wanted.image.clone())),
        (
            "poolMode",
            text(wanted.pool_mode.map(|mode| mode.to_string())),
        ),
        ("poolInstances", number(wanted.pool_instances)),
    ]);
    let given = |fields: BTreeMap<&str, Option<Value>>| -> Map<String, Value> {
        let given = fields.into_iter();
        given
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect()
    };
    let mut after = before;
    json_patch::merge(
        &mut after,
        &json!({"record": given(record), "spec": given(spec)}),
    );
    after
}

fn difference(wanted: &Wanted, before: &Value, after: &Value) -> Result<String, Failure> {
    let text = |value: &Value| match value {
        Value::Null => Ok(String::new()),
        value => yaml(value),
    };
    let name = format!("database/{}", wanted.name);
    Ok(unified(
        (&format!("{name} (now)"), &text(before)?),
        (&format!("{name} ({})", wanted.place), &text(after)?),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;
    use crate::database::fixtures;

    fn wanted(edit: impl FnOnce(&mut Value)) -> Wanted {
        let mut document = document(&fixtures::ready("orders"));
        edit(&mut document);
        let place = "a.yaml, document 1".to_owned();
        Wanted::read(&Source { place, document }).unwrap()
    }

    #[test]
    fn what_get_prints_changes_nothing() {
        let database = fixtures::ready("orders");
        let (action, diff) = plan(&wanted(|_| ()), "apps", Some(&database)).unwrap();
        assert!(matches!(action, Action::Nothing), "{action:?}");
        assert_eq!(diff, "");
    }

    #[test]
    fn a_change_is_shown_as_one() {
        let database = fixtures::ready("orders");
        let edited = wanted(|document| {
            document["spec"]["instances"] = 3.into();
            document["spec"]["poolMode"] = "session".into();
        });
        let (action, diff) = plan(&edited, "apps", Some(&database)).unwrap();
        assert!(matches!(action, Action::Update(_)), "{action:?}");
        insta::assert_snapshot!(diff);
    }

    #[test]
    fn a_new_one_is_shown_whole_and_what_it_lacks_is_named() {
        let (action, diff) = plan(&wanted(|_| ()), "apps", None).unwrap();
        assert!(matches!(action, Action::Create(_)), "{action:?}");
        assert!(diff.contains("+  ownerTeam: payments"), "{diff}");
        let bare = wanted(|document| {
            document["record"] = json!({});
        });
        let failure = plan(&bare, "apps", None).unwrap_err().render();
        assert!(
            failure.contains("record.ownerTeam") && failure.contains("record.purpose"),
            "{failure}"
        );
    }

    #[test]
    fn id_and_storage_class_never_change() {
        let database = fixtures::ready("orders");
        let edited = wanted(|document| {
            document["record"]["id"] = "11111111-1111-4111-8111-111111111111".into();
            document["spec"]["storageClass"] = "other".into();
        });
        let failure = plan(&edited, "apps", Some(&database)).unwrap_err().render();
        assert!(
            failure.contains("record.id") && failure.contains("spec.storageClass"),
            "{failure}"
        );
    }
}
