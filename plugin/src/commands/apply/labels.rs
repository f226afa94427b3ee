//! The labels of a document: `get -o yaml` prints them, and `apply` changes none. So those that are
//! as they are pass, and each that is not is told with the command that sets it.

use daap_crds::contract::{cnpg, label};

use super::wanted::Wanted;
use crate::database::Database;
use crate::failure::Complaint;
use crate::output::quoted;

/// The path of a label in a document.
pub(super) fn field_of_label(key: &str) -> String {
    format!("metadata.labels[{key}]")
}

/// Labels that the document has, and the database has not, or would not have when it is created.
pub(super) fn refused(
    wanted: &Wanted,
    namespace: &str,
    database: Option<&Database>,
) -> Vec<Complaint> {
    let labels = wanted.labels.iter();
    let refused = labels.filter_map(|(key, asked)| {
        let is = database.and_then(|database| database.view().label(key));
        let follows = of_record(wanted, key);
        let known = is == Some(asked) || follows.as_ref().is_some_and(|(_, value)| value == asked);
        if known {
            return None;
        }
        let text = if let Some((field, value)) = follows {
            format!(
                "it says '{asked}', and {field} says '{value}', from which it is taken; leave the label out"
            )
        } else {
            let pair = quoted(&format!("{key}={asked}"));
            let cluster = wanted.name.cluster();
            let command = format!(
                "kubectl label clusters.{} {cluster} {pair} --overwrite -n {namespace}",
                cnpg::GROUP,
            );
            by_hand(is, database.is_some(), &command)
        };
        Some(Complaint::new(
            format!("{}: {}", wanted.place, field_of_label(key)),
            text,
        ))
    });
    refused.collect()
}

/// What the label is taken from, and what that says.
fn of_record(wanted: &Wanted, key: &str) -> Option<(&'static str, String)> {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
    match key {
        label::NAME => Some(("metadata.name", wanted.name.to_string())),
        label::OWNER_TEAM => {
            let team = wanted.team.as_ref().map(ToString::to_string);
            Some(("record.ownerTeam", shown(team)))
        }
        label::ID => Some(("record.id", shown(wanted.id.map(|id| id.to_string())))),
        label::MANAGED_BY => Some(("kubectl daap", label::MANAGED_BY_VALUE.to_owned())),
        _ => None,
    }
}

fn by_hand(is: Option<&str>, exists: bool, command: &str) -> String {
    let is = match is {
        Some(is) => format!("it is '{is}'"),
        None => "there is none".to_owned(),
    };
    let when = if exists {
        "set it with"
    } else {
        "leave it out, and once the database exists, set it with"
    };
    format!("{is}, and apply sets no labels; {when}: {command}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::source::Source;
    use super::*;
    use crate::database::{document, fixtures};

    fn complaints(database: Option<&Database>, edit: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut document = document(&fixtures::ready("orders"));
        edit(&mut document);
        let place = "a.yaml, document 1".to_owned();
        let wanted = Wanted::read(&Source { place, document }).unwrap();
        let complaints = refused(&wanted, "apps", database).into_iter();
        complaints
            .map(|one| format!("{}: {}", one.field, one.text))
            .collect()
    }

    #[test]
    fn what_is_there_passes_and_what_is_not_is_told() {
        let database = fixtures::ready("orders");
        assert_eq!(complaints(Some(&database), |_| ()), [""; 0]);
        assert_eq!(complaints(None, |_| ()), [""; 0]);
        let edit = |document: &mut Value| document["metadata"]["labels"]["tier"] = "gold".into();
        insta::assert_snapshot!(complaints(Some(&database), edit).join("\n"));
        insta::assert_snapshot!(complaints(None, edit).join("\n"));
    }

    #[test]
    fn a_label_of_the_record_goes_with_the_record() {
        let database = fixtures::ready("orders");
        let billing = |document: &mut Value| {
            document["metadata"]["labels"]["daap.dev/owner-team"] = "billing".into();
        };
        let said = complaints(Some(&database), billing).join("\n");
        assert!(said.contains("record.ownerTeam says 'payments'"), "{said}");
        let both = |document: &mut Value| {
            billing(document);
            document["record"]["ownerTeam"] = "billing".into();
        };
        assert_eq!(complaints(Some(&database), both), [""; 0]);
        // Who edits the record alone has the label as it was.
        let record = |document: &mut Value| document["record"]["ownerTeam"] = "billing".into();
        assert_eq!(complaints(Some(&database), record), [""; 0]);
        let renamed = |document: &mut Value| {
            document["metadata"] = json!({"name": "stock", "labels": {"daap.dev/name": "orders"}});
        };
        let said = complaints(None, renamed).join("\n");
        assert!(said.contains("metadata.name says 'stock'"), "{said}");
    }
}
