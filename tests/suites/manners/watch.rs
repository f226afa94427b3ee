//! `--watch`: every change that is seen, until Ctrl-C.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use daap_tests::place::Place;
use daap_tests::sandbox::User;
use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_mins(1);

/// A watch that runs; it is stopped when it is dropped.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(place: &Place<'_>, words: &[&str]) -> Self {
        let plugin = place.sandbox.plugin(User::PaymentsDev);
        // Whoever runs the tests in the background of a script has it ignore Ctrl-C, and what it starts.
        let mut command = Command::new("env");
        command
            .arg("--default-signal=INT")
            .arg(plugin.get_program());
        command.args(plugin.get_args()).args(words);
        command.args(["-n", place.namespace]);
        for (name, value) in plugin.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// The next line that has all these words.
    fn line(&self, words: &[&str]) -> String {
        let mut seen = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|error| {
                panic!("no line with {words:?}: {error}; there were {seen:#?}")
            });
            if words.iter().all(|word| line.contains(word)) {
                return line;
            }
            seen.push(line);
        }
    }

    /// Ctrl-C, and the signal that ended it.
    fn interrupt(mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        status.signal().or(status.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_followed_from_creation_to_deletion() {
    let place = Place::shared("followed").await;
    place.create("orders", &[]);
    let watch = Running::start(&place, &["list", "-w"]);
    watch.line(&["NAME", "STATE"]);
    watch.line(&["orders", "ready"]);
    let later = Running::start(&place, &["list", "--watch-only", "--output-watch-events"]);
    place.create("stock", &[]);
    watch.line(&["stock", "provisioning"]);
    watch.line(&["stock", "ready"]);
    // How far the other is when it begins to watch is not known.
    let first = later.line(&["payments"]);
    assert!(
        first.contains("stock"),
        "nothing of what was there before: {first}"
    );
    if !first.contains("ready") {
        later.line(&["MODIFIED", "stock", "ready"]);
    }
    place.done(&["delete", "orders", "--yes"]);
    watch.line(&["orders", "deleting"]);
    watch.line(&["orders", "deleted"]);
    later.line(&["DELETED", "orders"]);
    assert_eq!(
        watch.interrupt(),
        Some(2),
        "as kubectl: by the signal, 130 in a shell"
    );
    assert_eq!(later.interrupt(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_is_followed_as_documents() {
    let place = Place::shared("document").await;
    place.create("orders", &[]);
    let format = "jsonpath={.metadata.name} {.spec.storage} {.record.version}{\"\\n\"}";
    let watch = Running::start(&place, &["get", "orders", "-w", "-o", format]);
    let json = Running::start(&place, &["get", "orders", "-w", "-o", "json"]);
    watch.line(&["orders 10Gi 1"]);
    json.line(&["\"version\": 1"]);
    place.done(&["update", "orders", "--purpose", "returns as well"]);
    watch.line(&["orders 10Gi 2"]);
    json.line(&["\"version\": 2"]);
    assert!(place.fails(&["get", "stock", "-w"]).contains("not found"));
}
