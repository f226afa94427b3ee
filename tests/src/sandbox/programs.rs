//! Where the programs are that a sandbox needs.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// Top of the checkout.
pub(super) fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// Folder with etcd, kube-apiserver, kube-controller-manager and kubectl; builds them when needed,
/// which takes minutes and is reported on standard error.
pub(super) fn control_plane() -> Result<PathBuf> {
    let script = checkout().join("tests/controlplane/build.sh");
    let output = Command::new(&script)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to run {}", script.display()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        script.display(),
        output.status
    );
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// A program of the workspace: what `variable` names, else the one built beside the running one.
pub(super) fn built(name: &str, variable: Option<&str>) -> Result<PathBuf> {
    if let Some(path) = variable.and_then(env::var_os).filter(|v| !v.is_empty()) {
        let path = std::path::absolute(path)?;
        ensure!(path.is_file(), "{} is not a program", path.display());
        return Ok(path);
    }
    let here = env::current_exe()?;
    // Suites run from target/debug/deps, programs from target/debug.
    for folder in here.ancestors().skip(1).take(2) {
        let candidate = folder.join(name);
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    bail!(
        "{name} is not built (looked beside {}): run `cargo build --workspace` first",
        here.display()
    )
}
