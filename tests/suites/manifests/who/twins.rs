//! The policies that hold the core of a rule while the webhook is away. Where both refuse, whichever
//! policy comes first is all that the API server names, and that is chance; so the webhook is asked
//! alone here, and names every rule. What only a policy holds stays.

use std::time::Duration;

use daap_tests::ground::{CLUSTERS, Caller, Ground, JSON, MERGE, harness, payments};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::cases;

const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const TWINS: [&str; 4] = [
    "daap-immutable",
    "daap-naming",
    "daap-neighbours",
    "daap-ownership",
];

/// From now on, and once the API server has noticed.
pub(super) async fn unbind(ground: &Ground) {
    for name in TWINS {
        let path = format!("{BINDINGS}/{name}");
        let harness = harness();
        let deleted = harness.send(&ground.client, Method::DELETE, &path, JSON, None);
        let (status, answer) = deleted.await;
        assert_eq!(status, 200, "{answer}");
    }
    let deadline = Instant::now() + crate::ground::LIMIT;
    loop {
        let mut answered = None;
        for said in probes(ground).await {
            if said.contains("ValidatingAdmissionPolicy") {
                answered = Some(said);
            }
        }
        let Some(said) = answered else { return };
        assert!(Instant::now() < deadline, "a policy still answers: {said}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// What the API server says of a write that each of them refuses.
async fn probes(ground: &Ground) -> [String; TWINS.len()] {
    let cluster = |name: &str| cases::ungoverned(name);
    let renamed =
        json!({"metadata": {"labels": {"daap.dev/id": "0b3b1c7a-5f0e-4a86-9d53-2e4c8a3b7d11"}}});
    let mut misnamed = cluster("daap-probe");
    misnamed["metadata"]["labels"] =
        json!({"daap.dev/name": "other", "daap.dev/owner-team": "payments"});
    let mut neighbour = cluster("probe");
    neighbour["spec"]["inheritedMetadata"] = json!({"labels": {"cnpg.io/cluster": "daap-orders"}});
    let mut foreign = cluster("daap-probe");
    foreign["metadata"]["labels"] =
        json!({"daap.dev/name": "probe", "daap.dev/owner-team": "billing"});
    let collection = CLUSTERS.collection(&ground.namespace);
    let orders = ground.path(CLUSTERS, "daap-orders");
    let owner = payments();
    [
        said(ground, &owner, Method::PATCH, &orders, &renamed).await,
        said(ground, &owner, Method::POST, &collection, &misnamed).await,
        said(ground, &owner, Method::POST, &collection, &neighbour).await,
        said(ground, &owner, Method::POST, &collection, &foreign).await,
    ]
}

async fn said(ground: &Ground, by: &Caller, method: Method, path: &str, body: &Value) -> String {
    let content_type = if method == Method::PATCH { MERGE } else { JSON };
    let path = format!("{path}?dryRun=All");
    let sent = by.send(&ground.client, method, &path, content_type, Some(body));
    let (status, answer) = sent.await;
    assert!(status >= 400, "{path}: {answer}");
    answer["message"].as_str().unwrap_or_default().to_owned()
}
