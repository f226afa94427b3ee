//! Ending without a lost request.

use std::io::{Read, Write};
use std::time::Duration;

use http::StatusCode;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::clients::connect;
use crate::webhook::{JSON, Webhook, creation_by, post, response_of};

#[tokio::test]
async fn an_ending_webhook_is_not_ready_but_serves_on_and_drains() {
    let webhook = Webhook::start();
    webhook.health.end();
    assert_eq!(webhook.ready().await, StatusCode::SERVICE_UNAVAILABLE);
    let review = creation_by("payments-dev");
    assert_eq!(webhook.review("/mutate", &review).await["allowed"], true);
    // What is under way when the drain begins is answered.
    let client = webhook.client();
    let slow = creation_by("slow").to_string().into_bytes();
    let asks = tokio::spawn(async move { post(&client, "/validate", JSON, slow).await });
    webhook.waiting(1).await;
    let limit = Some(Duration::from_secs(5));
    webhook.listening.handle.graceful_shutdown(limit);
    webhook.world.gate.add_permits(1);
    let (status, text) = asks.await.unwrap().expect("answered, not cut off");
    assert_eq!(
        (status, &response_of(&text)["allowed"]),
        (StatusCode::OK, &false.into())
    );
    let ended = timeout(Duration::from_secs(10), webhook.listening.task).await;
    ended.expect("it drains and ends").unwrap().unwrap();
}

/// The API server keeps its connections to a pod that is ending, and does not repeat what meets the
/// end of one.
#[tokio::test]
async fn an_ending_webhook_ends_each_connection_with_an_answer() {
    let webhook = Webhook::start();
    let mut kept = connect(webhook.address, &webhook.authority);
    let review = creation_by("payments-dev").to_string();
    let asked = spawn_blocking(move || {
        let mut ask = |head: &str| {
            let length = review.len();
            write!(
                kept,
                "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n{review}"
            )
            .unwrap();
            let mut answer = Vec::new();
            // Until the head is there; the body is left where it is.
            while !String::from_utf8_lossy(&answer).contains(head) {
                let mut some = [0; 4096];
                let read = kept.read(&mut some).unwrap();
                assert!(read > 0, "hung up: {}", String::from_utf8_lossy(&answer));
                answer.extend_from_slice(&some[..read]);
            }
            String::from_utf8_lossy(&answer).into_owned()
        };
        let first = ask("\r\n\r\n");
        assert!(
            !first.to_lowercase().contains("connection: close"),
            "{first}"
        );
        webhook.health.end();
        let last = ask("\r\n\r\n");
        assert!(
            last.starts_with("HTTP/1.1 200") && last.contains("connection: close"),
            "{last}"
        );
        let mut rest = Vec::new();
        let _ = kept.read_to_end(&mut rest);
    });
    asked.await.unwrap();
}
