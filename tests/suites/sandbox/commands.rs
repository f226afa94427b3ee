//! `daap-sandbox up`, `down` and `status`.

use std::{fs, process::Command, time::Instant};

use crate::leftovers::Ground;

/// Asks the sandbox that the shell would use after `eval`.
fn whoami(export: &str, context: &str) -> String {
    let kubectl = format!("{}/kubectl", assets());
    let script = format!("{export}\n{kubectl} --context {context} auth whoami -o json");
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let review: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = review.pointer("/status/userInfo/username").unwrap();
    name.as_str().unwrap().to_owned()
}

fn assets() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/controlplane/build.sh");
    let output = Command::new(script).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn up_prints_what_to_export_and_both_can_be_repeated() {
    let ground = Ground::new();
    let began = Instant::now();
    let export = ground.up("one");
    let elapsed = began.elapsed();
    eprintln!("the control plane was ready after {elapsed:?}");
    assert!(elapsed.as_secs() < 30, "ready after {elapsed:?}");
    let only_exports = export.lines().all(|line| line.starts_with("export "));
    assert!(only_exports, "{export}");
    for context in ["admin", "payments-dev", "billing-dev", "outsider"] {
        assert_eq!(whoami(&export, context), context);
    }
    assert_eq!(ground.up("one"), export);
    let status = ground.run(&["status"]).stdout;
    let status = String::from_utf8(status).unwrap();
    assert!(status.starts_with("one "), "{status}");
    assert!(status.contains(" ready "), "{status}");
    ground.run(&["down", "--name", "one"]);
    ground.expect_nothing_left();
    ground.run(&["down", "--name", "one"]);
    ground.expect_nothing_left();
}

#[test]
fn two_stand_side_by_side() {
    let ground = Ground::new();
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| ground.up("one"));
        let two = scope.spawn(|| ground.up("two"));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert_ne!(one, two);
    ground.run(&["down", "--name", "one"]);
    assert_eq!(whoami(&two, "payments-dev"), "payments-dev");
    ground.run(&["down", "--name", "two"]);
    ground.expect_nothing_left();
}

#[test]
fn two_that_start_the_same_one_get_the_same_one() {
    let ground = Ground::new();
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| ground.up("same"));
        let other = scope.spawn(|| ground.up("same"));
        (one.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, other);
    ground.run(&["down", "--name", "same"]);
    ground.expect_nothing_left();
}

#[test]
fn a_start_that_fails_says_why_and_leaves_nothing() {
    let ground = Ground::new();
    let broken = tempfile::tempdir().unwrap();
    for program in [
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kubectl",
    ] {
        let file = broken.path().join(program);
        fs::write(&file, "#!/bin/sh\necho no luck today >&2; exit 3\n").unwrap();
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&file, executable).unwrap();
    }
    let output = ground
        .command(&["up", "--no-webhook", "--no-operator"])
        .env("KUBEBUILDER_ASSETS", broken.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "{output:?}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("etcd ended"), "{stderr}");
    assert!(stderr.contains("no luck today"), "{stderr}");
    ground.expect_nothing_left();
}

#[test]
fn a_name_that_is_no_name_is_refused() {
    let ground = Ground::new();
    let output = ground
        .command(&["up", "--no-webhook", "--name", "../up"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("lower-case letters"), "{stderr}");
}
