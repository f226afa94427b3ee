//! Completion through the real kubectl, and how long it takes with a thousand databases.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod shells;

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use daap_crds::names::DatabaseName;
use daap_tests::place::{run, text};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// What the thousand is measured with; the first is the warm-up.
const ROUNDS: usize = 11;
/// On a machine with nothing else to do it takes a tenth of a second at most (the closing note has the
/// numbers); here others work beside it, and the program is a debug build.
const BEARABLE: Duration = Duration::from_secs(3);

/// A control plane without anybody in it, and the folder that `completion install` wrote to.
struct Ground {
    sandbox: Sandbox,
    installed: TempDir,
}

impl Ground {
    async fn shared() -> &'static Self {
        static GROUND: OnceCell<Ground> = OnceCell::const_new();
        GROUND.get_or_init(Self::prepare).await
    }

    async fn prepare() -> Self {
        let sandbox = Sandbox::start_with(SandboxOptions::bare()).await;
        let sandbox =
            sandbox.unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"));
        let installed = tempfile::tempdir().unwrap();
        let mut install = sandbox.plugin(User::PaymentsDev);
        install
            .args(["completion", "install", "--dir"])
            .arg(installed.path());
        let output = run(&mut install, None);
        assert!(output.status.success(), "{}", text(&output));
        assert!(
            text(&output).contains("is not on the PATH"),
            "{}",
            text(&output)
        );
        for (namespace, names) in [
            ("few", &["orders", "order-lines", "invoices"][..]),
            ("other", &["ledger"]),
        ] {
            sandbox.fresh_namespace(namespace).await;
            write(
                &sandbox.client(User::Harness).await,
                namespace,
                names.iter().map(ToString::to_string),
            )
            .await;
        }
        Self { sandbox, installed }
    }

    /// What kubectl runs.
    fn program(&self) -> PathBuf {
        self.installed.path().join("kubectl_complete-daap")
    }

    fn kubectl(&self, user: User) -> Command {
        let mut plugin = self.sandbox.plugin(user);
        let path: Vec<(_, Option<OsString>)> = plugin
            .get_envs()
            .filter(|(name, _)| *name == "PATH")
            .map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        let inherited = path.into_iter().find_map(|(_, value)| value).unwrap();
        let folders =
            std::iter::once(self.installed.path().to_owned()).chain(env::split_paths(&inherited));
        plugin = self.sandbox.kubectl(user);
        plugin
            .env("PATH", env::join_paths(folders).unwrap())
            .arg("__complete")
            .arg("daap");
        plugin
    }

    /// What the shell gets to see after these words.
    fn completes(&self, user: User, words: &[&str]) -> String {
        let output = run(self.kubectl(user).args(words), None);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn values(&self, words: &[&str]) -> BTreeSet<String> {
        let text = self.completes(User::PaymentsDev, words);
        let lines = text.lines().filter(|line| !line.starts_with(':'));
        lines
            .map(|line| line.split('\t').next().unwrap().to_owned())
            .collect()
    }
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(ToString::to_string).collect()
}

fn team(name: &str) -> &'static str {
    if name.starts_with("order") {
        "payments"
    } else {
        "billing"
    }
}

/// A Cluster as daap writes it, without anybody who makes a database of it.
fn cluster(name: &DatabaseName) -> Value {
    let team = team(name.as_str());
    let row = json!({"version": 1, "from": "2026-11-21T10:00:00Z", "by": "payments-dev", "action": "created",
        "set": {"ownerTeam": team, "purpose": "order intake", "instances": 1, "storage": "1Gi"}});
    json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {
            "name": name.cluster(),
            "labels": {"daap.dev/name": name.as_str(), "daap.dev/owner-team": team,
                "daap.dev/id": "0b9f3b6e-3a55-4cb4-9f2c-6d2c6a4f7f11", "app.kubernetes.io/managed-by": "kubectl-daap"},
            "annotations": {"daap.dev/purpose": "order intake", "daap.dev/version": "1",
                "daap.dev/created-at": "2026-11-21T10:00:00Z", "daap.dev/created-by": "payments-dev",
                "daap.dev/updated-at": "2026-11-21T10:00:00Z", "daap.dev/updated-by": "payments-dev",
                "daap.dev/history": json!({"rows": [row]}).to_string()},
        },
        "spec": {"instances": 1, "storage": {"size": "1Gi"}},
    })
}

/// Its Pooler.
fn pooler(name: &DatabaseName) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Pooler",
        "metadata": {
            "name": name.pooler(),
            "labels": {"daap.dev/name": name.as_str(), "daap.dev/owner-team": team(name.as_str())},
        },
        "spec": {"cluster": {"name": name.cluster()}, "instances": 1, "type": "rw", "pgbouncer": {}},
    })
}

async fn write(client: &Client, namespace: &str, names: impl Iterator<Item = String>) {
    let api = |kind: &str| -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("postgresql.cnpg.io", "v1", kind);
        let kind = ApiResource::from_gvk(&kind);
        Api::namespaced_with(client.clone(), namespace, &kind)
    };
    let objects = names.flat_map(|name| {
        let name = DatabaseName::parse(&name).unwrap();
        [
            (api("Cluster"), cluster(&name)),
            (api("Pooler"), pooler(&name)),
        ]
    });
    let written = futures::stream::iter(objects)
        .map(|(api, object)| async move {
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            api.create(&PostParams::default(), &object).await
        })
        .buffer_unordered(16)
        .try_collect::<Vec<_>>()
        .await;
    written.unwrap_or_else(|error| panic!("failed to write databases: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_the_cluster_with_what_they_are() {
    let ground = Ground::shared().await;
    let said = ground.completes(User::PaymentsDev, &["get", "-n", "few", "ord"]);
    assert_eq!(
        said.lines().collect::<BTreeSet<_>>(),
        BTreeSet::from([
            "orders\tpayments: order intake",
            "order-lines\tpayments: order intake",
            ":4"
        ])
    );
    assert_eq!(
        ground.values(&["delete", "--namespace=few", "inv"]),
        set(&["invoices"])
    );
    assert_eq!(
        ground.values(&["get", "-n", "few", "database/inv"]),
        set(&["database/invoices"]),
        "as it is printed"
    );
    assert_eq!(ground.values(&["get", "-n", "few", "zzz"]), set(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_namespaces_and_contexts_come_from_the_cluster_and_the_kubeconfig() {
    let ground = Ground::shared().await;
    assert_eq!(
        ground.values(&["list", "-n", "few", "--owner-team", ""]),
        set(&["billing", "payments"])
    );
    assert_eq!(
        ground.values(&["list", "-n", "other", "--owner-team="]),
        set(&["billing"]),
        "kubectl's scripts put the flag before it"
    );
    let namespaces = ground.completes(User::Admin, &["get", "-n", "ap"]);
    assert_eq!(namespaces, "apps\n:4\n");
    // Who may not list namespaces is shown those of the contexts.
    assert_eq!(ground.values(&["get", "-n", ""]), set(&["apps"]));
    assert_eq!(
        ground.values(&["get", "--context", "pay"]),
        set(&["payments-dev"])
    );
    let classes = ground.completes(User::Admin, &["create", "x", "--storage-class", "sta"]);
    assert_eq!(classes, "standard\n:4\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_is_offered_nothing_and_told_nothing() {
    let ground = Ground::shared().await;
    let output = run(
        ground
            .kubectl(User::PaymentsDev)
            .args(["get", "-n", "kube-system", ""]),
        None,
    );
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), ":4\n");
    assert!(!text(&output).contains("forbidden"), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_for_bash_completes_the_plugin_itself() {
    let ground = Ground::shared().await;
    let asks = |words: &str, index: usize| {
        let script = format!(
            "source <(kubectl-daap completion bash); COMP_WORDS=(kubectl-daap {words}); COMP_CWORD={index}; \
             _kubectl_daap kubectl-daap; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let mut bash = Command::new("bash");
        let kubectl = ground.kubectl(User::PaymentsDev);
        for (name, value) in kubectl.get_envs() {
            bash.env(name, value.unwrap_or_default());
        }
        let output = run(bash.args(["--norc", "-c", &script]), None);
        assert!(output.status.success(), "{}", text(&output));
        let stdout = String::from_utf8(output.stdout).unwrap();
        stdout
            .lines()
            .map(ToOwned::to_owned)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(asks("get -n few inv", 4), set(&["invoices"]));
    // bash takes the flag, the sign and the value for three words.
    assert_eq!(
        asks("list -n few --owner-team = pay", 6),
        set(&["payments"])
    );
    assert_eq!(
        asks("list -n few --owner-team =", 5),
        set(&["billing", "payments"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_databases_are_completed_while_one_types() {
    let ground = Ground::shared().await;
    ground.sandbox.fresh_namespace("many").await;
    let client = ground.sandbox.client(User::Harness).await;
    write(
        &client,
        "many",
        (0..1000).map(|number| format!("orders-{number}")),
    )
    .await;
    let kubeconfig = ground.sandbox.kubeconfig_of(User::PaymentsDev);
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let mut command = Command::new(ground.program());
            command
                .args(["get", "-n", "many", "o"])
                .env("KUBECONFIG", &kubeconfig);
            let began = Instant::now();
            let output = run(&mut command, None);
            let took = began.elapsed();
            assert_eq!(
                String::from_utf8_lossy(&output.stdout).lines().count(),
                1001
            );
            took
        })
        .skip(1)
        .collect();
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("a thousand databases: median {median:?}, {times:?}");
    assert!(median < BEARABLE, "{times:?}");
    assert_eq!(ground.values(&["get", "-n", "many", "orders-99"]).len(), 11);
    every_page_is_listed(ground);
}

/// Four pages, of which three come at the same time, are what one answer is.
fn every_page_is_listed(ground: &Ground) {
    let list = |words: &[&str]| {
        let mut command = ground.sandbox.plugin(User::PaymentsDev);
        let output = run(command.args(["list", "-n", "many"]).args(words), None);
        assert!(output.status.success(), "{}", text(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (String::from_utf8_lossy(&output.stdout).into_owned(), said)
    };
    let (whole, _) = list(&["-o", "name", "--chunk-size", "0"]);
    assert_eq!(whole.lines().count(), 1000);
    let (paged, said) = list(&["-o", "name", "-v=2"]);
    assert_eq!(paged, whole);
    assert!(said.contains("limit=250&continue="), "{said}");
    let rows = list(&[]).0;
    let names = rows.lines().skip(1).filter_map(|row| row.split(' ').next());
    let expected = whole
        .lines()
        .filter_map(|name| name.strip_prefix("database/"));
    assert!(names.eq(expected), "{rows}");
}
