//! `doctor`, with each thing broken once.

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::{Component, Sandbox, SandboxOptions, User};
use serde_json::{Value, json};

/// A sandbox of its own: what is broken here is broken for everybody.
async fn sandbox(options: SandboxOptions) -> Sandbox {
    let started = Sandbox::start_with(options).await;
    started.unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"))
}

/// Outcome and message of the checks of that name.
#[derive(Debug)]
struct Diagnosis {
    code: Option<i32>,
    checks: Vec<Value>,
}

impl Diagnosis {
    fn of(place: &Place<'_>, user: User) -> Self {
        let output = place.plugin(user, &["doctor", "-o", "json"]);
        let found: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
        Self {
            code: output.status.code(),
            checks: found["checks"].as_array().unwrap().clone(),
        }
    }

    /// Whether a check ended so, with these words in its message.
    fn says(&self, check: &str, outcome: &str, words: &str) -> bool {
        self.checks.iter().any(|found| {
            found["check"] == check
                && found["outcome"] == outcome
                && found["message"].as_str().unwrap().contains(words)
        })
    }

    fn assert(&self, check: &str, outcome: &str, words: &str) {
        assert!(
            self.says(check, outcome, words),
            "{check} is not {outcome}, {words:?}: {self:#?}"
        );
        // What is wrong has a remedy.
        let fixable = { self.checks.iter() }.filter(|found| found["outcome"] == "FAILED");
        for found in fixable {
            assert!(found["remedy"].is_string(), "{found}");
        }
    }
}

/// Waits until the API server has noticed what was changed.
async fn until(place: &Place<'_>, check: &str, outcome: &str, words: &str) -> Diagnosis {
    eventually(&format!("{check} {outcome}: {words}"), || {
        let diagnosis = Diagnosis::of(place, User::Admin);
        diagnosis.says(check, outcome, words).then_some(diagnosis)
    })
    .await
}

fn harness(place: &Place<'_>, words: &[&str], input: Option<&Value>) {
    let output = run(place.sandbox.kubectl(User::Harness).args(words), input);
    assert!(output.status.success(), "{words:?}: {}", text(&output));
}

/// A Deployment like the operator's: whether it is available is its status.
fn operator(place: &Place<'_>, available: u64) {
    let labels = json!({"app.kubernetes.io/name": "cloudnative-pg"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "cnpg-controller-manager", "namespace": "cnpg-system", "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "manager", "image": "example/cloudnative-pg:1.30.0"}]},
            },
        },
    });
    harness(place, &["apply", "-f", "-"], Some(&deployment));
    let status = json!({"status": {"replicas": available, "availableReplicas": available, "readyReplicas": available}});
    let words = [
        "patch",
        "deployment",
        "cnpg-controller-manager",
        "-n",
        "cnpg-system",
        "--subresource=status",
        "--type=merge",
        "-p",
        &status.to_string(),
    ];
    harness(place, &words, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_whole_passes_and_what_breaks_is_named() {
    let sandbox = sandbox(SandboxOptions::default()).await;
    let place = Place::of(&sandbox, "doctor").await;
    operator(&place, 1);
    let well = Diagnosis::of(&place, User::Admin);
    assert_eq!(well.code, Some(0), "{well:#?}");
    for (check, words) in [
        ("client", "kubectl-daap"),
        ("api-server", "Kubernetes v1."),
        ("cnpg-kinds", "serves clusters and poolers"),
        ("cnpg-fields", "every field"),
        ("operator", "CloudNativePG 1.30.0"),
        ("webhook-configuration", "validate.admission.daap.dev"),
        ("webhook-configuration", "mutate.admission.daap.dev"),
        ("webhook-certificate", "good until"),
        ("webhook-in-force", "refused by the webhook"),
        ("webhook-stamps", "admin creates it"),
        ("admission-policies", "daap-ownership"),
        ("storage-classes", "standard is the default one"),
        ("teams", "every team"),
        ("history", "the webhook writes it"),
    ] {
        well.assert(check, "PASSED", words);
    }
    few_rights_skip_and_say_which(&place);

    operator(&place, 0);
    let stopped = until(&place, "operator", "FAILED", "no available pod").await;
    assert_eq!(stopped.code, Some(1));
    operator(&place, 1);

    for policy in ["daap-status", "daap-ownership"] {
        harness(
            &place,
            &["delete", "validatingadmissionpolicybinding", policy],
            None,
        );
    }
    let unbound = until(&place, "admission-policies", "FAILED", "daap-ownership").await;
    assert_eq!(unbound.code, Some(1));

    another_authority(&place).await;
    sandbox.stop().await.unwrap();
}

fn few_rights_skip_and_say_which(place: &Place<'_>) {
    let developer = Diagnosis::of(place, User::PaymentsDev);
    assert_eq!(developer.code, Some(0), "{developer:#?}");
    developer.assert(
        "operator",
        "SKIPPED",
        "payments-dev may not list deployments.apps in all namespaces",
    );
    developer.assert(
        "admission-policies",
        "SKIPPED",
        "may not list validatingadmissionpolic",
    );
    developer.assert("webhook-in-force", "PASSED", "refused by the webhook");
    developer.assert("webhook-stamps", "PASSED", "payments-dev creates it");
    developer.assert("teams", "PASSED", "owns payments");
    let outsider = Diagnosis::of(place, User::Outsider);
    assert_eq!(outsider.code, Some(0), "{outsider:#?}");
    outsider.assert("teams", "WARNING", "outsider owns no team");
    outsider.assert("webhook-stamps", "SKIPPED", "a team that you own");
    outsider.assert("webhook-in-force", "PASSED", "refused by the webhook");
    // Nobody in particular: nothing can be looked at, and nothing has failed.
    let output = place.plugin(User::Harness, &["doctor", "--as", "nobody", "-o", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nobody = Diagnosis {
        code: output.status.code(),
        checks: found["checks"].as_array().unwrap().clone(),
    };
    assert_eq!(nobody.code, Some(0), "{nobody:#?}");
    nobody.assert(
        "webhook-in-force",
        "SKIPPED",
        "nobody may not create poolers",
    );
    nobody.assert("history", "SKIPPED", "could not be tried");
    nobody.assert("rights", "WARNING", "no `create`: you may not");
}

/// The webhook's certificate is of one authority, and the API server knows another.
async fn another_authority(place: &Place<'_>) {
    let other = include_str!("../certificates/other-ca.pem");
    let bundle = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(other)
    };
    for half in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        let patch = json!([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]);
        let words = [
            "patch",
            half,
            "admission.daap.dev",
            "--type=json",
            "-p",
            &patch.to_string(),
        ];
        harness(place, &words, None);
    }
    let unknown = until(place, "webhook-in-force", "FAILED", "does not answer").await;
    unknown.assert("webhook-in-force", "FAILED", "x509");
    unknown.assert("history", "WARNING", "nothing vouches");
    assert_eq!(unknown.code, Some(1));

    let patch = json!([{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]);
    let words = [
        "patch",
        "validatingwebhookconfiguration",
        "admission.daap.dev",
        "--type=json",
        "-p",
        &patch.to_string(),
    ];
    harness(place, &words, None);
    until(place, "webhook-certificate", "FAILED", "no caBundle").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_webhook_is_told_from_one_that_is_not_installed() {
    let sandbox = sandbox(SandboxOptions::default()).await;
    let place = Place::of(&sandbox, "doctor-dead").await;
    sandbox.kill(Component::Webhook).await.unwrap();
    let dead = until(
        &place,
        "webhook-in-force",
        "FAILED",
        "daap's webhook does not answer",
    )
    .await;
    dead.assert("history", "WARNING", "nothing vouches");
    assert_eq!(dead.code, Some(1));

    for half in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        harness(&place, &["delete", half, "admission.daap.dev"], None);
    }
    let gone = until(&place, "webhook-in-force", "FAILED", "let through").await;
    gone.assert(
        "webhook-configuration",
        "FAILED",
        "there is no mutatingwebhookconfigurations",
    );
    gone.assert(
        "webhook-configuration",
        "FAILED",
        "there is no validatingwebhookconfigurations",
    );
    gone.assert("history", "WARNING", "nothing vouches");
    assert_eq!(gone.code, Some(1));
    let left = place.kubectl(&["get", "clusters,poolers", "-o", "name"], None);
    assert_eq!(left, "", "what is tried is a dry run");
    sandbox.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn kinds_that_are_old_or_missing_are_named() {
    let sandbox = sandbox(SandboxOptions::bare()).await;
    let place = Place::of(&sandbox, "doctor-kinds").await;
    let bare = Diagnosis::of(&place, User::Admin);
    bare.assert("admission-policies", "FAILED", "missing: daap-immutable");
    bare.assert("cnpg-kinds", "PASSED", "serves");
    bare.assert("operator", "WARNING", "no Deployment");

    // A Cluster from before CNPG had inherited metadata.
    let schema = json!({"type": "object", "properties": {
        "spec": {"type": "object", "properties": {
            "instances": {"type": "integer"},
            "imageName": {"type": "string"},
            "storage": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "certificates": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }},
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    }});
    let patch = json!([{
        "op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": schema,
    }]);
    let crd = "clusters.postgresql.cnpg.io";
    let words = ["patch", "crd", crd, "--type=json", "-p", &patch.to_string()];
    harness(&place, &words, None);
    let old = until(
        &place,
        "cnpg-fields",
        "FAILED",
        "Cluster spec.inheritedMetadata",
    )
    .await;
    assert_eq!(old.code, Some(1));

    harness(
        &place,
        &["delete", "crd", "poolers.postgresql.cnpg.io"],
        None,
    );
    until(&place, "cnpg-kinds", "FAILED", "does not serve poolers").await;
    harness(&place, &["delete", "crd", crd], None);
    let none = until(&place, "cnpg-kinds", "FAILED", "no CloudNativePG").await;
    assert_eq!(none.code, Some(1));
    sandbox.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_one_line() {
    let sandbox = sandbox(SandboxOptions::bare()).await;
    let place = Place::of(&sandbox, "doctor-away").await;
    let output = place.plugin(User::Admin, &["doctor", "--server", "https://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output);
    assert!(
        said.contains("FAILED") && said.contains("cannot reach the API server"),
        "{said}"
    );
    assert!(
        said.contains("1 passed, 0 warnings, 1 failed, 0 skipped"),
        "{said}"
    );
    sandbox.stop().await.unwrap();
}
