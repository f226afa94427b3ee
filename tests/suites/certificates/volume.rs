//! Certificates of somebody else, in files as a Secret volume shows them: links into a folder that
//! is replaced as a whole. What cert-manager writes is so shown.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::SOON;
use crate::ground::Ground;
use crate::load::Load;

const FILES: [&str; 2] = ["tls.crt", "tls.key"];

/// What the kubelet makes of a Secret.
struct SecretVolume {
    folder: tempfile::TempDir,
    written: usize,
}

impl SecretVolume {
    fn with(contents: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in FILES {
            symlink(Path::new("..data").join(file), folder.path().join(file)).unwrap();
        }
        let mut volume = Self { folder, written: 0 };
        volume.replace(contents);
        volume
    }

    /// All files at once: the link to their folder is renamed over the one before.
    fn replace(&mut self, contents: [&str; 2]) {
        self.written += 1;
        let named = format!("..{}", self.written);
        let folder = self.folder.path();
        std::fs::create_dir(folder.join(&named)).unwrap();
        for (file, content) in FILES.iter().zip(contents) {
            std::fs::write(folder.join(&named).join(file), content).unwrap();
        }
        symlink(&named, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        if self.written > 1 {
            let before = folder.join(format!("..{}", self.written - 1));
            std::fs::remove_dir_all(before).unwrap();
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Signs as cert-manager's Issuer does.
struct Issuer(CertifiedIssuer<'static, KeyPair>);

impl Issuer {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A certificate and its key.
    fn issue(&self) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &self.0).unwrap();
        [leaf.pem(), key.serialize_pem()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_secret_volume_swaps_is_served_without_a_refused_write() {
    let _shared = crate::ALONE.read().await;
    let issuer = Issuer::new();
    let [certificate, key] = issuer.issue();
    let mut volume = SecretVolume::with([&certificate, &key]);
    let [certificate, key] = FILES.map(|file| volume.file(file));
    let mut ground = Ground::with_files(&certificate, &key).await;
    // As cert-manager's injector does.
    ground.publish(&issuer.0.pem()).await;
    ground.start_replicas(2).await;
    let load = Load::on(&ground).await;
    for swapped in 1..=3 {
        let [certificate, key] = issuer.issue();
        volume.replace([&certificate, &key]);
        ground
            .until("every replica serves what is new", SOON, async |ground| {
                ground.said("reloaded") == 2 * swapped
            })
            .await;
        let before = load.writes();
        ground
            .until("writes go on", SOON, async |_| load.writes() > before + 5)
            .await;
    }
    let (writes, handshakes) = load.end().await;
    println!("{writes} writes and {handshakes} new connections, none refused");
    assert!(writes > 15 && handshakes > 5);
    for replica in &ground.replicas {
        assert_eq!(
            replica.mistakes(),
            [""; 0],
            "no pair was read half of which was new"
        );
    }
}
