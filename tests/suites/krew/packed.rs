//! A release of the plugin: as it was built for these tests, or as `make dist` made it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use daap_tests::place::{run, text};

/// Top of the checkout.
pub(super) fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// This machine, as krew calls it.
pub(super) fn here() -> (&'static str, &'static str) {
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    (env::consts::OS, arch)
}

/// Runs a script of `release/` and gives what it prints.
pub(super) fn script(name: &str, words: &[&str]) -> String {
    let output = run(
        Command::new(checkout().join("release").join(name)).args(words),
        None,
    );
    assert!(
        output.status.success(),
        "{name} {words:?}: {}",
        text(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What the program says it is, as krew wants it.
const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// The archive of a version, and the manifest that names it.
#[derive(Debug)]
pub(super) struct Release {
    pub(super) version: &'static str,
    pub(super) archive: PathBuf,
    pub(super) manifest: PathBuf,
}

impl Release {
    /// The one of `make dist`, where `DAAP_DIST` names its folder; packed here otherwise.
    pub(super) fn of_this_version(folder: &Path) -> Self {
        let Some(dist) = env::var_os("DAAP_DIST").map(PathBuf::from) else {
            return Self::pack(VERSION, folder);
        };
        let (os, arch) = here();
        Self {
            version: VERSION,
            archive: dist.join(format!("kubectl-daap_{VERSION}_{os}_{arch}.tar.gz")),
            manifest: dist.join("daap.yaml"),
        }
    }

    /// Packs the plugin of this build as that version.
    pub(super) fn pack(version: &'static str, folder: &Path) -> Self {
        let folder = folder.join(version);
        fs::create_dir_all(&folder).unwrap();
        let folder_text = folder.to_str().unwrap();
        let (os, arch) = here();
        let platform = format!("{os}/{arch}");
        let program = slim(&folder);
        let packed = script(
            "pack.sh",
            &[version, &platform, program.to_str().unwrap(), folder_text],
        );
        let manifest = folder.join("daap.yaml");
        fs::write(
            &manifest,
            script("manifest.sh", &[version, folder_text, "--partial"]),
        )
        .unwrap();
        Self {
            version,
            archive: packed.trim().into(),
            manifest,
        }
    }
}

/// The plugin without what is there for debuggers: ten times less to pack.
fn slim(folder: &Path) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_daap-sandbox")).with_file_name("kubectl-daap");
    let slim = folder.join("kubectl-daap.slim");
    let stripped = Command::new("strip")
        .arg("-o")
        .arg(&slim)
        .arg(&built)
        .status();
    if stripped.is_ok_and(|status| status.success()) {
        slim
    } else {
        built
    }
}
