//! Writes through the API server, and new connections as a strict client makes them. Nothing of it
//! may fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use daap_tests::sandbox::User;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::ground::{Ground, bundles};

/// Between two writes of one writer: some 30 a second together.
const PAUSE: Duration = Duration::from_millis(100);
const WRITERS: usize = 3;

#[derive(Default)]
struct Tally {
    done: AtomicBool,
    writes: AtomicUsize,
    handshakes: AtomicUsize,
}

pub(crate) struct Load {
    tally: Arc<Tally>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    pub(crate) async fn on(ground: &Ground) -> Self {
        let tally: Arc<Tally> = Arc::default();
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let client = ground.sandbox.client(User::PaymentsDev).await;
            tasks.push(tokio::spawn(write(client, writer, Arc::clone(&tally))));
        }
        let client = ground.sandbox.client(User::Harness).await;
        let address = ground.balancer.address;
        tasks.push(tokio::spawn(connect(client, address, Arc::clone(&tally))));
        Self { tally, tasks }
    }

    pub(crate) fn writes(&self) -> usize {
        self.tally.writes.load(Ordering::Relaxed)
    }

    /// Stops, and returns how many writes and connections there were. None of them failed.
    pub(crate) async fn end(self) -> (usize, usize) {
        self.tally.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let count = |tally: &AtomicUsize| tally.load(Ordering::Relaxed);
        (count(&self.tally.writes), count(&self.tally.handshakes))
    }
}

/// Creates a database again and again, without storing it: both halves are asked each time.
async fn write(client: kube::Client, writer: usize, tally: Arc<Tally>) {
    let name = format!("daap-load-{writer}");
    let cluster = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": name, "labels": {"daap.dev/owner-team": "payments"},
            "annotations": {"daap.dev/purpose": "load"}},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}},
    });
    while !tally.done.load(Ordering::Relaxed) {
        let path = "/apis/postgresql.cnpg.io/v1/namespaces/apps/clusters?dryRun=All";
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(cluster.to_string().into_bytes())
            .unwrap();
        let created: Result<Value, _> = client.request(request).await;
        let created = created.unwrap_or_else(|error| panic!("a write is refused: {error}"));
        let by = &created["metadata"]["annotations"]["daap.dev/created-by"];
        assert_eq!(by, "payments-dev", "nothing passes unseen");
        tally.writes.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Connects anew each time, trusting what each configuration carried a moment before.
async fn connect(client: kube::Client, address: std::net::SocketAddr, tally: Arc<Tally>) {
    while !tally.done.load(Ordering::Relaxed) {
        for bundle in bundles(&client).await {
            let mut trusted = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
                trusted.add(certificate.unwrap()).unwrap();
            }
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(trusted)
                .with_no_client_auth();
            let connector = TlsConnector::from(Arc::new(config));
            let stream = TcpStream::connect(address).await.unwrap();
            let name = "127.0.0.1".try_into().unwrap();
            let connected = connector.connect(name, stream).await;
            connected.unwrap_or_else(|error| panic!("a handshake fails: {error}"));
            tally.handshakes.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
