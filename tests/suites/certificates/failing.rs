//! Look-ups that fail, one by one, by a proxy between webhook and API server; what both sides count
//! of it; and what the API server counts when nobody answers it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use daap_tests::proxy::{Broken, Proxy, forward};
use daap_tests::sandbox::User;
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::json;

use crate::ground::Ground;
use crate::slow::{create, is_created};

/// How a look-up ends.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Says(StatusCode),
    HangsUp,
    /// The answer is cut short.
    Nonsense,
}

const FAILURES: [Failure; 5] = [
    Failure::Says(StatusCode::INTERNAL_SERVER_ERROR),
    Failure::Says(StatusCode::FORBIDDEN),
    Failure::Says(StatusCode::TOO_MANY_REQUESTS),
    Failure::HangsUp,
    Failure::Nonsense,
];

impl Failure {
    fn answer(self) -> Result<Response<Body>, Broken> {
        let (code, body) = match self {
            Self::HangsUp => return Err(Broken),
            Self::Nonsense => (StatusCode::OK, r#"{"kind":"List","items":["#.to_owned()),
            Self::Says(code) => {
                let status = json!({"apiVersion": "v1", "kind": "Status", "status": "Failure",
                    "code": code.as_u16(), "reason": "Made", "message": "made for this test"});
                (code, status.to_string())
            }
        };
        let mut answer = Response::new(Body::from(body.into_bytes()));
        *answer.status_mut() = code;
        Ok(answer)
    }
}

/// Paths that were looked at for reviews, and the one that fails now.
#[derive(Default)]
struct Asked {
    paths: BTreeSet<String>,
    fails: Option<(String, Failure)>,
}

async fn proxy(client: Client, asked: Arc<Mutex<Asked>>) -> Proxy {
    Proxy::start(move |request: Request<Body>| {
        let (client, asked) = (client.clone(), Arc::clone(&asked));
        async move {
            let path = request.uri().path().to_owned();
            let is_look_up =
                path.contains("/namespaces/apps/") || path.ends_with("/subjectaccessreviews");
            let failure = {
                let mut asked = asked.lock().unwrap();
                if is_look_up {
                    asked.paths.insert(path.clone());
                }
                { asked.fails.as_ref() }
                    .filter(|(wanted, _)| *wanted == path)
                    .map(|(_, failure)| *failure)
            };
            match failure {
                Some(failure) => failure.answer(),
                None => forward(&client, request).await,
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_look_up_is_a_denial_and_not_no_match() {
    let _shared = crate::ALONE.read().await;
    let mut ground = Ground::new(&[]).await;
    let asked: Arc<Mutex<Asked>> = Arc::default();
    let webhook = ground.sandbox.client(User::Webhook).await;
    let proxy = proxy(webhook, Arc::clone(&asked)).await;
    ground.reach_by(&proxy.kubeconfig());
    ground.start_replicas(1).await;
    let owner = ground.sandbox.client(User::PaymentsDev).await;
    let (answer, _) = create(&owner, "payments").await;
    assert!(is_created(&answer), "{answer}");
    let paths = asked.lock().unwrap().paths.clone();
    println!("looked at: {paths:#?}");
    assert!(paths.len() > 5, "{paths:?}");
    let mut refused = 0;
    for path in &paths {
        for failure in FAILURES {
            asked.lock().unwrap().fails = Some((path.clone(), failure));
            // Who may act for the team is remembered for a moment: of somebody else it is asked.
            let team = format!("payments-{refused}");
            let (answer, _) = create(&owner, &team).await;
            let said = answer["message"].as_str().unwrap_or_default();
            assert!(
                said.contains("could not look up") && said.contains("nothing was written"),
                "{path} {failure:?}: {answer}"
            );
            refused += 1;
        }
    }
    asked.lock().unwrap().fails = None;
    let (answer, _) = create(&owner, "payments").await;
    assert!(
        is_created(&answer),
        "nothing of it was remembered: {answer}"
    );
    println!("{refused} refused");
    what_was_decided_is_counted(&mut ground, refused).await;
}

async fn what_was_decided_is_counted(ground: &mut Ground, refused: usize) {
    let stranger = ground.sandbox.client(User::BillingDev).await;
    let (answer, _) = create(&stranger, "payments").await;
    assert!(
        answer["message"].to_string().contains("[ownership]"),
        "{answer}"
    );
    let text = ground.replicas[0].metrics().await;
    let reviews = |half: &str, verdict: &str| {
        let labels =
            format!(r#"half="{half}",operation="CREATE",resource="clusters",verdict="{verdict}""#);
        counted(&text, "daap_webhook_requests_total", &[&labels])
    };
    assert_eq!(
        reviews("mutate", "patched"),
        reviews("validate", "allowed")
            + reviews("validate", "denied")
            + reviews("validate", "failed")
    );
    assert_eq!(reviews("validate", "allowed"), 2);
    assert_eq!(reviews("validate", "denied"), 1);
    assert_eq!(
        reviews("mutate", "failed") + reviews("validate", "failed"),
        refused
    );
    let rule = [r#"half="validate",rule="ownership""#];
    assert_eq!(counted(&text, "daap_webhook_denials_total", &rule), 1);
    // A denial is no fault for the API server; that nobody answers is.
    assert_eq!(faults(ground).await, 0);
    ground.balancer.replicas.lock().unwrap().clear();
    ground.replicas.clear();
    let (answer, _) = create(&stranger, "billing").await;
    assert!(
        answer["message"]
            .to_string()
            .contains("failed calling webhook"),
        "{answer}"
    );
    assert_eq!(faults(ground).await, 1);
}

/// The sum of a metric's series whose labels contain all of these.
fn counted(text: &str, metric: &str, labels: &[&str]) -> usize {
    let series = text.lines().filter_map(|line| line.strip_prefix(metric));
    let wanted = series.filter(|line| labels.iter().all(|label| line.contains(label)));
    let values = wanted.filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<usize>().unwrap()).sum()
}

/// What the alert `DaapWebhookUnreachable` sums up.
async fn faults(ground: &Ground) -> usize {
    let alerts = include_str!("../../../manifests/overlays/prometheus/alerts.yaml");
    let metric = "apiserver_admission_webhook_rejection_count";
    assert!(alerts.contains(&format!(
        r#"{metric}{{name=~".*\\.admission\\.daap\\.dev", error_type!="no_error"}}"#
    )));
    let client = ground.sandbox.client(User::Harness).await;
    let request = Request::get("/metrics").body(Vec::new()).unwrap();
    let text = client.request_text(request).await.unwrap();
    let of_ours: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(r#".admission.daap.dev""#))
        .filter(|line| !line.contains(r#"error_type="no_error""#))
        .collect();
    counted(&of_ours.join("\n"), metric, &[])
}
