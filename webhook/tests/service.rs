//! The service over a real TLS socket: what the API server may send, and what clients do that it
//! never would. Rules have their own tables; here the world answers from a table.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use daap_crds::admission::{Access, Answer, Caller, Question};
use daap_webhook::{
    Certificates, Decider, Health, Listening, Lookup, LookupError, PolicyFile, listen, router,
};
use futures::future::{BoxFuture, FutureExt};
use http::{Request, StatusCode, header};
use kube::client::Body;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";

/// A world in which payments-dev owns payments, nothing else lies about, `nobody` makes the
/// authorizer unreachable, and `panic` is a fault of ours.
struct Table;

impl Lookup for Table {
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>> {
        async move {
            match caller.user.as_str() {
                "nobody" => return Err(LookupError::TimedOut("subjectaccessreviews")),
                "panic" => panic!("a fault made for this test"),
                _ => {}
            }
            Ok(match question {
                Question::MayOwn { team, .. } => Answer::Access(Access {
                    allowed: caller.user == format!("{team}-dev"),
                    reason: String::new(),
                }),
                Question::MayAdminister { .. } => Answer::Access(Access {
                    allowed: false,
                    reason: String::new(),
                }),
                Question::VolumesOwnedBy { .. }
                | Question::UnderNames { .. }
                | Question::ClustersWithId { .. } => Answer::Objects(Vec::new()),
                _ => Answer::Object(None),
            })
        }
        .boxed()
    }
}

/// A webhook that listens on a free port, and who may be trusted to be it.
struct Webhook {
    address: SocketAddr,
    authority: Vec<u8>,
    health: Arc<Health>,
    listening: Listening,
    certificates: Arc<Certificates>,
    folder: tempfile::TempDir,
}

impl Webhook {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = issue(folder.path());
        let policy = folder.path().join("policy.yaml");
        std::fs::write(&policy, "{}").unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        let certificates = Arc::new(Certificates::open(certificate, key).unwrap());
        let policy = Arc::new(PolicyFile::open(policy).unwrap());
        let health = Arc::new(Health::default());
        let routes = router(Decider::new(policy, Arc::new(Table)), Arc::clone(&health));
        let loopback = "127.0.0.1:0".parse().unwrap();
        let listening = listen(loopback, &certificates, routes).unwrap();
        Self {
            address: listening.address,
            authority,
            health,
            listening,
            certificates,
            folder,
        }
    }

    fn client(&self) -> kube::Client {
        let url = format!("https://127.0.0.1:{}", self.address.port());
        let mut config = kube::Config::new(url.parse().unwrap());
        config.root_cert = Some(vec![self.authority.clone()]);
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }

    async fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> (StatusCode, String) {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body))
            .unwrap();
        let response = self.client().send(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn review(&self, path: &str, review: &Value) -> Value {
        let body = review.to_string().into_bytes();
        let (status, text) = self.post(path, "application/json", body).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["response"]["uid"], UID, "the uid is echoed");
        answer["response"].clone()
    }

    async fn ready(&self) -> StatusCode {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        self.client().send(request).await.unwrap().status()
    }
}

/// Writes a new certificate for loopback, and returns it: it signs itself.
fn issue(folder: &Path) -> Vec<u8> {
    let signed =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()])
            .unwrap();
    std::fs::write(folder.join("tls.crt"), signed.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), signed.signing_key.serialize_pem()).unwrap();
    signed.cert.der().to_vec()
}

fn review_of(user: &str, operation: &str, object: &Value, old: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": "postgresql.cnpg.io", "version": "v1", "kind": "Cluster"},
            "resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "clusters"},
            "name": "daap-shop", "namespace": "apps", "operation": operation,
            "userInfo": {"username": user, "groups": ["system:authenticated"]},
            "object": object, "oldObject": old, "dryRun": false, "options": null,
        },
    })
}

fn shop() -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-shop", "namespace": "apps",
            "labels": {"daap.dev/owner-team": "payments"},
            "annotations": {"daap.dev/purpose": "a shop"}},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}, "unknownToUs": {"kept": [1, 2.50]}},
    })
}

/// The object that a mutating answer makes of `object`.
fn patched(mut object: Value, response: &Value) -> Value {
    let patch = base64::prelude::BASE64_STANDARD
        .decode(response["patch"].as_str().expect("a patch"))
        .unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}

#[tokio::test]
async fn what_is_mutated_once_is_valid_and_not_mutated_again() {
    let webhook = Webhook::start();
    let create = review_of("payments-dev", "CREATE", &shop(), &Value::Null);
    let once = webhook.review("/mutate", &create).await;
    assert_eq!(
        (&once["allowed"], &once["patchType"]),
        (&json!(true), &json!("JSONPatch"))
    );
    let stored = patched(shop(), &once);
    assert_eq!(stored["spec"]["unknownToUs"], shop()["spec"]["unknownToUs"]);
    let again = review_of("payments-dev", "CREATE", &stored, &Value::Null);
    assert!(
        webhook
            .review("/mutate", &again)
            .await
            .get("patch")
            .is_none()
    );
    assert_eq!(webhook.review("/validate", &again).await["allowed"], true);
    // A DELETE is never patched.
    let delete = review_of("payments-dev", "DELETE", &Value::Null, &stored);
    assert!(
        webhook
            .review("/mutate", &delete)
            .await
            .get("patch")
            .is_none()
    );
}

#[tokio::test]
async fn invalid_is_422_by_causes_that_stand_alone_and_forbidden_is_403_by_one_message() {
    let webhook = Webhook::start();
    let mut bad = shop();
    bad["metadata"]["name"] = "daap-x".into();
    bad["spec"]["instances"] = 9.into();
    let stored = patched(
        bad.clone(),
        &webhook
            .review(
                "/mutate",
                &review_of("payments-dev", "CREATE", &bad, &Value::Null),
            )
            .await,
    );
    let denied = webhook
        .review(
            "/validate",
            &review_of("payments-dev", "CREATE", &stored, &Value::Null),
        )
        .await;
    let status = &denied["status"];
    assert_eq!(
        (&denied["allowed"], &status["code"], &status["reason"]),
        (&json!(false), &json!(422), &json!("Invalid"))
    );
    assert!(denied.get("patch").is_none());
    let causes = status["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 2, "{status}");
    assert_eq!(causes[1]["field"], "spec.instances");
    assert!(
        causes[1]["message"]
            .as_str()
            .unwrap()
            .contains("9 is not within 1–5")
    );

    let good = patched(
        shop(),
        &webhook
            .review(
                "/mutate",
                &review_of("outsider", "CREATE", &shop(), &Value::Null),
            )
            .await,
    );
    let forbidden = webhook
        .review(
            "/validate",
            &review_of("outsider", "CREATE", &good, &Value::Null),
        )
        .await;
    assert_eq!(forbidden["status"]["code"], 403);
    let message = forbidden["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("outsider") && message.contains("[ownership]"),
        "{message}"
    );
}

#[rstest]
#[case::authorizer_away("nobody", 503, "no answer within 2 s")]
#[case::fault_of_ours("panic", 500, "decision failed")]
#[tokio::test]
async fn what_cannot_be_decided_is_denied(
    #[case] user: &str,
    #[case] code: u16,
    #[case] why: &str,
) {
    let webhook = Webhook::start();
    let answer = webhook
        .review(
            "/validate",
            &review_of(user, "CREATE", &shop(), &Value::Null),
        )
        .await;
    assert_eq!(
        (&answer["allowed"], &answer["status"]["code"]),
        (&json!(false), &json!(code))
    );
    assert!(
        answer["status"]["message"].as_str().unwrap().contains(why),
        "{answer}"
    );
    // And the next request is answered as ever.
    let next = webhook
        .review(
            "/mutate",
            &review_of("payments-dev", "CREATE", &shop(), &Value::Null),
        )
        .await;
    assert_eq!(next["allowed"], true);
}

#[rstest]
#[case::other_resource(json!({"resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "backups"}}))]
#[case::other_group(json!({"resource": {"group": "example.com", "version": "v1", "resource": "clusters"}}))]
#[case::status(json!({"subResource": "status"}))]
#[case::connect(json!({"operation": "CONNECT"}))]
#[case::no_user(json!({"userInfo": null}))]
#[case::object_of_another_type(json!({"operation": 7}))]
#[tokio::test]
async fn what_no_rule_sends_here_is_denied_with_its_uid(#[case] change: Value) {
    let webhook = Webhook::start();
    let mut review = review_of("payments-dev", "CREATE", &shop(), &Value::Null);
    json_patch::merge(&mut review["request"], &change);
    for path in ["/mutate", "/validate"] {
        let answer = webhook.review(path, &review).await;
        assert_eq!(answer["allowed"], false, "{answer}");
    }
}

#[rstest]
#[case::no_json("application/json", "{".into(), StatusCode::BAD_REQUEST)]
#[case::no_review("application/json", "{}".into(), StatusCode::BAD_REQUEST)]
#[case::no_uid("application/json", r#"{"request":{"uid":""}}"#.into(), StatusCode::BAD_REQUEST)]
#[case::no_type("text/plain", "{}".into(), StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case::too_large("application/json", " ".repeat(7 * 1024 * 1024 + 1), StatusCode::PAYLOAD_TOO_LARGE)]
#[tokio::test]
async fn what_is_no_review_is_refused(
    #[case] kind: &str,
    #[case] body: String,
    #[case] expected: StatusCode,
) {
    let webhook = Webhook::start();
    let (status, text) = webhook.post("/validate", kind, body.into_bytes()).await;
    assert_eq!(status, expected, "{text}");
}

#[tokio::test]
async fn a_body_of_six_mebibytes_is_served() {
    let webhook = Webhook::start();
    let mut large = shop();
    large["spec"]["unknownToUs"] = "x".repeat(6 * 1024 * 1024).into();
    let answer = webhook
        .review(
            "/mutate",
            &review_of("payments-dev", "CREATE", &large, &Value::Null),
        )
        .await;
    assert_eq!(answer["allowed"], true);
}

#[tokio::test]
async fn silent_clients_hold_up_nobody() {
    let webhook = Webhook::start();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(
            tokio::net::TcpStream::connect(webhook.address)
                .await
                .unwrap(),
        );
    }
    let review = review_of("payments-dev", "CREATE", &shop(), &Value::Null);
    let asked = webhook.review("/mutate", &review);
    let answer = tokio::time::timeout(Duration::from_secs(3), asked)
        .await
        .expect("served meanwhile");
    assert_eq!(answer["allowed"], true);
    // The handshake has a time-out: the server hangs up by itself.
    let mut first = silent.remove(0);
    first.write_all(&[0x16]).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(15), first.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is closed");
}

#[tokio::test]
async fn a_new_certificate_is_served_without_a_refused_request() {
    let mut webhook = Webhook::start();
    let old = webhook.authority.clone();
    assert_eq!(webhook.ready().await, StatusCode::OK);
    // Half of a rotation: the pair does not match, and the last good one stays.
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
    webhook.authority = old;
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    assert!(
        webhook.client().send(request).await.is_err(),
        "the old one is served no more"
    );
}

#[tokio::test]
async fn an_ending_webhook_is_not_ready_but_serves_on() {
    let webhook = Webhook::start();
    webhook.health.end();
    assert_eq!(webhook.ready().await, StatusCode::SERVICE_UNAVAILABLE);
    let answer = webhook
        .review(
            "/mutate",
            &review_of("payments-dev", "CREATE", &shop(), &Value::Null),
        )
        .await;
    assert_eq!(answer["allowed"], true);
    webhook
        .listening
        .handle
        .graceful_shutdown(Some(Duration::from_secs(5)));
    let ended = tokio::time::timeout(Duration::from_secs(10), webhook.listening.task).await;
    ended.expect("it drains and ends").unwrap().unwrap();
}
