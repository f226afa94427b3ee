//! What each role can do, tried by doing it.

mod held;
mod people;
mod purge;
mod refused;

use std::collections::BTreeSet;

use daap_tests::sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::ground::{documents, done, manifests};

async fn sandbox() -> &'static Sandbox {
    static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
    SHARED
        .get_or_init(|| crate::ground::sandbox(SandboxOptions::default()))
        .await
}

/// Rights: `verb group/resource`, with the names that they are held to.
type Rights = BTreeSet<String>;

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn rights(rules: &Value) -> Rights {
    let mut rights = Rights::new();
    for rule in rules.as_array().into_iter().flatten() {
        let names = words(&rule["resourceNames"]).join(",");
        for verb in words(&rule["verbs"]) {
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    rights.insert(format!("{verb} {group}/{resource} {names}"));
                }
            }
        }
    }
    rights
}

/// What the API server says that somebody may do in a namespace.
fn held(sandbox: &Sandbox, namespace: &str, identity: &[&str]) -> Rights {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let words = [
        &["create", "--validate=false", "-o", "json", "-f", "-"][..],
        identity,
    ]
    .concat();
    let answer: Value = serde_json::from_str(&done(sandbox, &words, Some(&review))).unwrap();
    assert_eq!(answer["status"]["incomplete"], false);
    rights(&answer["status"]["resourceRules"])
}

/// Beyond what everybody has who is logged in.
fn gained(sandbox: &Sandbox, namespace: &str, identity: &[&str]) -> Rights {
    let everybody = ["--as=nobody", "--as-group=system:authenticated"];
    let everybody = held(sandbox, namespace, &everybody);
    { held(sandbox, namespace, identity) }
        .difference(&everybody)
        .cloned()
        .collect()
}

/// What a role in a file grants.
fn granted(file: &str, kind: &str, name: &str) -> Rights {
    let mut roles = documents(file);
    roles.retain(|role| role["kind"] == kind && role["metadata"]["name"] == name);
    assert_eq!(roles.len(), 1, "{file}: {kind} {name}");
    rights(&roles[0]["rules"])
}

fn apply_purge(sandbox: &Sandbox) {
    let file = manifests().join("purge/rbac.yaml").display().to_string();
    done(sandbox, &["apply", "-f", &file], None);
}
