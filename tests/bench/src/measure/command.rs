//! How long a command takes from start to end, and the memory that it needs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Instant;

use anyhow::Context;

use super::load::output;
use super::server::pinned;
use super::table::Table;

/// A command that is measured.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// What the row is called.
    pub(super) row: String,
    /// Program and arguments.
    pub(super) words: Vec<OsString>,
    /// The kubeconfig that it uses.
    pub(super) kubeconfig: Option<PathBuf>,
    /// How often it is started for one value: a single start of a millisecond is noise.
    pub(super) starts: u32,
    /// The processors that it may use.
    pub(super) cores: String,
}

impl Measured {
    /// Takes down one value of each: time from start to end, and the peak of its memory.
    pub(super) fn measure(&self, table: &mut Table) -> anyhow::Result<()> {
        let began = Instant::now();
        for _ in 0..self.starts {
            let mut started = self.command(&[]);
            started.stdout(Stdio::null()).stderr(Stdio::null());
            let ended = started.stdin(Stdio::null()).status()?;
            if !ended.success() {
                anyhow::bail!("{}: {ended}", self.row);
            }
        }
        let millis = began.elapsed().as_secs_f64() * 1e3 / f64::from(self.starts);
        table.add(&self.row, "ms", millis);
        table.add(&self.row, "peak MiB", self.peak_mib()?);
        Ok(())
    }

    /// What it prints: to see that it does what it is measured for.
    pub(super) fn said(&self) -> anyhow::Result<String> {
        output(self.command(&[]))
    }

    fn command(&self, before: &[&str]) -> std::process::Command {
        let mut command = pinned(&self.cores);
        command.args(before).args(&self.words);
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command
    }

    /// By GNU time, which alone knows it after the end.
    fn peak_mib(&self) -> anyhow::Result<f64> {
        let measured = self.command(&[
            "sh",
            "-c",
            "exec 3>&1; /usr/bin/time --format %M --output /dev/fd/3 \"$@\" >/dev/null 2>&1",
            "sh",
        ]);
        let said = output(measured)?;
        let last = said.lines().last().unwrap_or_default();
        let kib: f64 = { last.trim().parse() }
            .with_context(|| format!("GNU time said of {}: {said}", self.row))?;
        Ok(kib / 1024.0)
    }
}
