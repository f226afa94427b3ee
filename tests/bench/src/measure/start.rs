//! How long a command takes from start to end, and the memory that it needs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context;

use super::load::output;
use super::server::pinned;
use super::table::Table;

/// Starts that make one value: a single one is too short to be told from noise.
const STARTS: u32 = 20;

/// Measures the plugin beside kubectl.
pub(super) fn measure(
    table: &mut Table,
    programs: &Path,
    core: usize,
    rounds: usize,
) -> anyhow::Result<()> {
    let plugin = programs.join("kubectl-daap");
    let plugin = plugin
        .to_str()
        .context("the path of the plugin is no text")?;
    let commands: [(&str, &[&str]); 4] = [
        // What starting anything takes: to be taken off the others.
        ("true", &["true"]),
        (
            "kubectl version --client",
            &["kubectl", "version", "--client"],
        ),
        ("kubectl-daap --help", &[plugin, "--help"]),
        (
            "kubectl-daap version --client",
            &[plugin, "version", "--client"],
        ),
    ];
    for _ in 0..rounds {
        for (row, command) in commands {
            let began = Instant::now();
            for _ in 0..STARTS {
                let mut started = pinned(core);
                started.args(command).stdin(Stdio::null());
                let ended = started
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()?;
                if !ended.success() {
                    anyhow::bail!("{row}: {ended}");
                }
            }
            let millis = began.elapsed().as_secs_f64() * 1e3 / f64::from(STARTS);
            let row = format!("start: {row}");
            table.add(&row, "ms", millis);
            table.add(&row, "peak KiB", peak_kib(command)?);
        }
    }
    Ok(())
}

/// By GNU time, which alone knows it after the end.
fn peak_kib(command: &[&str]) -> anyhow::Result<f64> {
    let mut measured = Command::new("sh");
    measured
        .args([
            "-c",
            "exec 3>&1; /usr/bin/time --format %M --output /dev/fd/3 \"$@\" >/dev/null 2>&1",
            "sh",
        ])
        .args(command);
    let said = output(measured)?;
    let last = said.lines().last().unwrap_or_default();
    last.trim()
        .parse()
        .with_context(|| format!("GNU time said: {said}"))
}
