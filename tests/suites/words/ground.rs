//! A sandbox without an operator: what is created there waits for ever, so that what is said of it
//! is the same at every run.

use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use daap_tests::place::run;
use daap_tests::proxy::{Proxy, forward};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use regex::Regex;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::terminal::{self, Seen};

/// A namespace of the sandbox.
pub(crate) struct Ground {
    sandbox: &'static Sandbox,
    namespace: &'static str,
}

impl Ground {
    /// A fresh namespace.
    pub(crate) async fn of(namespace: &'static str) -> Self {
        static SANDBOX: OnceCell<Sandbox> = OnceCell::const_new();
        let options = SandboxOptions {
            operator: false,
            ..SandboxOptions::default()
        };
        let sandbox = SANDBOX
            .get_or_try_init(|| Sandbox::start_with(options))
            .await
            .unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"));
        sandbox.fresh_namespace(namespace).await;
        Self { sandbox, namespace }
    }

    /// The plugin, as payments-dev through the real kubectl.
    pub(crate) fn plugin(&self, words: &[&str]) -> Command {
        // Developers see their own namespace.
        let user = if words.contains(&"-A") {
            User::Admin
        } else {
            User::PaymentsDev
        };
        let mut command = self.sandbox.plugin(user);
        command.args(words).args(["-n", self.namespace]);
        for variable in ["NO_COLOR", "TERM", "COLUMNS", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs it without a terminal.
    pub(crate) fn piped(&self, words: &[&str]) -> Output {
        run(&mut self.plugin(words), None)
    }

    /// Runs kubectl as the admin; what it prints.
    pub(crate) fn kubectl(&self, words: &[&str], input: Option<&Value>) -> String {
        let mut command = self.sandbox.kubectl(User::Admin);
        let output = run(command.args(words).args(["-n", self.namespace]), input);
        assert!(output.status.success(), "{words:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it in a window of so many columns.
    pub(crate) fn in_window(&self, columns: u16, words: &[&str]) -> Seen {
        let mut command = self.plugin(words);
        command.env("TERM", "xterm-256color");
        terminal::run(&command, columns)
    }

    /// Before the API server, as payments-dev; it answers nothing while `silent`.
    pub(crate) async fn proxy(&self, silent: Arc<AtomicBool>) -> Proxy {
        let client = self.sandbox.client(User::PaymentsDev).await;
        Proxy::start(move |request| {
            let (client, silent) = (client.clone(), Arc::clone(&silent));
            async move {
                if silent.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                forward(&client, request).await
            }
        })
        .await
    }

    /// Creates a database that nobody makes ready.
    pub(crate) fn create(&self, name: &str) {
        let output = self.piped(&[
            "create",
            name,
            "--owner-team",
            "payments",
            "--purpose",
            "order intake",
            "--storage",
            "1Gi",
            "--wait=false",
        ]);
        assert!(output.status.success(), "{}", told(&output));
    }
}

/// Everything that was printed, stdout first.
pub(crate) fn told(output: &Output) -> String {
    let part = |name: &str, bytes: &[u8]| match String::from_utf8_lossy(bytes) {
        text if text.is_empty() => String::new(),
        text => format!("--- {name}\n{text}"),
    };
    let code = output.status.code().unwrap_or(-1);
    let (out, err) = (
        part("stdout", &output.stdout),
        part("stderr", &output.stderr),
    );
    format!("--- exit {code}\n{out}{err}")
}

/// The same at every run: no ages, ids, times, tokens, versions.
pub(crate) fn lasting(text: &str) -> String {
    let changes = [
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "ID",
        ),
        (r"\b(\d+h)?(\d+m)?\d+(\.\d)?s\b", "TIME"),
        (r"\d{4}-\d\d-\d\d(T[0-9:.]+Z)?", "DATE"),
        (r"127\.0\.0\.1:\d+", "SERVER"),
        (
            r"(Version:|kubectl-daap|Kubernetes) v?\d+\.\d+\.\d+( on \S+)?",
            "$1 VERSION",
        ),
        // What stands behind something of another width.
        (r"(ID|TIME|DATE) {2,}", "$1   "),
    ];
    changes
        .into_iter()
        .fold(text.to_owned(), |text, (pattern, put)| {
            Regex::new(pattern)
                .unwrap()
                .replace_all(&text, put)
                .into_owned()
        })
}
