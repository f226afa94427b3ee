//! What the suites of connecting share: a proxy that runs, and psql without anything of the user's.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;
use rustix::process::{Pid, Signal, kill_process};

/// psql with nothing in its environment but its folder and `variables`.
pub(crate) fn psql(words: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("psql");
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .args(["--no-psqlrc", "--no-align", "--tuples-only"])
        .args(words)
        .envs(variables.iter().copied());
    command
}

/// What it prints when it succeeds.
pub(crate) fn answer(command: &mut Command) -> String {
    let output = run(command, None);
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The address that the Service of the pooler has in the sandbox.
pub(crate) fn balancer(place: &Place<'_>) -> String {
    let address = "jsonpath={.status.loadBalancer.ingress[0].ip}";
    place.kubectl(&["get", "service/daap-orders-pooler", "-o", address], None)
}

pub(crate) fn password(place: &Place<'_>) -> String {
    let words = ["credentials", "orders", "-o", "password"];
    place.done(&words).trim_end_matches('\n').to_owned()
}

/// `kubectl daap proxy`, while it runs.
pub(crate) struct Proxy {
    child: Child,
    first: String,
    said: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Proxy {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(place: &Place<'_>, more: &[&str]) -> Self {
        let mut command = place.sandbox.plugin(User::PaymentsDev);
        command
            .args(["proxy", "orders", "-n", place.namespace])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl is there");
        let said = Arc::new(Mutex::new(String::new()));
        let stderr = child.stderr.take().unwrap();
        let into = said.clone();
        let mut readers = vec![std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut said = into.lock().unwrap();
                said.push_str(&line);
                said.push('\n');
            }
        })];
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        readers.push(std::thread::spawn(move || {
            let _ = stdout.read_to_end(&mut Vec::new());
        }));
        let proxy = Self {
            child,
            first: first.trim().to_owned(),
            said,
            readers,
        };
        assert!(!proxy.first.is_empty(), "{}", proxy.said());
        proxy
    }

    /// The first line that it printed to stdout.
    pub(crate) fn first(&self) -> &str {
        &self.first
    }

    /// Everything that it has said on stderr.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it says one of these.
    pub(crate) async fn says(&self, words: &[&str]) {
        eventually(&format!("{words:?}"), || {
            let said = self.said();
            words.iter().any(|word| said.contains(word)).then_some(())
        })
        .await;
    }

    /// Sends what Ctrl-C sends, and waits for its end.
    pub(crate) fn interrupt(mut self) -> (ExitStatus, String) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        for reader in std::mem::take(&mut self.readers) {
            reader.join().unwrap();
        }
        let said = self.said();
        (status, said)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the plugin as someone, with flags of kubectl and nothing else.
pub(crate) fn with_flags(place: &Place<'_>, user: User, words: &[&str]) -> Output {
    run(place.sandbox.plugin(user).args(words), None)
}
