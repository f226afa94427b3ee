//! Clients that are slow, silent, greedy or gone hold up nobody.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use daap_webhook::Bounds;
use rustls::crypto::ring;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::webhook::{JSON, Webhook, creation_by, post, review_of, shop};

/// What the API server waits.
const SOON: Duration = Duration::from_secs(5);

async fn is_served(webhook: &Webhook) {
    let review = creation_by("payments-dev");
    let asked = webhook.review("/mutate", &review);
    let answer = timeout(SOON, asked).await.expect("served meanwhile");
    assert_eq!(answer["allowed"], true);
}

/// A connection on which anything can be sent.
pub(crate) fn connect(
    address: SocketAddr,
    authority: &[u8],
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut trusted = RootCertStore::empty();
    trusted.add(authority.to_vec().into()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    StreamOwned::new(connection, stream)
}

/// Announces a body, sends the beginning of it, and reads what is answered: the status line, or
/// nothing where the connection is just closed.
pub(crate) fn send(
    address: SocketAddr,
    authority: &[u8],
    announced: usize,
    sent: usize,
) -> JoinHandle<String> {
    let mut stream = connect(address, authority);
    spawn_blocking(move || {
        let head = format!(
            "POST /validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {JSON}\r\nContent-Length: {announced}\r\n\r\n"
        );
        // The server may have hung up before all is sent.
        let _ = stream.write_all(head.as_bytes());
        let _ = stream.write_all(&vec![b' '; sent]);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        answer.lines().next().unwrap_or_default().to_owned()
    })
}

fn dribble(webhook: &Webhook, announced: usize, sent: usize) -> JoinHandle<String> {
    send(webhook.address, &webhook.authority, announced, sent)
}

#[tokio::test]
async fn a_body_of_six_mebibytes_is_served() {
    let webhook = Webhook::start();
    let mut large = shop();
    large["spec"]["unknownToUs"] = "x".repeat(6 * 1024 * 1024).into();
    let review = review_of("payments-dev", "CREATE", &large, &serde_json::Value::Null);
    let answer = webhook.review("/mutate", &review).await;
    assert_eq!(answer["allowed"], true);
}

#[tokio::test]
async fn a_hundred_megabytes_are_not_kept() {
    let webhook = Webhook::start();
    let size = 100 * 1000 * 1000;
    let answer = dribble(&webhook, size, size).await.unwrap();
    // Whoever does not stop to send may see a reset instead of the answer.
    assert!(answer.is_empty() || answer.contains(" 413 "), "{answer}");
    // Whoever waits for the answer sees it.
    let answer = dribble(&webhook, size, 0).await.unwrap();
    assert!(answer.contains(" 413 "), "{answer}");
    is_served(&webhook).await;
}

#[tokio::test]
async fn silent_clients_hold_up_nobody() {
    let webhook = Webhook::start();
    let mut silent = Vec::new();
    for _ in 0..200 {
        let connected = tokio::net::TcpStream::connect(webhook.address).await;
        silent.push(connected.unwrap());
    }
    is_served(&webhook).await;
    // The handshake has a time-out: the server hangs up by itself.
    let mut first = silent.remove(0);
    first.write_all(&[0x16]).await.unwrap();
    let mut rest = Vec::new();
    let closed = timeout(Duration::from_secs(15), first.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is closed");
}

/// Whether the server hangs up on what was sent, with less than that waited.
async fn is_hung_up_on(webhook: &Webhook, sent: &'static str, limit: Duration) -> bool {
    let mut stream = connect(webhook.address, &webhook.authority);
    let ended = spawn_blocking(move || {
        stream.sock.set_read_timeout(Some(limit)).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        // Without a farewell it is an error of TLS, but no time-out.
        ended.map_or_else(|error| error.kind() == ErrorKind::UnexpectedEof, |_| true)
    });
    ended.await.unwrap()
}

#[tokio::test]
async fn headers_that_never_end_and_kept_connections_without_a_request_are_hung_up_on() {
    let webhook = Webhook::bounded(Bounds {
        header: Duration::from_secs(1),
        ..Bounds::REVIEWS
    });
    let limit = Duration::from_secs(20);
    assert!(is_hung_up_on(&webhook, "", limit).await);
    assert!(is_hung_up_on(&webhook, "POST /validate HTTP/1.1\r\nHost: x\r\n", limit).await);
    let whole = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    assert!(is_hung_up_on(&webhook, whole, limit).await);
}

/// client-go's transport keeps an idle connection for 90 s, and does not repeat a POST.
#[tokio::test]
async fn the_api_server_is_the_first_to_hang_up() {
    assert!(Bounds::REVIEWS.header > Duration::from_secs(90));
    let webhook = Webhook::start();
    let whole = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    assert!(!is_hung_up_on(&webhook, whole, Duration::from_secs(3)).await);
}

#[tokio::test]
async fn a_flood_of_idle_connections_does_not_keep_the_api_server_out() {
    let webhook = Webhook::bounded(Bounds {
        connections: 20,
        ..Bounds::REVIEWS
    });
    // It keeps its connection, and has used it.
    let kept = webhook.client();
    let review = creation_by("payments-dev").to_string().into_bytes();
    let asks = async |client: &kube::Client| {
        let (status, _) = post(client, "/mutate", JSON, review.clone()).await.unwrap();
        assert_eq!(status, 200);
    };
    asks(&kept).await;
    let mut idle = Vec::new();
    for nth in 0..100 {
        let stream = TcpStream::connect(webhook.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        idle.push(stream);
        if nth % 10 == 0 {
            // Also what is new gets in, and who has sent reviews before stays in.
            asks(&webhook.client()).await;
            asks(&kept).await;
        }
    }
    // Those that made room were hung up on.
    let closed = spawn_blocking(move || idle[0].read(&mut [0]).unwrap());
    assert_eq!(closed.await.unwrap(), 0);
}

#[tokio::test]
async fn bodies_that_never_end_hold_up_nobody() {
    let webhook = Webhook::start();
    // More than are decided at once, and more than all of the memory for large bodies.
    let dribbles: Vec<_> = (0..80)
        .map(|_| dribble(&webhook, 7_000_000, 70_000))
        .collect();
    for _ in 0..10 {
        is_served(&webhook).await;
    }
    for dribble in dribbles {
        let answer = dribble.await.unwrap();
        assert!(
            answer.contains(" 408 ") || answer.contains(" 503 "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_decision_ends_with_the_client_that_waits_for_it() {
    let webhook = Webhook::start();
    let client = webhook.client();
    let review = creation_by("slow").to_string().into_bytes();
    let asks = tokio::spawn(async move { post(&client, "/validate", JSON, review).await });
    webhook.waiting(1).await;
    asks.abort();
    webhook.waiting(0).await;
}

#[tokio::test]
async fn slow_decisions_hold_up_nobody() {
    let webhook = Webhook::start();
    let review = creation_by("slow");
    let slow = futures::future::join_all((0..40).map(|_| webhook.review("/validate", &review)));
    let served = async {
        webhook.waiting(40).await;
        is_served(&webhook).await;
        webhook.world.gate.add_permits(1);
    };
    let (answers, ()) = futures::join!(slow, served);
    assert!(answers.iter().all(|answer| answer["status"]["code"] == 403));
}
