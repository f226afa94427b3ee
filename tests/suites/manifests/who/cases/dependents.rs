use daap_tests::ground::{DEPENDENTS, Kind};
use serde_json::{Value, json};

use super::{Administrator, Case, Nobody, Owner, create, delete, patch};
use crate::ground::object;

fn named(kind: Kind, name: &str, cluster: &str) -> Value {
    object(kind.word, name, &json!({"cluster": {"name": cluster}}))
}

pub(super) fn dependents() -> Vec<Case> {
    DEPENDENTS.into_iter().flat_map(of_kind).collect()
}

fn of_kind(kind: Kind) -> Vec<Case> {
    let word = kind.word;
    let stored = "daap-orders-x";
    let is_backup = word.ends_with("Backup");
    let delete = delete(&format!("delete the {word}"), Owner, kind, stored);
    let mut cases = vec![
        create(
            &format!("create a {word}"),
            Owner,
            kind,
            named(kind, "daap-orders-y", "daap-orders"),
        ),
        create(
            "… for a Cluster that is not there",
            Nobody,
            kind,
            named(kind, "daap-nowhere-y", "daap-nowhere"),
        ),
        patch(
            "change it",
            Owner,
            kind,
            stored,
            json!({"metadata": {"labels": {"tier": "gold"}}}),
        ),
        patch(
            "give it a finalizer",
            Owner,
            kind,
            stored,
            json!({"metadata": {"finalizers": ["cnpg.io/release"]}}),
        )
        .and_the_instance(),
        patch(
            "move it to a Cluster of another",
            Administrator,
            kind,
            stored,
            json!({"spec": {"cluster": {"name": "daap-ledger"}}}),
        ),
    ];
    if is_backup {
        cases.push(create(
            "call it otherwise than its Cluster",
            Administrator,
            kind,
            named(kind, "mine", "daap-orders"),
        ));
    }
    // What is kept no longer.
    cases.push(if word == "Backup" {
        delete.and_the_instance()
    } else {
        delete
    });
    cases
}
