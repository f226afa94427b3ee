//! What the tests of this suite stand on.

use std::path::{Path, PathBuf};
use std::process::Output;

use daap_tests::place::{run, text};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User, wait_for};
use serde_json::{Value, json};

/// `manifests/`.
pub(crate) fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

/// The documents of a file below `manifests/`.
pub(crate) fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(manifests().join(file)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

/// A sandbox as these options want it.
pub(crate) async fn sandbox(options: SandboxOptions) -> Sandbox {
    let started = Sandbox::start_with(options).await;
    started.unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"))
}

/// kubectl, as this user.
pub(crate) fn kubectl(
    sandbox: &Sandbox,
    user: User,
    words: &[&str],
    input: Option<&Value>,
) -> Output {
    run(sandbox.kubectl(user).args(words), input)
}

/// kubectl as somebody whom no authorizer is asked about; what it prints.
pub(crate) fn done(sandbox: &Sandbox, words: &[&str], input: Option<&Value>) -> String {
    let output = kubectl(sandbox, User::Harness, words, input);
    assert!(output.status.success(), "{words:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A kind that CNPG, cert-manager or Prometheus' operator would serve, without its schema: a minimal
/// stand-in, so that the API server takes objects of that kind.
pub(crate) fn minimal_crd(group: &str, version: &str, plural: &str, kind: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {
                "plural": plural,
                "singular": kind.to_lowercase(),
                "kind": kind,
                "listKind": format!("{kind}List"),
            },
            "versions": [{
                "name": version,
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        },
    })
}

/// Makes kinds known, and waits until they are served.
pub(crate) async fn serve(sandbox: &Sandbox, definitions: Vec<Value>) {
    let names: Vec<String> = definitions
        .iter()
        .map(|definition| format!("crd/{}", definition["metadata"]["name"].as_str().unwrap()))
        .collect();
    done(sandbox, &["apply", "-f", "-"], Some(&list(&definitions)));
    for name in &names {
        done(
            sandbox,
            &["wait", "--for=condition=Established", name, "--timeout=60s"],
            None,
        );
    }
    // What is established is found a moment later.
    wait_for("the kinds are served", LIMIT, async || {
        let served = names.iter().all(|name| {
            let kind = name.trim_start_matches("crd/");
            let asked = kubectl(sandbox, User::Harness, &["get", kind, "-A"], None);
            asked.status.success()
        });
        Ok(served.then_some(()))
    })
    .await
    .unwrap();
}

/// How long the API server may take to notice what was applied.
pub(crate) const LIMIT: std::time::Duration = std::time::Duration::from_mins(1);

/// Several objects as one.
fn list(items: &[Value]) -> Value {
    json!({"apiVersion": "v1", "kind": "List", "items": items})
}

/// What belongs to a Cluster by naming it: plural and kind.
pub(crate) const DEPENDENTS: [(&str, &str); 6] = [
    ("databases", "Database"),
    ("databaseroles", "DatabaseRole"),
    ("publications", "Publication"),
    ("subscriptions", "Subscription"),
    ("backups", "Backup"),
    ("scheduledbackups", "ScheduledBackup"),
];

/// An object of CNPG's.
pub(crate) fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    })
}
