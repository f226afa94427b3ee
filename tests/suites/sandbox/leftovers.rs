//! Looking for what a sandbox has left on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

/// How long processes may take to notice that they have to go.
const LIMIT: Duration = Duration::from_mins(1);

/// A folder for sandboxes of one test, so that the tests do not see each other's.
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    _removed: tempfile::TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let removed = tempfile::tempdir().unwrap();
        Self {
            // Made by the first sandbox, and removed with the last.
            folder: removed.path().join("sandboxes"),
            _removed: removed,
        }
    }

    /// `daap-sandbox` on this ground.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daap-sandbox"));
        command.args(args).env("DAAP_SANDBOX_DIR", &self.folder);
        command
    }

    /// Runs `daap-sandbox` and expects success.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {stderr}");
        output
    }

    /// Raises a control plane and returns what is to be evaluated by the shell.
    pub(crate) fn up(&self, name: &str) -> String {
        let args = ["up", "--no-webhook", "--no-operator", "--name", name];
        String::from_utf8(self.run(&args).stdout).unwrap()
    }

    /// Process id of a sandbox's supervisor.
    pub(crate) fn supervisor(&self, name: &str) -> u32 {
        let file = self.folder.join(name).join("supervisor.json");
        let identity: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        u32::try_from(identity.get("pid").unwrap().as_u64().unwrap()).unwrap()
    }

    /// Waits until neither a file nor a process is left.
    pub(crate) fn expect_nothing_left(&self) {
        expect_nothing_left(&self.folder);
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // A test that fails half-way must not leave a control plane behind either.
        for name in names(&self.folder) {
            let _ = self.command(&["down", "--name", &name]).output();
        }
    }
}

/// Waits until neither this folder is left nor a process that has to do with it.
pub(crate) fn expect_nothing_left(folder: &Path) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let processes = processes_of(folder);
        if processes.is_empty() && !folder.exists() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "left: {processes:#?}, {:?}",
            names(folder)
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// Waits for something that another process does.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Sends SIGKILL.
pub(crate) fn kill(pid: u32) {
    let killed = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status();
    assert!(killed.unwrap().success(), "failed to kill {pid}");
}

/// Every process that names this folder in its command line or environment, works in it, or has a
/// file of it open.
pub(crate) fn processes_of(folder: &Path) -> Vec<String> {
    let needle = folder.to_str().unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let process = entry.path();
        let own = process.file_name().unwrap() == &*std::process::id().to_string();
        if own || !process.join("environ").exists() {
            continue;
        }
        let text = |file: &str| {
            let bytes = fs::read(process.join(file)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        let files = fs::read_dir(process.join("fd")).into_iter().flatten();
        let mut links = vec![process.join("cwd")];
        links.extend(files.flatten().map(|file| file.path()));
        let linked = links
            .iter()
            .filter_map(|link| fs::read_link(link).ok())
            .any(|target| target.starts_with(folder));
        let command = text("cmdline");
        if linked || command.contains(needle) || text("environ").contains(needle) {
            found.push(format!("{}: {command}", process.display()));
        }
    }
    found
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
