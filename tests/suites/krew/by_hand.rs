//! What krew does, step by step: its folders, its checks, its links.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use daap_tests::place::{run, text};
use sha2::{Digest as _, Sha256};

use super::install::Installer;
use super::manifest::Manifest;
use super::packed::{Release, here};

/// krew's steps, done by us.
pub(super) struct ByHand;

impl Installer for ByHand {
    fn install(&self, root: &Path, release: &Release) {
        let text = fs::read_to_string(&release.manifest).unwrap();
        let manifest: Manifest = serde_saphyr::from_str(&text).unwrap();
        let (os, arch) = here();
        let platform = manifest
            .spec
            .platforms
            .iter()
            .find(|one| one.is_for(os, arch))
            .unwrap();

        let bytes = fs::read(&release.archive).unwrap();
        let digest = Sha256::digest(&bytes)
            .iter()
            .fold(String::new(), |digest, byte| format!("{digest}{byte:02x}"));
        assert_eq!(
            digest, platform.sha256,
            "the archive is the one that the manifest names"
        );
        // krew looks at the first bytes, not at the name.
        assert_eq!(bytes[..3], [0x1f, 0x8b, 8], "gzip");
        plain_files_only(&release.archive);

        let store = root.join("store/daap").join(&manifest.spec.version);
        fs::create_dir_all(&store).unwrap();
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(&release.archive).arg("-C").arg(&store);
        let output = run(&mut tar, None);
        assert!(output.status.success(), "{}", text_of(&output));
        link(root, &store.join(&platform.bin));
        fs::create_dir_all(root.join("receipts")).unwrap();
        fs::copy(&release.manifest, root.join("receipts/daap.yaml")).unwrap();
    }

    fn upgrade(&self, root: &Path, old: &Release, new: &Release) {
        self.install(root, new);
        fs::remove_dir_all(root.join("store/daap").join(old.version)).unwrap();
    }

    fn uninstall(&self, root: &Path) {
        fs::remove_file(root.join("bin/kubectl-daap")).unwrap();
        fs::remove_dir_all(root.join("store/daap")).unwrap();
        fs::remove_file(root.join("receipts/daap.yaml")).unwrap();
    }
}

/// `-` of the plugin's name becomes `_` in the link's; ours has none.
fn link(root: &Path, program: &Path) {
    let mode = fs::metadata(program).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "the program can be run by everybody");
    let bin = root.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let link = bin.join("kubectl-daap");
    if let Ok(found) = fs::symlink_metadata(&link) {
        assert!(found.is_symlink(), "krew replaces links only");
        fs::remove_file(&link).unwrap();
    }
    symlink(program, &link).unwrap();
}

/// krew unpacks files and folders, nothing absolute, nothing with `..`.
fn plain_files_only(archive: &Path) {
    let output = run(Command::new("tar").arg("-tvzf").arg(archive), None);
    let listed = text_of(&output);
    for line in listed.lines() {
        assert!(line.starts_with(['-', 'd']), "{line}");
        let name = line.split_whitespace().last().unwrap();
        assert!(!name.starts_with('/') && !name.contains(".."), "{line}");
    }
    assert!(!listed.is_empty());
}

fn text_of(output: &std::process::Output) -> String {
    text(output)
}
