//! `kubectl apply -k` of each overlay, as installation.md says it: as a dry run of the server, for
//! real, and once more.

use daap_tests::place::text;
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use serde_json::Value;

use crate::ground::{done, kubectl, manifests, minimal_crd, sandbox, serve};

/// The folder of an overlay.
fn folder(name: &str) -> String {
    manifests().join(name).display().to_string()
}

/// Applies a folder; what kubectl says of each object.
fn apply(sandbox: &Sandbox, name: &str, more: &[&str]) -> String {
    let folder = folder(name);
    let words = [&["apply", "-k", &folder][..], more].concat();
    let output = kubectl(sandbox, User::Admin, &words, None);
    let said = text(&output);
    assert!(output.status.success(), "{name}: {said}");
    assert!(
        !said.contains("would violate PodSecurity"),
        "{name}: {said}"
    );
    said
}

/// An API server on which nothing of daap is applied but its namespaces' first state.
async fn bare() -> Sandbox {
    let sandbox = sandbox(SandboxOptions::bare()).await;
    let minimal = [
        ("cert-manager.io", "v1", "issuers", "Issuer"),
        ("cert-manager.io", "v1", "certificates", "Certificate"),
        (
            "monitoring.coreos.com",
            "v1",
            "servicemonitors",
            "ServiceMonitor",
        ),
        (
            "monitoring.coreos.com",
            "v1",
            "prometheusrules",
            "PrometheusRule",
        ),
    ];
    let minimal =
        minimal.map(|(group, version, plural, kind)| minimal_crd(group, version, plural, kind));
    serve(&sandbox, minimal.into()).await;
    sandbox
}

fn read(sandbox: &Sandbox, words: &[&str]) -> Value {
    let words = [&["get", "-o", "json"][..], words].concat();
    serde_json::from_str(&done(sandbox, &words, None)).unwrap()
}

fn args(sandbox: &Sandbox) -> String {
    let deployment = read(sandbox, &["deployment/daap-webhook", "-n", "daap-system"]);
    deployment["spec"]["template"]["spec"]["containers"][0]["args"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_overlay_applies_and_applies_again() {
    let sandbox = bare().await;
    let own = "overlays/own-certificates";
    apply(&sandbox, own, &["--dry-run=server"]);
    apply(&sandbox, own, &[]);
    assert!(args(&sandbox).contains("--own-certificates"));
    a_second_apply_keeps_the_authority(&sandbox, own);
    beside(&sandbox);
    // The other mode, in place of the first.
    let cert_manager = "overlays/cert-manager";
    apply(&sandbox, cert_manager, &["--dry-run=server"]);
    apply(&sandbox, cert_manager, &[]);
    let args = args(&sandbox);
    assert!(
        args.contains("--tls-cert=/tls/tls.crt") && !args.contains("--own-certificates"),
        "{args}"
    );
    for kind in [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ] {
        let configuration = read(&sandbox, &[&format!("{kind}/admission.daap.dev")]);
        let annotations = &configuration["metadata"]["annotations"];
        assert_eq!(
            annotations["cert-manager.io/inject-ca-from"],
            "daap-system/daap-webhook"
        );
    }
    done(
        &sandbox,
        &["delete", "-k", &folder(cert_manager), "--timeout=120s"],
        None,
    );
    sandbox.stop().await.unwrap();
}

/// What goes beside either overlay.
fn beside(sandbox: &Sandbox) {
    for folder in ["overlays/prometheus", "purge"] {
        apply(sandbox, folder, &["--dry-run=server"]);
        apply(sandbox, folder, &[]);
    }
    let dashboard = read(
        sandbox,
        &["configmap/daap-webhook-dashboard", "-n", "daap-system"],
    );
    let dashboard = dashboard["data"]["dashboard.json"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(dashboard).unwrap()["panels"].is_array());
    let example = manifests().join("examples/team.yaml").display().to_string();
    done(sandbox, &["apply", "-f", &example], None);
}

/// The authority is written by somebody else: an upgrade must not take it away, or every write to a
/// database would be refused until it is written again.
fn a_second_apply_keeps_the_authority(sandbox: &Sandbox, overlay: &str) {
    let entry = "/webhooks/0/clientConfig/caBundle";
    let authority = daap_tests_authority(sandbox);
    let patch = format!(r#"[{{"op":"add","path":"{entry}","value":"{authority}"}}]"#);
    let configuration = "validatingwebhookconfiguration/admission.daap.dev";
    done(
        sandbox,
        &["patch", configuration, "--type=json", "-p", &patch],
        None,
    );
    for more in [&[][..], &["--server-side", "--force-conflicts"]] {
        apply(sandbox, overlay, more);
        let found = read(sandbox, &[configuration]);
        assert_eq!(
            found.pointer(entry).and_then(Value::as_str),
            Some(&*authority),
            "{more:?}"
        );
    }
}

/// Any certificate, in base64: the API server looks whether it is one.
fn daap_tests_authority(sandbox: &Sandbox) -> String {
    let words = [
        "config",
        "view",
        "--raw",
        "-o",
        "jsonpath={.clusters[0].cluster.certificate-authority-data}",
    ];
    done(sandbox, &words, None)
}
