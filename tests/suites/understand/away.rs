//! The operator, or the webhook, does not answer.

use daap_tests::place::Place;
use daap_tests::sandbox::{Component, Sandbox, SandboxOptions};
use serde_json::json;

use crate::advice::{NAME, begin, explained, shows};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_whose_webhook_does_not_answer() {
    let place = Place::shared("understand-operator").await;
    place.create(NAME, &[]);
    // As CNPG's own configuration is, for this namespace alone; nobody listens there.
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "understand-operator"},
        "webhooks": [{
            "name": "vcluster.cnpg.io", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "failurePolicy": "Fail", "timeoutSeconds": 5,
            "clientConfig": {"url": "https://127.0.0.1:9/validate-postgresql-cnpg-io-v1-cluster"},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}},
            "rules": [{"apiGroups": ["postgresql.cnpg.io"], "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"], "resources": ["clusters"]}],
        }],
    });
    place.kubectl(&["apply", "-f", "-"], Some(&configuration));
    let said = explained(&place, "operator-away").await;
    assert_eq!(said["state"], "ready", "what runs goes on");
    shows(
        &said,
        "Cluster/daap-orders",
        "failed calling webhook \"vcluster.cnpg.io\"",
    );
    place.kubectl(
        &[
            "delete",
            "validatingwebhookconfiguration",
            "understand-operator",
        ],
        None,
    );
    explained(&place, "none").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_is_not_there_and_a_webhook_that_does_not_answer() {
    let options = SandboxOptions {
        operator: false,
        ..Default::default()
    };
    let sandbox = Sandbox::start_with(options).await.unwrap();
    let place = Place::of(&sandbox, "understand-away").await;
    begin(&place, &[]);
    let said = explained(&place, "operator-away").await;
    shows(&said, "Cluster/daap-orders", "status.phase empty");
    sandbox.kill(Component::Webhook).await.unwrap();
    // What keeps it from being made comes first.
    explained(&place, "operator-away").await;
    let phase = json!({"status": {"phase": "Setting up primary"}}).to_string();
    let cluster = "clusters.postgresql.cnpg.io/daap-orders";
    let patch = [
        "patch",
        cluster,
        "--subresource=status",
        "--type=merge",
        "-p",
        &phase,
    ];
    place.kubectl(&patch, None);
    let said = explained(&place, "webhook-away").await;
    shows(&said, "Cluster/daap-orders", "admission.daap.dev");
    sandbox.restart(Component::Webhook).await.unwrap();
    explained(&place, "progress").await;
    sandbox.stop().await.unwrap();
}
