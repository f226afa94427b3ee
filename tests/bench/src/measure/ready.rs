//! How long a sandbox takes to be ready.

use super::sandbox::{Programs, Sandbox};
use super::table::Table;
use crate::tell;

/// Raises whole sandboxes, one after the other.
pub(super) fn measure(table: &mut Table, programs: &Programs, rounds: usize) -> anyhow::Result<()> {
    for round in 1..=rounds {
        let (_sandbox, took) = Sandbox::up(programs, "ready", &[])?;
        table.add("sandbox", "s until ready", took.as_secs_f64());
        tell(&format!("sandboxes: round {round} of {rounds}"));
    }
    Ok(())
}
