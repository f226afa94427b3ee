//! A webhook that listens, and a world that answers from a table.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use daap_crds::admission::{Access, Answer, Caller, Question};
use daap_webhook::{
    Bounds, Certificates, Decider, Health, Listening, Lookup, LookupError, PolicyFile, listen,
    router,
};
use futures::future::{BoxFuture, FutureExt};
use http::{Request, StatusCode, header};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub(crate) const UID: &str = "705ab4f5-6393-11e8-b7cc-42010a800002";
pub(crate) const JSON: &str = "application/json";

/// A world in which payments-dev owns payments, and nothing else lies about. `nobody` makes the
/// authorizer unreachable, `panic` is a fault of ours, `slow` waits for the gate.
pub(crate) struct Table {
    pub(crate) gate: Semaphore,
    /// Held by every decision that waits for the gate.
    pub(crate) waiting: Arc<()>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            gate: Semaphore::new(0),
            waiting: Arc::default(),
        }
    }
}

impl Lookup for Table {
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>> {
        async move {
            match caller.user.as_str() {
                // One question of several, so that who waits can be counted.
                "slow" if !matches!(question, Question::MayOwn { .. }) => {}
                "nobody" => return Err(LookupError::TimedOut("subjectaccessreviews")),
                "panic" => panic!("a fault made for this test"),
                "slow" => {
                    let _waiting = Arc::clone(&self.waiting);
                    let _through = self.gate.acquire().await;
                }
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
                | Question::Naming { .. }
                | Question::ClustersWithId { .. } => Answer::Objects(Vec::new()),
                _ => Answer::Object(None),
            })
        }
        .boxed()
    }
}

/// A webhook that listens on a free port, and who may be trusted to be it.
pub(crate) struct Webhook {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Vec<u8>,
    pub(crate) health: Arc<Health>,
    pub(crate) listening: Listening,
    pub(crate) certificates: Arc<Certificates>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) world: Arc<Table>,
}

impl Webhook {
    pub(crate) fn start() -> Self {
        Self::bounded(Bounds::REVIEWS)
    }

    pub(crate) fn bounded(bounds: Bounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = issue(folder.path());
        let policy = folder.path().join("policy.yaml");
        std::fs::write(&policy, "{}").unwrap();
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        let certificates = Arc::new(Certificates::open(certificate, key).unwrap());
        let policy = Arc::new(PolicyFile::open(policy).unwrap());
        let health = Arc::new(Health::default());
        let world = Arc::new(Table::default());
        let decider = Decider::new(policy, Arc::clone(&world) as Arc<dyn Lookup>);
        let routes = router(decider, Arc::clone(&health));
        let loopback = "127.0.0.1:0".parse().unwrap();
        let listening = listen(loopback, &certificates, routes, bounds, &Arc::default()).unwrap();
        Self {
            address: listening.address,
            authority,
            health,
            listening,
            certificates,
            folder,
            world,
        }
    }

    pub(crate) fn client(&self) -> kube::Client {
        client(self.address, &self.authority)
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, String) {
        post(&self.client(), path, kind, body).await.unwrap()
    }

    pub(crate) async fn review(&self, path: &str, review: &Value) -> Value {
        let (status, text) = self.post(path, JSON, review.to_string().into_bytes()).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        response_of(&text)
    }

    pub(crate) async fn ready(&self) -> StatusCode {
        ready(&self.client()).await.unwrap()
    }

    /// Until `count` decisions wait for the gate.
    pub(crate) async fn waiting(&self, count: usize) {
        until("decisions wait at the gate", || {
            Arc::strong_count(&self.world.waiting) == count + 1
        })
        .await;
    }
}

pub(crate) fn client(address: SocketAddr, authority: &[u8]) -> kube::Client {
    let url = format!("https://127.0.0.1:{}", address.port());
    let mut config = kube::Config::new(url.parse().unwrap());
    config.root_cert = Some(vec![authority.to_vec()]);
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

pub(crate) async fn post(
    client: &kube::Client,
    path: &str,
    kind: &str,
    body: impl Into<Body>,
) -> kube::Result<(StatusCode, String)> {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, kind)
        .body(body.into())
        .unwrap();
    let response = client.send(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect_bytes().await?;
    Ok((status, String::from_utf8(bytes.to_vec()).unwrap()))
}

pub(crate) async fn ready(client: &kube::Client) -> kube::Result<StatusCode> {
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    Ok(client.send(request).await?.status())
}

/// The response of a review, which always carries the uid.
pub(crate) fn response_of(text: &str) -> Value {
    let answer: Value = serde_json::from_str(text).unwrap();
    assert_eq!(answer["response"]["uid"], UID, "the uid is echoed");
    answer["response"].clone()
}

/// Until it holds, for at most ten seconds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waits = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), waits).await;
    assert!(waited.is_ok(), "{what}");
}

/// Writes a new certificate for loopback, and returns it: it signs itself.
pub(crate) fn issue(folder: &Path) -> Vec<u8> {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let signed = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("tls.crt"), signed.cert.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), signed.signing_key.serialize_pem()).unwrap();
    signed.cert.der().to_vec()
}

/// Writes a certificate for loopback that ended with that year.
pub(crate) fn issue_until(folder: &Path, year: i32) {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(year, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 12, 31);
    let key = rcgen::KeyPair::generate().unwrap();
    let signed = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("tls.crt"), signed.pem()).unwrap();
    std::fs::write(folder.join("tls.key"), key.serialize_pem()).unwrap();
}

pub(crate) fn review_of(user: &str, operation: &str, object: &Value, old: &Value) -> Value {
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

pub(crate) fn shop() -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-shop", "namespace": "apps",
            "labels": {"daap.dev/owner-team": "payments"},
            "annotations": {"daap.dev/purpose": "a shop"}},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}, "probes": {"unknownToUs": {"kept": [1, 2.50]}}},
    })
}

/// Without what no rule allows: the mutating half keeps it, the validating one refuses it.
pub(crate) fn forget_unknown(cluster: &mut Value) {
    cluster["spec"]
        .as_object_mut()
        .unwrap()
        .remove("unknownToUs");
}

/// A review of the creation of [`shop`] by `user`.
pub(crate) fn creation_by(user: &str) -> Value {
    review_of(user, "CREATE", &shop(), &Value::Null)
}

/// The object that a mutating answer makes of `object`.
pub(crate) fn patched(mut object: Value, response: &Value) -> Value {
    let patch = base64::prelude::BASE64_STANDARD
        .decode(response["patch"].as_str().expect("a patch"))
        .unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}
