//! A namespace of a sandbox in the hands of a test: what people type, and what comes of it.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
    time::Duration,
};

use serde_json::Value;

use crate::sandbox::{Sandbox, User};

/// How long [`eventually`] looks.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is typed to create a database of team `payments`.
#[must_use]
pub const fn creation(name: &str) -> [&str; 6] {
    let purpose = "for a test";
    [
        "create",
        name,
        "--owner-team",
        "payments",
        "--purpose",
        purpose,
    ]
}

/// A namespace, for one test. Its methods fail the test when a command does not do as their names
/// say.
#[derive(Debug)]
pub struct Place<'a> {
    /// Where it lies.
    pub sandbox: &'a Sandbox,
    /// Its name.
    pub namespace: &'a str,
}

impl Place<'static> {
    /// A fresh namespace of the shared sandbox.
    pub async fn shared(namespace: &'static str) -> Self {
        Self::of(Sandbox::shared().await, namespace).await
    }
}

#[expect(
    clippy::must_use_candidate,
    reason = "often all that is asked is whether a command works"
)]
impl<'a> Place<'a> {
    /// A fresh namespace of this sandbox.
    pub async fn of(sandbox: &'a Sandbox, namespace: &'a str) -> Self {
        sandbox.fresh_namespace(namespace).await;
        Self { sandbox, namespace }
    }

    /// Runs the plugin through the real kubectl; what follows `--` stays last.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn plugin(&self, user: User, words: &[&str]) -> Output {
        let (before, after) = match words.iter().position(|word| *word == "--") {
            Some(at) => words.split_at(at),
            None => (words, &[][..]),
        };
        let mut command = self.sandbox.plugin(user);
        command
            .args(before)
            .args(["-n", self.namespace])
            .args(after);
        run(&mut command, None)
    }

    /// Runs the plugin as payments-dev; what it prints to stdout.
    ///
    /// # Panics
    /// When it fails.
    pub fn done(&self, words: &[&str]) -> String {
        self.done_by(User::PaymentsDev, words)
    }

    /// Runs the plugin as this user; what it prints to stdout.
    ///
    /// # Panics
    /// When it fails.
    pub fn done_by(&self, user: User, words: &[&str]) -> String {
        let output = self.plugin(user, words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs the plugin as payments-dev; everything that it prints.
    ///
    /// # Panics
    /// When it does not exit with 1.
    pub fn fails(&self, words: &[&str]) -> String {
        self.fails_by(User::PaymentsDev, words)
    }

    /// Runs the plugin as this user; everything that it prints.
    ///
    /// # Panics
    /// When it does not exit with 1.
    pub fn fails_by(&self, user: User, words: &[&str]) -> String {
        let output = self.plugin(user, words);
        let code = output.status.code();
        assert_eq!(code, Some(1), "{words:?}: {}", text(&output));
        text(&output)
    }

    /// Runs kubectl as the admin.
    ///
    /// # Panics
    /// When it fails.
    pub fn kubectl(&self, words: &[&str], input: Option<&Value>) -> String {
        self.kubectl_by(User::Admin, words, input)
    }

    /// Runs kubectl as this user.
    ///
    /// # Panics
    /// When it fails.
    pub fn kubectl_by(&self, user: User, words: &[&str], input: Option<&Value>) -> String {
        let mut command = self.sandbox.kubectl(user);
        command.args(words).args(["-n", self.namespace]);
        let output = run(&mut command, input);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the plugin prints as JSON.
    ///
    /// # Panics
    /// When it fails, or prints something else.
    pub fn json(&self, words: &[&str]) -> Value {
        let text = self.done(words);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}: {text}"))
    }

    /// State and reason, as `get` tells them.
    pub fn state(&self, name: &str) -> (String, String) {
        let database = self.json(&["get", name, "-o", "json"]);
        let field = |pointer| database.pointer(pointer).and_then(Value::as_str);
        let text = |pointer| field(pointer).unwrap_or_default().to_owned();
        (text("/status/state"), text("/status/reason"))
    }

    /// Creates a database of team `payments`, as payments-dev.
    pub fn create(&self, name: &str, more: &[&str]) -> String {
        self.done(&[&creation(name)[..], more].concat())
    }

    /// What a statement selects, through the pooler.
    pub fn sql(&self, name: &str, statement: &str) -> String {
        self.done(&[
            "connect",
            name,
            "--",
            "--no-align",
            "--tuples-only",
            "-c",
            statement,
        ])
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it cannot be started.
pub fn run(command: &mut Command, input: Option<&Value>) -> Output {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().expect("the program is there");
    let mut stdin = child.stdin.take().expect("it is piped");
    if let Some(input) = input {
        // Who does not read it says so by failing.
        let _ = stdin.write_all(input.to_string().as_bytes());
    }
    drop(stdin);
    child.wait_with_output().expect("it was started")
}

/// Everything that a command printed.
#[must_use]
pub fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Looks again until `look` finds something.
///
/// # Panics
/// When it has found nothing within a minute.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        ticks.tick().await;
        if let Some(found) = look() {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "not within a minute: {what}"
        );
    }
}
