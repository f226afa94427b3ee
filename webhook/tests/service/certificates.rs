//! Certificates that are rotated while requests come in.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::webhook::{JSON, Webhook, client, creation_by, issue, post, ready, until};

#[tokio::test]
async fn half_of_a_rotation_leaves_the_last_good_pair() {
    let mut webhook = Webhook::start();
    let old = webhook.authority.clone();
    assert_eq!(webhook.ready().await, StatusCode::OK);
    let key = std::fs::read(webhook.folder.path().join("tls.key")).unwrap();
    let new = issue(webhook.folder.path());
    let new_key = std::fs::read(webhook.folder.path().join("tls.key")).unwrap();
    std::fs::write(webhook.folder.path().join("tls.key"), key).unwrap();
    assert!(webhook.certificates.reload().is_err());
    assert_eq!(webhook.ready().await, StatusCode::OK);
    std::fs::write(webhook.folder.path().join("tls.key"), new_key).unwrap();
    assert!(webhook.certificates.reload().unwrap());
    assert!(!webhook.certificates.reload().unwrap(), "nothing new");
    webhook.authority = new;
    assert_eq!(webhook.ready().await, StatusCode::OK);
    let refused = ready(&client(webhook.address, &old)).await;
    assert!(refused.is_err(), "the old one is served no more");
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn issue(&self, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &self.0).unwrap();
        std::fs::write(folder.join("tls.crt"), leaf.pem()).unwrap();
        std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
    }
}

#[tokio::test]
async fn leaves_are_swapped_under_load_without_a_refused_request() {
    let webhook = Webhook::start();
    let authority = Authority::new();
    authority.issue(webhook.folder.path());
    assert!(webhook.certificates.reload().unwrap());
    let trusted = authority.0.der().to_vec();
    let (done, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    // One keeps its connection, as the API server does; the other connects anew each time.
    let load = |keeps: bool| {
        let (webhook, trusted, done, served) = (&webhook, &trusted, &done, &served);
        async move {
            let review = creation_by("payments-dev").to_string().into_bytes();
            let mut connected = client(webhook.address, trusted);
            while !done.load(Ordering::Relaxed) {
                if !keeps {
                    connected = client(webhook.address, trusted);
                }
                let (status, _) = post(&connected, "/mutate", JSON, review.clone())
                    .await
                    .expect("no request is refused");
                assert_eq!(status, StatusCode::OK);
                served.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let rotate = async {
        for _ in 0..10 {
            let before = served.load(Ordering::Relaxed);
            authority.issue(webhook.folder.path());
            assert!(webhook.certificates.reload().unwrap());
            until("requests go on", || {
                served.load(Ordering::Relaxed) > before + 5
            })
            .await;
        }
        done.store(true, Ordering::Relaxed);
    };
    futures::join!(rotate, load(true), load(false));
}
