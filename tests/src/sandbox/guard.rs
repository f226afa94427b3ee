//! The guard: a second process that removes a sandbox's files when its supervisor is killed.

use std::{
    env, io,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

use super::folder::{Base, clear};

/// Starts the guard of a folder. It acts when its standard input closes, so when we end.
pub(super) fn spawn(folder: &Path) -> Result<Child> {
    // In a session of its own, so that what is sent to our group does not reach it.
    Command::new("setsid")
        .arg(env::current_exe()?)
        .arg("guard")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("failed to start the guard (setsid, of util-linux)")
}

/// The guard itself.
pub(super) fn watch(folder: &Path) -> Result<()> {
    io::copy(&mut io::stdin(), &mut io::sink())?;
    clear(folder)?;
    Base::from_environment()?.remove_if_empty();
    Ok(())
}
