//! `create --dry-run=client -o yaml` writes manifests that kubectl applies unchanged, once and again.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use anyhow::ensure;
use daap_tests::{
    place::{Place, text},
    sandbox::{User, wait_for},
};

/// How long the operator may go on writing its status.
const LIMIT: Duration = Duration::from_secs(90);

fn kubectl(place: &Place<'_>, words: &[&str], file: &str) -> Output {
    let mut command = place.sandbox.kubectl(User::PaymentsDev);
    command
        .args(words)
        .args(["-f", file, "-n", place.namespace]);
    command.stdin(Stdio::null()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_are_applied_without_drift() {
    let place = Place::shared("gitops").await;
    let folder = tempfile::tempdir().unwrap();
    for (name, how) in [("orders", &[][..]), ("stock", &["--server-side"])] {
        let manifests = place.create(
            name,
            &["--instances", "1", "--dry-run=client", "-o", "yaml"],
        );
        let kinds = manifests.lines().filter(|line| line.starts_with("kind:"));
        assert_eq!(kinds.collect::<Vec<_>>(), ["kind: Cluster", "kind: Pooler"]);
        let file = folder.path().join(format!("{name}.yaml"));
        std::fs::write(&file, manifests).unwrap();
        let file = file.to_str().unwrap();
        for turn in ["first", "second"] {
            let output = kubectl(&place, &[&["apply"], how].concat(), file);
            assert!(output.status.success(), "{name}, {turn}: {}", text(&output));
            let what = format!("{name}, {turn}: applied without drift");
            // kubectl reads twice, and shows as well what the operator wrote in between.
            let same = wait_for(&what, LIMIT, async || {
                let output = kubectl(&place, &[&["diff"], how].concat(), file);
                ensure!(output.status.success(), "{}", text(&output));
                Ok(Some(()))
            });
            same.await.unwrap();
        }
        let database = place.json(&["get", name, "-o", "json"]);
        assert_eq!(database["record"]["version"], 1, "{database}");
        assert_eq!(database["record"]["createdBy"], "payments-dev");
    }
}
