//! A plugin's life in krew's hands: installed, found by the real kubectl, upgraded, removed.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use daap_tests::place::{run, text};

use super::by_hand::ByHand;
use super::packed::{Release, checkout};
use super::real::Krew;

/// Who installs.
pub(super) trait Installer {
    /// `kubectl krew install`
    fn install(&self, root: &Path, release: &Release);
    /// `kubectl krew upgrade`
    fn upgrade(&self, root: &Path, old: &Release, new: &Release);
    /// `kubectl krew uninstall`
    fn uninstall(&self, root: &Path);
}

/// A shell of somebody who has kubectl and krew's folder on the PATH, and nothing of this build.
struct Shell {
    kubectl: PathBuf,
    root: PathBuf,
}

impl Shell {
    fn kubectl(&self, words: &[&str]) -> Output {
        let folders = [
            self.root.join("bin"),
            self.kubectl.parent().unwrap().to_owned(),
        ];
        let path: OsString = env::join_paths(
            folders
                .into_iter()
                .chain(["/usr/bin".into(), "/bin".into()]),
        )
        .unwrap();
        let mut command = Command::new(&self.kubectl);
        command
            .args(words)
            .env("PATH", path)
            .env("HOME", &self.root)
            .env("SHELL", "/bin/bash")
            .env("KUBECONFIG", self.root.join("no-kubeconfig"));
        run(&mut command, None)
    }

    fn works(&self, words: &[&str]) -> String {
        let output = self.kubectl(words);
        assert!(
            output.status.success(),
            "kubectl {words:?}: {}",
            text(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

/// kubectl of the sandbox's control plane; no API server is needed here.
fn kubectl() -> PathBuf {
    let output = run(
        &mut Command::new(checkout().join("tests/controlplane/build.sh")),
        None,
    );
    assert!(output.status.success(), "{}", text(&output));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()).join("kubectl")
}

#[test]
fn it_is_installed_used_upgraded_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let releases = [
        Release::of_this_version(folder.path()),
        Release::pack("v99.0.0", folder.path()),
    ];
    life(&ByHand, &folder.path().join("by-hand"), &releases);
    match Krew::found() {
        Some(krew) => life(&krew, &folder.path().join("krew"), &releases),
        None => eprintln!("krew is not on the PATH: only its steps were tried"),
    }
}

fn life(installer: &dyn Installer, root: &Path, [old, new]: &[Release; 2]) {
    fs::create_dir_all(root).unwrap();
    let shell = Shell {
        kubectl: kubectl(),
        root: root.to_owned(),
    };
    let link = root.join("bin/kubectl-daap");

    installer.install(root, old);
    let store = fs::canonicalize(root.join("store/daap").join(old.version)).unwrap();
    assert!(store.join("LICENSE").is_file(), "the licence is installed");
    assert_eq!(fs::canonicalize(&link).unwrap(), store.join("kubectl-daap"));
    assert!(
        shell
            .works(&["plugin", "list"])
            .contains("bin/kubectl-daap")
    );
    assert!(
        shell
            .works(&["daap", "version", "--client"])
            .contains(env!("CARGO_PKG_VERSION"))
    );

    // krew links one program only: the second is made by the first.
    assert_eq!(
        shell.works(&["__complete", "daap", "crea"]),
        ":0\n",
        "not before it is asked for"
    );
    let said = shell.works(&["daap", "completion", "install"]);
    assert_eq!(
        said,
        format!("{}/bin/kubectl_complete-daap created\n", root.display())
    );
    assert!(
        shell
            .works(&["daap", "completion", "install"])
            .ends_with(" unchanged\n")
    );
    completes(&shell);

    installer.upgrade(root, old, new);
    let store = fs::canonicalize(root.join("store/daap").join(new.version)).unwrap();
    assert_eq!(fs::canonicalize(&link).unwrap(), store.join("kubectl-daap"));
    assert!(
        !root.join("store/daap").join(old.version).exists(),
        "the old version is gone"
    );
    completes(&shell);

    installer.uninstall(root);
    assert!(fs::symlink_metadata(&link).is_err(), "the link is gone");
    let output = shell.kubectl(&["daap", "version", "--client"]);
    assert!(
        !output.status.success() && text(&output).contains("unknown command"),
        "{}",
        text(&output)
    );
    // What leads nowhere disturbs nobody.
    shell.works(&["__complete", "daap", "crea"]);
}

fn completes(shell: &Shell) {
    assert_eq!(
        shell.works(&["__complete", "daap", "crea"]),
        "create\tCreate a database\n:4\n"
    );
    // No current context: nothing, and no error.
    assert_eq!(shell.works(&["__complete", "daap", "get", ""]), ":4\n");
}
