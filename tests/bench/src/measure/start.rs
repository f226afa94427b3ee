//! Starts of the plugin that ask no server, beside kubectl's.

use std::path::Path;

use super::command::Measured;
use super::table::Table;
use crate::tell;

/// Starts that make one value: a single one is too short to be told from noise.
const STARTS: u32 = 20;

/// Measures the plugin beside kubectl.
pub(super) fn measure(
    table: &mut Table,
    programs: &Path,
    kubectl: &Path,
    core: usize,
    rounds: usize,
) -> anyhow::Result<()> {
    let plugin = programs.join("kubectl-daap").into_os_string();
    let of = |row: &str, program: &std::ffi::OsStr, words: &[&str]| Measured {
        row: row.to_owned(),
        words: std::iter::once(program.to_owned())
            .chain(words.iter().map(Into::into))
            .collect(),
        kubeconfig: None,
        starts: STARTS,
        cores: core.to_string(),
    };
    let commands = [
        // What starting anything takes: to be taken off the others.
        of("true", "true".as_ref(), &[]),
        of(
            "kubectl version --client",
            kubectl.as_ref(),
            &["version", "--client"],
        ),
        of("daap --help", &plugin, &["--help"]),
        of("daap version --client", &plugin, &["version", "--client"]),
        of(
            "completion of a flag",
            &plugin,
            &["__complete", "create", "--own"],
        ),
    ];
    for round in 1..=rounds {
        for command in &commands {
            command.measure(table)?;
        }
        tell(&format!("starts: round {round} of {rounds}"));
    }
    Ok(())
}
