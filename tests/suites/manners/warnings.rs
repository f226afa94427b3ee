//! What admission warns of is shown by every command that writes.

use daap_tests::place::{Place, creation, eventually, text};
use daap_tests::sandbox::User;
use serde_json::{Value, json};

const NAME: &str = "test-warns";
const SAID: &str = "this namespace is about to be moved";

/// A policy that warns of every write in this namespace.
fn policy(namespace: &str) -> Value {
    let group = "admissionregistration.k8s.io/v1";
    json!({"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": group, "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": NAME},
            "spec": {
                "failurePolicy": "Ignore",
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "resourceRules": [{
                        "apiGroups": ["", "postgresql.cnpg.io"], "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE", "DELETE"],
                        "resources": ["clusters", "poolers", "secrets", "configmaps", "persistentvolumeclaims"],
                    }],
                },
                "validations": [{"expression": "false", "message": SAID}],
            },
        },
        {
            "apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": NAME},
            "spec": {"policyName": NAME, "validationActions": ["Warn"]},
        },
    ]})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_admission_warns_of_is_shown() {
    let place = Place::shared("warned").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stock.json");
    let document = json!({
        "apiVersion": "daap.dev/v1alpha1", "kind": "Database", "metadata": {"name": "stock"},
        "record": {"ownerTeam": "payments", "purpose": "for a test"},
    });
    std::fs::write(&file, document.to_string()).unwrap();
    let file = file.to_str().unwrap();
    place.kubectl(&["create", "-f", "-"], Some(&policy(place.namespace)));
    let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "probe"}});
    eventually("the policy is in force", || {
        let mut kubectl = place.sandbox.kubectl(User::Admin);
        kubectl.args([
            "create",
            "--dry-run=server",
            "-f",
            "-",
            "-n",
            place.namespace,
        ]);
        let output = daap_tests::place::run(&mut kubectl, Some(&probe));
        text(&output).contains(SAID).then_some(())
    })
    .await;

    let pooler = ["delete", "pooler", "daap-orders-pooler"];
    for words in [
        &creation("orders")[..],
        &[&creation("other")[..], &["--dry-run=server"]].concat(),
        &["apply", "-f", file, "--yes"],
        &["update", "orders", "--purpose", "changed"],
        &["rollback", "orders", "--to", "1"],
        &["transfer", "orders", "--to", "billing"],
        &["transfer", "orders", "--cancel"],
        &["credentials", "rotate", "orders", "--yes"],
        &["repair", "orders"],
        &["delete", "orders", "--yes"],
        &["restore", "orders"],
        &["delete", "stock", "--yes"],
        &["purge", "stock", "--yes"],
    ] {
        if words[0] == "repair" {
            place.kubectl_by(User::PaymentsDev, &pooler, None);
        }
        let output = place.plugin(User::PaymentsDev, words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.lines()
                .any(|line| line.starts_with("Warning: ") && line.contains(SAID)),
            "{words:?}: {said}"
        );
    }
    place.kubectl(
        &[
            "delete",
            "validatingadmissionpolicybinding,validatingadmissionpolicy",
            NAME,
        ],
        None,
    );
}
