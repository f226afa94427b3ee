//! A namespace of a scenario's own, and what is done and asked there.

use std::{
    hash::{BuildHasher as _, RandomState},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    ground::{Ground, text},
    steps::CLUSTER,
};

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
