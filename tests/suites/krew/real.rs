//! krew itself, where it is on the PATH, without a network: an index of our own, archives over loopback.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, thread};

use daap_tests::place::{run, text};

use super::install::Installer;
use super::packed::Release;

/// The index of krew that our manifest is put into.
const INDEX: &str = "ours";

/// krew.
pub(super) struct Krew {
    program: PathBuf,
}

impl Krew {
    /// The one on the PATH.
    pub(super) fn found() -> Option<Self> {
        let path = env::var_os("PATH")?;
        env::split_paths(&path)
            .flat_map(|folder| [folder.join("kubectl-krew"), folder.join("krew")])
            .find(|file| file.is_file())
            .map(|program| Self { program })
    }

    fn run(&self, root: &Path, words: &[&str]) {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("KREW_ROOT", root)
            .env("KREW_NO_UPGRADE_CHECK", "1");
        let output = run(&mut command, None);
        assert!(output.status.success(), "krew {words:?}: {}", text(&output));
        eprintln!("krew {words:?}: {}", text(&output));
    }
}

impl Installer for Krew {
    fn install(&self, root: &Path, release: &Release) {
        // As it stands, checked by krew's own validator on the way; then from an index, because what
        // was installed from a file is never upgraded.
        let manifest = format!("--manifest={}", release.manifest.display());
        let archive = format!("--archive={}", release.archive.display());
        self.run(root, &["install", &manifest, &archive]);
        offer(root, release);
        self.run(root, &["uninstall", "daap"]);
        self.run(
            root,
            &["install", "--no-update-index", &format!("{INDEX}/daap")],
        );
    }

    fn upgrade(&self, root: &Path, _old: &Release, new: &Release) {
        offer(root, new);
        self.run(root, &["upgrade", "--no-update-index", "daap"]);
    }

    fn uninstall(&self, root: &Path) {
        self.run(root, &["uninstall", "daap"]);
    }
}

/// Puts the manifest into the index, with the archive on a port of this machine.
fn offer(root: &Path, release: &Release) {
    let index = root.join("index").join(INDEX);
    let plugins = index.join("plugins");
    fs::create_dir_all(&plugins).unwrap();
    // krew takes what has this folder for a clone.
    fs::create_dir_all(index.join(".git")).unwrap();
    let address = serve(fs::read(&release.archive).unwrap());
    let manifest = fs::read_to_string(&release.manifest).unwrap();
    let lines = manifest.lines().map(|line| match line.find("uri: ") {
        Some(at) => format!("{}uri: {address}", &line[..at]),
        None => line.to_owned(),
    });
    fs::write(
        plugins.join("daap.yaml"),
        lines.collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
}

/// Answers one request with these bytes.
fn serve(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/archive", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The request is short, and always the same.
        let _ = stream.read(&mut [0; 4096]).unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            bytes.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&bytes).unwrap();
    });
    address
}
