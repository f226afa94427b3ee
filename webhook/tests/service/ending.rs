//! Ending without a lost request.

use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;

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
