//! A running `postgres`.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;
use tokio::process::Child;

use super::postgres::Programs;
use crate::sandbox::process::Identity;

/// How sessions are treated when an instance stops.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shutdown {
    /// They are waited for.
    Smart,
    /// They are cut.
    Fast,
}

/// A running `postgres`.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    identity: Option<Identity>,
    sockets: PathBuf,
}

impl Postmaster {
    /// Starts `postgres` on a data directory.
    pub(super) async fn start(
        programs: &Programs,
        data: &Path,
        sockets: &Path,
        log: &Path,
        options: &[&str],
    ) -> io::Result<Self> {
        let mut program = programs.program("postgres").arg("-D").arg(data);
        // Killed, it would leave its shared memory; at QUIT it ends at once, like after a crash.
        program = program.death_signal("QUIT");
        for option in options {
            program = program.arg("-c").arg(option);
        }
        let child = program.log_to(log)?.spawn().await?;
        Ok(Self {
            identity: child.id().and_then(Identity::of),
            sockets: sockets.to_owned(),
            child,
        })
    }

    /// Waits for the process to end; its exit code.
    pub(super) async fn ended(&mut self) -> i32 {
        let status = self.child.wait().await;
        status.ok().and_then(|status| status.code()).unwrap_or(-1)
    }

    /// Whether it answers on its socket.
    pub(super) async fn accepts(&self, programs: &Programs) -> bool {
        let args = [OsStr::new("-q"), OsStr::new("-h"), self.sockets.as_os_str()];
        programs.run("pg_isready", args).await.is_ok()
    }

    /// Waits until it answers, or says why it ended.
    pub(super) async fn started(&mut self, programs: &Programs, log: &Path) -> io::Result<()> {
        loop {
            if self.accepts(programs).await {
                return Ok(());
            }
            tokio::select! {
                code = self.ended() => {
                    return Err(io::Error::other(format!("postgres ended with {code}: {}", tail(log))));
                }
                () = tokio::time::sleep(Duration::from_millis(30)) => {}
            }
        }
    }

    /// Asks it to stop; [`Self::ended`] tells when it has.
    pub(super) fn stop(&self, how: Shutdown) {
        self.signal(match how {
            Shutdown::Smart => Signal::TERM,
            Shutdown::Fast => Signal::INT,
        });
    }

    /// Has it read its configuration again.
    pub(super) fn reload(&self) {
        self.signal(Signal::HUP);
    }

    fn signal(&self, signal: Signal) {
        // It may end at any time by itself, so that it is gone is no error.
        if let Some(identity) = self.identity
            && let Err(error) = identity.signal(signal)
        {
            tracing::warn!(%error, "failed to signal postgres");
        }
    }
}

/// The end of a log.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}
