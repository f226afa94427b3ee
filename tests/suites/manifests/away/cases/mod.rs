//! Writes, and who of the users gets through with each.

mod neighbours;
mod record;
mod teams;

use daap_tests::sandbox::User;
use daap_tests::sandbox::User::{Admin, Operator, PaymentsDev};
use serde_json::{Value, json};

use crate::ground::object;

/// A write.
pub(super) struct Case {
    /// In the words of the page.
    pub(super) what: &'static str,
    /// The rule that refuses it.
    pub(super) rule: &'static str,
    /// What is typed after `kubectl`.
    pub(super) words: Vec<&'static str>,
    pub(super) input: Option<Value>,
    /// Who gets through; `daap-orders` is of team payments.
    pub(super) may: Vec<User>,
}

fn case(what: &'static str, rule: &'static str, words: &[&'static str], may: &[User]) -> Case {
    Case {
        what,
        rule,
        words: words.to_vec(),
        input: None,
        may: may.to_vec(),
    }
}

fn create(what: &'static str, rule: &'static str, input: Value, may: &[User]) -> Case {
    Case {
        input: Some(input),
        ..case(what, rule, &["create", "-f", "-"], may)
    }
}

fn patch(
    what: &'static str,
    rule: &'static str,
    object: &'static str,
    patch: &'static str,
    may: &[User],
) -> Case {
    case(
        what,
        rule,
        &["patch", object, "--type=merge", "-p", patch],
        may,
    )
}

const ORDERS: &str = "cluster/daap-orders";
const POOLER: &str = "pooler/daap-orders-pooler";
/// The owner, and who may do everything.
const OWNER: [User; 3] = [PaymentsDev, Admin, Operator];
const NOBODY: [User; 0] = [];

pub(super) fn cases() -> Vec<Case> {
    [
        teams::ownership(),
        record::immutable(),
        record::naming(),
        teams::status(),
        neighbours::references(),
        neighbours::templates(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn cluster(name: &str, labels: &Value, spec: &Value) -> Value {
    let mut whole = json!({"instances": 1, "storage": {"size": "1Gi"}});
    for (key, value) in spec.as_object().unwrap() {
        whole[key] = value.clone();
    }
    let mut cluster = object("Cluster", name, &whole);
    cluster["metadata"]["labels"] = labels.clone();
    cluster
}

fn record(name: &str) -> Value {
    json!({
        "daap.dev/name": name,
        "daap.dev/owner-team": "payments",
        "daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8",
    })
}
