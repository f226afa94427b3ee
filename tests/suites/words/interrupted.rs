//! Ctrl-C during a wait: the work goes on, and the user is told what to type.

use daap_tests::place::creation;
use serde_json::json;

use crate::ground::{Ground, told};
use crate::terminal::{self, CTRL_C};

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_says_that_the_work_goes_on_and_what_to_type() {
    let ground = Ground::of("ctrl-c").await;
    let words = creation("orders");
    let mut command = ground.plugin(&words);
    command.env("TERM", "xterm-256color");
    let mut running = terminal::start(&command, 80);
    running.until("waiting for CloudNativePG's operator");
    running.keys(CTRL_C);
    let seen = running.finish();
    assert_eq!(seen.code, Some(130), "{}", seen.raw);
    let screen = seen.screen();
    for part in [
        "error: interrupted: waiting for CloudNativePG's operator",
        "it goes on in the cluster; follow it with: kubectl daap get orders -n ctrl-c",
    ] {
        assert!(screen.contains(part), "'{part}' is not in {screen}");
    }
    // What it says works.
    let output = ground.piped(&["get", "orders"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("provisioning"), "{}", told(&output));
}

/// No pooler can be made while what admission asks does not answer, and so it is tried again.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_all_are_repaired_leaves_the_next_one_alone() {
    let ground = Ground::of("repair-all").await;
    ground.create("books");
    ground.create("orders");
    ground.kubectl(&["delete", "poolers", "--all"], None);
    let silence = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "silence.daap.test"},
        "webhooks": [{
            "name": "silence.daap.test",
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "rules": [{"operations": ["CREATE"], "apiGroups": ["postgresql.cnpg.io"], "apiVersions": ["v1"], "resources": ["poolers"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "repair-all"}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }],
    });
    ground.kubectl(&["create", "-f", "-"], Some(&silence));
    let mut command = ground.plugin(&["repair", "--all"]);
    command.env("TERM", "xterm-256color");
    let mut running = terminal::start(&command, 200);
    running.until("trying again");
    running.keys(CTRL_C);
    let seen = running.finish();
    assert_eq!(seen.code, Some(130), "{}", seen.raw);
    let screen = seen.screen();
    for part in [
        "error: books: interrupted: ",
        "\n  not looked at any more: orders\nhint: ",
    ] {
        assert!(screen.contains(part), "'{part}' is not in {screen}");
    }
    assert!(!screen.contains("database/orders"), "{screen}");
    let configuration = "validatingwebhookconfiguration/silence.daap.test";
    ground.kubectl(&["delete", configuration], None);
}
