//! An API server that takes its time to say who may act for a team: a proxy between it and the
//! webhook holds up `SubjectAccessReviews`, and nothing else.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use daap_tests::proxy::{Proxy, forward};
use daap_tests::sandbox::User;
use http::Request;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::ground::Ground;

const HELD: &str = "billing-dev";

/// Reviews of access that name [`HELD`] wait until `slow` is false.
async fn proxy(client: Client, slow: watch::Receiver<bool>) -> Proxy {
    Proxy::start(move |request: Request<Body>| {
        let (client, mut slow) = (client.clone(), slow.clone());
        async move {
            if !request.uri().path().ends_with("/subjectaccessreviews") {
                return forward(&client, request).await;
            }
            let (head, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap_or_default();
            if String::from_utf8_lossy(&body).contains(HELD) {
                // The sender lives as long as the test.
                let _ = slow.wait_for(|slow| !slow).await;
            }
            let request = Request::from_parts(head, Body::from(body.to_vec()));
            forward(&client, request).await
        }
    })
    .await
}

/// Creates a database without storing it; what is answered, and after how long.
pub(crate) async fn create(client: &Client, team: &str) -> (Value, Duration) {
    let cluster = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-slow", "labels": {"daap.dev/owner-team": team},
            "annotations": {"daap.dev/purpose": "a test"}},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}},
    });
    post(client, &cluster).await
}

async fn post(client: &Client, cluster: &Value) -> (Value, Duration) {
    let path = "/apis/postgresql.cnpg.io/v1/namespaces/apps/clusters?dryRun=All";
    let request = Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Body::from(cluster.to_string().into_bytes()))
        .unwrap();
    let began = Instant::now();
    let answer = client.send(request).await.unwrap();
    let body = answer.into_body().collect_bytes().await.unwrap();
    (serde_json::from_slice(&body).unwrap(), began.elapsed())
}

/// What the API server says when it is too late even for a denial: only where a machine has much else to
/// do, as the webhook answers before.
const GIVEN_UP: &str = "context deadline exceeded";

fn is_undecided(answer: &Value) -> bool {
    let said = answer["message"].as_str().unwrap_or_default();
    said.contains("could not look up subjectaccessreviews: no answer within 2 s")
        && said.contains("nothing was written, try again")
}

/// How long it takes until a write passes. On a machine with much else to do the API server takes its
/// time by itself; but nobody who is held up by others would get through soon.
async fn served(write: impl AsyncFn() -> (Value, Duration)) -> Duration {
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        let (answer, _) = write().await;
        if is_created(&answer) {
            return began.elapsed();
        }
        let said = answer["message"].to_string();
        assert!(
            said.contains("no answer within 2 s") || said.contains(GIVEN_UP),
            "{answer}"
        );
    }
    panic!("not served within {:?}", began.elapsed());
}

pub(crate) fn is_created(answer: &Value) -> bool {
    answer["kind"] == "Cluster"
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_authorizer_is_refused_in_time_and_holds_up_nobody() {
    let _shared = crate::ALONE.read().await;
    let mut ground = Ground::new(&[]).await;
    let (slow, held) = watch::channel(true);
    let webhook = ground.sandbox.client(User::Webhook).await;
    let proxy = proxy(webhook, held).await;
    ground.reach_by(&proxy.kubeconfig());
    ground.start_replicas(1).await;
    let billing = ground.sandbox.client(User::BillingDev).await;
    let payments = ground.sandbox.client(User::PaymentsDev).await;
    // As many as one team may well send at once, again and again.
    let over = AtomicBool::new(false);
    let waiting = async {
        let mut refused = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let several = (0..10).map(|_| create(&billing, "billing"));
            refused.extend(futures::future::join_all(several).await);
        }
        refused
    };
    let others = async {
        let legacy = json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "legacy"},
            "spec": {"instances": 1, "storage": {"size": "1Gi"}},
        });
        let mut slowest = served(async || post(&billing, &legacy).await).await;
        for _ in 0..10 {
            slowest = slowest.max(served(async || create(&payments, "payments").await).await);
        }
        over.store(true, Ordering::Relaxed);
        slowest
    };
    let (refused, slowest) = futures::join!(waiting, others);
    let (mut longest, mut given_up) = (Duration::ZERO, 0);
    for (answer, took) in &refused {
        if is_undecided(answer) {
            longest = longest.max(*took);
        } else {
            assert!(answer["message"].to_string().contains(GIVEN_UP), "{answer}");
            given_up += 1;
        }
    }
    println!(
        "{} refused, the last after {longest:.1?}, and {given_up} given up by the API server; the \
         others served within {slowest:.1?}",
        refused.len() - given_up
    );
    assert!(given_up < refused.len(), "the webhook says why");
    // The error was not remembered: as soon as the authorizer answers, so do we.
    slow.send_replace(false);
    served(async || create(&billing, "billing").await).await;
}
