//! `create --dry-run=client -o yaml` writes manifests that kubectl applies unchanged, once and again.

use std::process::{Output, Stdio};

use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

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
            let output = kubectl(&place, &[&["diff"], how].concat(), file);
            let drift = text(&output);
            assert_eq!(output.status.code(), Some(0), "{name}, {turn}: {drift}");
        }
        let database = place.json(&["get", name, "-o", "json"]);
        assert_eq!(database["record"]["version"], 1, "{database}");
        assert_eq!(database["record"]["createdBy"], "payments-dev");
    }
}
