//! Programs whose life is tied to ours.
//!
//! The kernel delivers the parent-death signal when the *thread* that spawned a child ends, not
//! when the process does. Threads of tokio's pools end when they are idle, so every child is
//! spawned by one thread that never ends.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{LazyLock, mpsc},
    thread,
};

use tokio::{process::Child, runtime::Handle, sync::oneshot};

use super::Unprivileged;

/// A program that the kernel kills when we end, however we end.
#[derive(Debug)]
pub struct Tied {
    program: OsString,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    user: Option<Unprivileged>,
    death_signal: &'static str,
    streams: [Option<Stdio>; 3],
}

impl Tied {
    /// A program without arguments, its standard streams at `/dev/null`.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            environment: Vec::new(),
            folder: None,
            user: None,
            death_signal: "KILL",
            streams: [None, None, None],
        }
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Appends arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.extend(args);
        self
    }

    /// Sets an environment variable; the others are inherited.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (key.as_ref().to_owned(), value.as_ref().to_owned());
        self.environment.push(pair);
        self
    }

    /// The folder to run in.
    #[must_use]
    pub fn current_dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.folder = Some(folder.as_ref().to_owned());
        self
    }

    /// The user to run as; `None` is the caller's own.
    #[must_use]
    pub fn user(mut self, user: Option<Unprivileged>) -> Self {
        self.user = user;
        self
    }

    /// The signal that it gets when we end, instead of KILL: for programs that have something to
    /// clear away. `PostgreSQL` removes its shared memory at `QUIT`.
    #[must_use]
    pub fn death_signal(mut self, name: &'static str) -> Self {
        self.death_signal = name;
        self
    }

    /// Standard input.
    #[must_use]
    pub fn stdin(mut self, stream: Stdio) -> Self {
        self.streams[0] = Some(stream);
        self
    }

    /// Standard output.
    #[must_use]
    pub fn stdout(mut self, stream: Stdio) -> Self {
        self.streams[1] = Some(stream);
        self
    }

    /// Standard error.
    #[must_use]
    pub fn stderr(mut self, stream: Stdio) -> Self {
        self.streams[2] = Some(stream);
        self
    }

    /// Standard output and error, both appended to this file.
    pub fn log_to(self, file: impl AsRef<Path>) -> io::Result<Self> {
        let log = fs::File::options().create(true).append(true).open(file)?;
        Ok(self.stdout(log.try_clone()?.into()).stderr(log.into()))
    }

    /// Starts the program. It is also killed when the returned child is dropped.
    ///
    /// # Errors
    /// `setpriv` (package util-linux) is not installed, or no process can be made. A missing
    /// program is *not* an error here: `setpriv` says so on standard error and ends with 127.
    pub async fn spawn(self) -> io::Result<Child> {
        let (reply, answer) = oneshot::channel();
        let order = Order {
            command: self.command(),
            runtime: Handle::current(),
            reply,
        };
        let gone = |_| io::Error::other("the thread that starts programs has ended");
        SPAWNER
            .send(order)
            .map_err(|_| io::Error::other("the thread that starts programs has ended"))?;
        answer.await.map_err(gone)?
    }

    fn command(self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("setpriv");
        command.args(["--pdeathsig", self.death_signal]);
        if let Some(user) = self.user {
            command.arg(format!("--reuid={}", user.uid));
            command.arg(format!("--regid={}", user.gid));
            command.arg("--clear-groups");
        }
        command.arg("--").arg(self.program).args(self.args);
        command.envs(self.environment);
        if let Some(folder) = self.folder {
            command.current_dir(folder);
        }
        let [stdin, stdout, stderr] = self.streams.map(|s| s.unwrap_or_else(Stdio::null));
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        command.kill_on_drop(true);
        command
    }
}

struct Order {
    command: tokio::process::Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (sender, orders) = mpsc::channel::<Order>();
    thread::spawn(move || {
        // The sender is a static, so this ends with the process only.
        for mut order in orders {
            let _entered = order.runtime.enter();
            // Whoever asked may have given up; the child is killed as it is dropped.
            let _ = order.reply.send(order.command.spawn());
        }
    });
    sender
});
