//! A command that goes on until Ctrl-C, and the lines that it prints.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(90);

/// A command that runs; it is stopped when it is dropped.
#[derive(Debug)]
pub struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    /// Starts the command.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &Command) -> Self {
        // Whoever runs the tests in the background of a script has it ignore Ctrl-C, and what it starts.
        let mut env = Command::new("env");
        env.arg("--default-signal=INT").arg(command.get_program());
        env.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => env.env(name, value),
                None => env.env_remove(name),
            };
        }
        let mut child = env.stdout(Stdio::piped()).spawn().expect("env is there");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
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
    ///
    /// # Panics
    /// When there is none in time.
    #[expect(
        clippy::must_use_candidate,
        reason = "often all that is asked is whether it comes"
    )]
    pub fn line(&self, words: &[&str]) -> String {
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

    /// Ctrl-C, and the signal that ended it, or its exit code.
    ///
    /// # Panics
    /// When it is gone.
    #[expect(
        clippy::must_use_candidate,
        reason = "often all that is asked is that it ends"
    )]
    pub fn interrupt(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("it runs");
        let status = self.child.wait().expect("it was started");
        status.signal().or(status.code())
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
