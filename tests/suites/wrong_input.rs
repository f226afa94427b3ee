//! Input that is wrong: one clear message that names the field or the cause and the next step, exit
//! status 1 (2 for usage), every bad field at once, and nothing written.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Output, Stdio};

use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use rstest::rstest;
use tokio::sync::OnceCell;

const POLICY: &str = "teams: [payments, billing]\nlimits: {storage: {min: 256Mi, max: 20Gi}}\n";

/// A sandbox with a policy that lists the teams; no operator is needed to refuse.
async fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceCell<Sandbox> = OnceCell::const_new();
    let options = SandboxOptions {
        operator: false,
        policy: Some(POLICY.into()),
        ..SandboxOptions::default()
    };
    SANDBOX
        .get_or_try_init(|| Sandbox::start_with(options))
        .await
        .unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"))
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let output: Output = command.stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let text = format!("{}{stdout}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code(), text)
}

fn written(sandbox: &Sandbox, namespace: &str) -> String {
    let kinds = "clusters,poolers,configmaps,secrets,persistentvolumeclaims";
    let (_, text) = run(sandbox
        .kubectl(User::Admin)
        .args(["get", kinds, "-n", namespace, "-o", "name"]));
    text.lines().filter(|line| line.contains("daap-")).collect()
}

#[rstest]
#[case::too_short(&["ab"], &["'ab'", "3 to 63"])]
#[case::too_long(&["aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff12345"], &["65 characters"])]
#[case::upper_case(&["Orders"], &["lower-case"])]
#[case::leading_digit(&["1orders"], &["begins with"])]
#[case::trailing_hyphen(&["orders-"], &["hyphen"])]
#[case::reserved_suffix(&["orders-pooler"], &["-pooler"])]
#[case::unknown_team(&["orders", "--owner-team", "sales"], &["sales", "payments, billing"])]
#[case::bad_team(&["orders", "--owner-team", "No Team"], &["No Team"])]
#[case::empty_purpose(&["orders", "--purpose", " "], &["purpose"])]
#[case::unreadable_storage(&["orders", "--storage", "1X"], &["1X", "10Gi"])]
#[case::zero_storage(&["orders", "--storage", "0"], &["above zero"])]
#[case::negative_storage(&["orders", "--storage=-1Gi"], &["-1Gi"])]
#[case::too_much_storage(&["orders", "--storage", "21Gi"], &["21Gi", "20Gi"])]
#[case::no_instances(&["orders", "--instances", "0"], &["instances"])]
#[case::too_many_instances(&["orders", "--instances", "9"], &["instances", "9"])]
#[case::instances_in_words(&["orders", "--instances", "two"], &["'two'"])]
#[case::everything_at_once(
    &["Orders", "--owner-team", "sales", "--purpose", "", "--storage", "1X", "--instances", "9"],
    &["Orders", "sales", "purpose", "1X", "instances"]
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_create_names_every_bad_field(#[case] words: &[&str], #[case] expected: &[&str]) {
    let sandbox = sandbox().await;
    let mut command = sandbox.plugin(User::PaymentsDev);
    command.arg("create").args(words);
    for (flag, value) in [("--owner-team", "payments"), ("--purpose", "intake")] {
        if !words.contains(&flag) {
            command.args([flag, value]);
        }
    }
    let (status, text) = run(command.args(["-n", "apps"]));
    assert_eq!(status, Some(1), "{text}");
    for part in expected {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
    assert_eq!(written(sandbox, "apps"), "", "nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_names_every_missing_field() {
    let sandbox = sandbox().await;
    let (status, text) = run(sandbox
        .plugin(User::PaymentsDev)
        .args(["create", "orders", "-n", "apps"]));
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("--owner-team") && text.contains("--purpose"),
        "{text}"
    );
    assert_eq!(written(sandbox, "apps"), "", "nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_utf8_is_named() {
    let sandbox = sandbox().await;
    let (status, text) = run(sandbox
        .plugin(User::PaymentsDev)
        .arg("create")
        .arg(OsStr::from_bytes(b"ord\xffers"))
        .args(["--owner-team", "payments", "--purpose", "intake"]));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("UTF-8"), "{text}");
}

#[rstest]
#[case(&["lst"], "list")]
#[case(&["get", "orders", "-o", "xml"], "json")]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_word_is_a_usage_error(#[case] words: &[&str], #[case] expected: &str) {
    let sandbox = sandbox().await;
    let (status, text) = run(sandbox.plugin(User::PaymentsDev).args(words));
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains(expected), "{text}");
}

fn create_in<'a>(command: &'a mut Command, namespace: &str) -> &'a mut Command {
    command.args([
        "create",
        "orders",
        "--owner-team",
        "payments",
        "--purpose",
        "intake",
        "--timeout",
        "5s",
        "-n",
        namespace,
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_does_not_exist_is_named() {
    let sandbox = sandbox().await;
    let (status, text) = run(create_in(&mut sandbox.plugin(User::Admin), "nowhere"));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("nowhere"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_permission_names_what_is_missing() {
    let sandbox = sandbox().await;
    let (status, text) = run(create_in(&mut sandbox.plugin(User::PaymentsDev), "default"));
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("payments-dev") && text.contains("default"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_team_of_others_is_refused_with_a_reason() {
    let sandbox = sandbox().await;
    let (status, text) = run(create_in(&mut sandbox.plugin(User::BillingDev), "apps"));
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("payments") && text.contains("billing-dev"),
        "{text}"
    );
    assert_eq!(written(sandbox, "apps"), "", "nothing is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_database_of_that_name_is_left_alone() {
    let sandbox = sandbox().await;
    sandbox.fresh_namespace("twice").await;
    let mut first = sandbox.plugin(User::PaymentsDev);
    let (status, text) = run(create_in(&mut first, "twice").arg("--wait=false"));
    assert_eq!(status, Some(0), "{text}");
    let (status, text) =
        run(create_in(&mut sandbox.plugin(User::PaymentsDev), "twice").arg("--wait=false"));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("orders") && text.contains("exists"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kubeconfig_an_unreachable_server_and_expired_credentials_are_told_apart() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let (status, text) = run(sandbox
        .plugin(User::PaymentsDev)
        .env("KUBECONFIG", folder.path().join("none"))
        .env("HOME", folder.path())
        .arg("list"));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("kubeconfig"), "{text}");

    let unreachable = folder.path().join("unreachable");
    let config = std::fs::read_to_string(sandbox.kubeconfig_of(User::PaymentsDev)).unwrap();
    std::fs::write(
        &unreachable,
        config.replace(sandbox.server(), "https://127.0.0.1:1"),
    )
    .unwrap();
    let (status, text) = run(sandbox
        .plugin(User::PaymentsDev)
        .env("KUBECONFIG", &unreachable)
        .arg("list"));
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("127.0.0.1:1"), "{text}");

    let (status, text) = run(sandbox
        .plugin(User::PaymentsDev)
        .arg("list")
        .env("KUBECONFIG", expired(&config, folder.path())));
    assert_eq!(status, Some(1), "{text}");
    let lower = text.to_lowercase();
    assert!(
        lower.contains("credentials") || lower.contains("log in") || lower.contains("unauthorized"),
        "{text}"
    );
}

/// The same kubeconfig with a token that nobody knows in place of the client certificate.
fn expired(config: &str, folder: &std::path::Path) -> std::path::PathBuf {
    let mut config: serde_json::Value = serde_json::from_str(config).unwrap();
    for user in config.get_mut("users").unwrap().as_array_mut().unwrap() {
        *user.get_mut("user").unwrap() = serde_json::json!({"token": "expired"});
    }
    let file = folder.join("expired");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}
