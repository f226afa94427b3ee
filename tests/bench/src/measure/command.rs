//! How long a command takes from start to end, and the memory that it needs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::thread::{CpuSet, sched_setaffinity};

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
        // A thread of its own: what it starts keeps to the same processors, and `taskset`, a start of its
        // own, is not measured.
        let timed = std::thread::scope(|scope| scope.spawn(|| self.timed()).join());
        let took = timed.map_err(|_| anyhow::anyhow!("{}: failed to measure it", self.row))??;
        let millis = took.as_secs_f64() * 1e3 / f64::from(self.starts);
        table.add(&self.row, "ms", millis);
        table.add(&self.row, "peak MiB", self.peak_mib()?);
        Ok(())
    }

    /// How long all starts take.
    fn timed(&self) -> anyhow::Result<Duration> {
        let mut cores = CpuSet::new();
        for core in self.cores.split(',') {
            cores.set(core.parse()?);
        }
        sched_setaffinity(None, &cores)?;
        let (program, arguments) = self.words.split_first().context("no program")?;
        let began = Instant::now();
        for _ in 0..self.starts {
            let mut started = Command::new(program);
            started.args(arguments).stdin(Stdio::null());
            started.stdout(Stdio::null()).stderr(Stdio::null());
            let ended = self.configured(started).status()?;
            if !ended.success() {
                anyhow::bail!("{}: {ended}", self.row);
            }
        }
        Ok(began.elapsed())
    }

    /// What it prints: to see that it does what it is measured for.
    pub(super) fn said(&self) -> anyhow::Result<String> {
        output(self.command(&[]))
    }

    fn command(&self, before: &[&str]) -> Command {
        let mut command = pinned(&self.cores);
        command.args(before).args(&self.words);
        self.configured(command)
    }

    fn configured(&self, mut command: Command) -> Command {
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
