//! A namespace of a scenario's own, and what is done and asked there.

use std::{
    hash::{BuildHasher as _, RandomState},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::ground::{Ground, confirm_version, field, text};

/// The database of every scenario.
pub(crate) const NAME: &str = "orders";
/// Its Cluster.
pub(crate) const CLUSTER: &str = "daap-orders";
/// Every kind of object that a database has somewhere.
const KINDS: &str = "clusters.postgresql.cnpg.io,poolers.postgresql.cnpg.io,pods,jobs,deployments,\
    persistentvolumeclaims,secrets,services,configmaps,serviceaccounts,roles,rolebindings,\
    poddisruptionbudgets,leases";

/// A namespace, gone when this is dropped.
pub(crate) struct Place {
    pub(crate) ground: &'static Ground,
    pub(crate) namespace: String,
    scenario: &'static str,
    begun: Instant,
}

impl Place {
    /// A fresh namespace for a scenario.
    pub(crate) async fn of(scenario: &'static str) -> Self {
        let ground = Ground::get().await;
        let random = RandomState::new().hash_one(scenario) % 0x10_0000;
        let place = Self {
            ground,
            namespace: format!("daap-e2e-{scenario}-{random:05x}"),
            scenario,
            begun: Instant::now(),
        };
        place.says(&format!("in namespace {}", place.namespace));
        ground.make_namespace(&place.namespace).await;
        place
    }

    /// Says what is done.
    pub(crate) fn says(&self, what: &str) {
        let seconds = self.begun.elapsed().as_secs_f32();
        eprintln!("[{} {seconds:6.1}s] {what}", self.scenario);
    }

    /// Runs the plugin, with the namespace and with what follows `--` last.
    pub(crate) fn plugin(&self, words: &[&str]) -> Output {
        let (before, after) = match words.iter().position(|word| *word == "--") {
            Some(at) => words.split_at(at),
            None => (words, &[][..]),
        };
        let shown: Vec<String> = words.iter().map(|word| typed(word)).collect();
        self.says(&format!("$ kubectl daap {}", shown.join(" ")));
        let mut command = self.ground.plugin();
        command
            .args(before)
            .args(["-n", &self.namespace])
            .args(after);
        run(&mut command)
    }

    /// Runs the plugin and expects it to work; its standard output.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let output = self.plugin(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// As [`Self::done`], with as much time as a step has here.
    pub(crate) fn lasting(&self, words: &[&str]) -> String {
        let timeout = self.timeout();
        self.done(&[words, &["--timeout", &timeout]].concat())
    }

    /// Runs the plugin and expects it to fail; all that it says.
    pub(crate) fn fails(&self, words: &[&str]) -> String {
        let output = self.plugin(words);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        self.says(&format!("  {said}"));
        said
    }

    fn timeout(&self) -> String {
        format!("{}s", self.ground.patience().as_secs())
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[words, &["-o", "json"]].concat())).unwrap()
    }

    /// Runs kubectl and expects it to work; its standard output.
    pub(crate) fn kubectl(&self, words: &[&str]) -> String {
        let output = self.ask_kubectl(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn ask_kubectl(&self, words: &[&str]) -> Output {
        let mut command = self.ground.kubectl();
        run(command.args(words).args(["-n", &self.namespace]))
    }

    /// An object by `kind/name`; `null` when it is not there.
    pub(crate) fn object(&self, which: &str) -> Value {
        let found = self.kubectl(&["get", which, "-o", "json", "--ignore-not-found"]);
        serde_json::from_str(&found).unwrap_or_default()
    }

    /// Objects of some kinds, by name.
    pub(crate) fn names(&self, kinds: &str) -> Vec<String> {
        let found = self.kubectl(&["get", kinds, "-o", "name", "--ignore-not-found"]);
        found.lines().map(str::to_owned).collect()
    }

    /// Everything of the database that is there, of whatever kind.
    pub(crate) fn left(&self) -> Vec<String> {
        let is_ours = |name: &String| {
            let name = name.split_once('/').map_or("", |(_, name)| name);
            name.starts_with(CLUSTER)
        };
        self.names(KINDS).into_iter().filter(is_ours).collect()
    }

    /// Looks again until `look` finds something.
    pub(crate) fn eventually<T>(&self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let (begun, patience) = (Instant::now(), self.ground.patience());
        loop {
            if let Some(found) = look() {
                self.says(&format!("  {what}"));
                return found;
            }
            assert!(
                begun.elapsed() < patience,
                "not within {patience:?}: {what}"
            );
            thread::sleep(self.ground.pause());
        }
    }

    /// Creates the database and waits until it is ready.
    pub(crate) fn create(&self, more: &[&str]) -> Value {
        let words = creation();
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        let said = self.lasting(&words);
        assert_eq!(
            said.lines().next(),
            Some("database/orders created"),
            "{said}"
        );
        let database = self.json(&["get", NAME]);
        assert_eq!(database["status"]["state"], "ready", "{database:#}");
        // Nobody may read the operator's Deployment everywhere; what it makes says its version.
        let pod = self.object(&format!("pod/{}", self.primary()));
        confirm_version(&field(
            &pod,
            "/metadata/annotations/cnpg.io~1operatorVersion",
        ));
        database
    }

    /// Waits until the database is ready with so many instances.
    pub(crate) fn ready_with(&self, instances: u64) -> Value {
        self.eventually(&format!("ready with {instances} instances"), || {
            let database = self.quiet_json();
            let is_ready = database["status"]["state"] == "ready"
                && database["status"]["reason"].is_null()
                && database["status"]["readyInstances"] == instances;
            is_ready.then_some(database)
        })
    }

    fn quiet_json(&self) -> Value {
        let mut command = self.ground.plugin();
        let output = run(command.args(["get", NAME, "-o", "json", "-n", &self.namespace]));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The instance that is the primary now.
    pub(crate) fn primary(&self) -> String {
        let cluster = self.object(&format!("clusters.postgresql.cnpg.io/{CLUSTER}"));
        field(&cluster, "/status/currentPrimary")
    }

    /// Runs SQL through the pooler; what it returns.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let words = [
            "connect",
            NAME,
            "--",
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
        ];
        self.done(&words).trim().to_owned()
    }

    /// Runs SQL until it returns this: a pooler needs a moment to follow its primary.
    pub(crate) fn sql_becomes(&self, statement: &str, wanted: &str) {
        let words = [
            "connect",
            NAME,
            "-n",
            &self.namespace,
            "--",
            "-XqAt",
            "-c",
            statement,
        ];
        self.eventually(&format!("{statement} says {wanted}"), || {
            let output = run(self.ground.plugin().args(words));
            let said = String::from_utf8_lossy(&output.stdout);
            (output.status.success() && said.trim() == wanted).then_some(())
        });
    }

    pub(crate) fn password(&self) -> String {
        let words = ["credentials", NAME, "--show-password"];
        field(&self.json(&words), "/password")
    }

    /// Deletes the database, whose data is kept.
    pub(crate) fn delete(&self) {
        let said = self.lasting(&["delete", NAME, "--yes"]);
        assert!(said.contains("database/orders deleted"), "{said}");
    }

    /// Brings the database back.
    pub(crate) fn restore(&self, more: &[&str]) -> Value {
        let said = self.lasting(&[&["restore", NAME], more].concat());
        assert_eq!(
            said.lines().next(),
            Some("database/orders restored"),
            "{said}"
        );
        let database = self.json(&["get", NAME]);
        assert_eq!(database["status"]["state"], "ready", "{database:#}");
        database
    }

    /// The deleted database of this id, as the list of deleted ones has it.
    pub(crate) fn deleted(&self, id: &Value) -> Value {
        let list = self.json(&["list", "--deleted"]);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let mut found = items.into_iter().filter(|item| item["record"]["id"] == *id);
        let database = found.next().expect("it is in the list of deleted ones");
        assert!(found.next().is_none(), "there is one record: {list:#}");
        database
    }

    /// After a failure: what there is and what happened, for who cannot look any more.
    fn report(&self) {
        for words in [
            &["get", KINDS, "-o", "wide"][..],
            &[
                "describe",
                "clusters.postgresql.cnpg.io,poolers.postgresql.cnpg.io,pods",
            ],
            &["get", "events", "--sort-by=.lastTimestamp"],
        ] {
            let said = text(&self.ask_kubectl(words));
            eprintln!("--- kubectl {}\n{said}", words.join(" "));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if thread::panicking() {
            self.report();
        }
        self.says("removing the namespace");
        let mut command = self.ground.kubectl();
        let seconds = self.ground.patience().max(Duration::from_mins(2)).as_secs();
        let timeout = format!("--timeout={seconds}s");
        let output = run(command.args(["delete", "namespace", &self.namespace, &timeout]));
        let said = text(&output);
        self.says(&format!("  {said}"));
        // A second panic would hide the first.
        assert!(
            output.status.success() || thread::panicking(),
            "the namespace is left: {said}"
        );
    }
}

/// The words of a creation, which the same words finish.
pub(crate) fn creation() -> Vec<String> {
    let storage = std::env::var("DAAP_E2E_STORAGE")
        .ok()
        .filter(|size| !size.is_empty());
    let storage = storage.unwrap_or_else(|| "1Gi".to_owned());
    let words = [
        "create",
        NAME,
        "--owner-team",
        "payments",
        "--purpose",
        "for a test",
        "--storage",
    ];
    words
        .iter()
        .map(|word| (*word).to_owned())
        .chain([storage])
        .collect()
}

/// Runs a program that has nothing to read.
pub(crate) fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// A word as one would type it.
fn typed(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
