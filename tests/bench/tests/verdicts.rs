//! The baseline in Go is held to the webhook: the same verdict for every review of the corpus, and the
//! same object after every patch. Skipped where it is not built: `tests/bench/build.sh` builds it.
#![cfg(test)]

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use daap_bench::corpus::{Expected, Review, corpus};
use daap_bench::{ApiServer, kubeconfig};
use daap_webhook::{Bounds, Certificates, Decider, Health, KubeLookup, PolicyFile, listen, router};
use http::{Request, StatusCode, header};
use kube::client::Body;
use serde_json::Value;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Ends with the test.
struct Baseline {
    child: Child,
    address: SocketAddr,
}

impl Drop for Baseline {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program that `DAAP_BASELINE` names, or the one that is built beside ours.
fn program() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../bench/daap-baseline");
    let named = std::env::var_os("DAAP_BASELINE").map(PathBuf::from);
    Some(named.unwrap_or(built)).filter(|program| program.is_file())
}

impl Baseline {
    fn start(program: &Path, folder: &Path) -> Self {
        let free = TcpListener::bind(LOOPBACK).unwrap().local_addr().unwrap();
        let child = Command::new(program)
            .args(["--port", &free.port().to_string()])
            .args([Path::new("--cert-dir"), folder])
            .args([Path::new("--policy"), &folder.join("policy.yaml")])
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let baseline = Self {
            child: child.unwrap(),
            address: free,
        };
        let began = Instant::now();
        while std::net::TcpStream::connect(free).is_err() {
            assert!(began.elapsed() < Duration::from_mins(1), "it listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        baseline
    }
}

fn client(address: SocketAddr, authority: &[u8]) -> kube::Client {
    let url = format!("https://127.0.0.1:{}", address.port());
    let mut config = kube::Config::new(url.parse().unwrap());
    config.root_cert = Some(vec![authority.to_vec()]);
    config.default_retry = false;
    kube::Client::try_from(config).unwrap()
}

async fn response(client: &kube::Client, review: &Review) -> Value {
    let request = Request::post(review.path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(review.review.to_string().into_bytes()))
        .unwrap();
    let response = client.send(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect_bytes().await.unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert_eq!(status, StatusCode::OK, "{}: {text}", review.name);
    serde_json::from_slice::<Value>(&bytes).unwrap()["response"].take()
}

/// The object that the answer makes of the review's, where it changes it.
fn patched(review: &Review, response: &Value) -> Option<Value> {
    let patch = response.get("patch")?.as_str()?;
    let patch = base64::prelude::BASE64_STANDARD.decode(patch).unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    let mut object = review.review["request"]["object"].clone();
    json_patch::patch(&mut object, &patch).unwrap();
    Some(object)
}

/// What of an answer has to be the same: all but times of about now, and an id that is made up.
fn comparable(review: &Review, response: &Value) -> String {
    let (allowed, uid) = (&response["allowed"], &response["uid"]);
    assert_eq!(*uid, review.review["request"]["uid"], "{}", review.name);
    let object = patched(review, response);
    let said = match review.expected {
        Expected::Denied => (*allowed == false, object.is_none()),
        Expected::Allowed => (*allowed == true, object.is_none()),
        Expected::Patched => (*allowed == true, object.is_some()),
    };
    assert_eq!(said, (true, true), "{}: {response}", review.name);
    let status = &response["status"];
    let denial = ["code", "reason", "message", "details"].map(|key| &status[key]);
    let denial = (*allowed == false).then_some(denial);
    let made_up =
        { object.as_ref() }.and_then(|object| object["metadata"]["labels"]["daap.dev/id"].as_str());
    let made_up = made_up.filter(|id| !review.review.to_string().contains(id));
    let text = serde_json::to_string_pretty(&(denial, &response["warnings"], &object)).unwrap();
    let text = made_up.map_or(text.clone(), |id| text.replace(id, "ID"));
    let year = jiff::Timestamp::now().strftime("%Y-%m").to_string();
    let now = regex::Regex::new(&format!("{year}-[0-9]{{2}}T[0-9:.]+Z")).unwrap();
    now.replace_all(&text, "NOW").into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_baseline_decides_what_the_webhook_decides() {
    let Some(program) = program() else {
        println!("skipped: the baseline in Go is not built (tests/bench/build.sh builds it)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let signed = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(file("tls.crt"), signed.cert.pem()).unwrap();
    std::fs::write(file("tls.key"), signed.signing_key.serialize_pem()).unwrap();
    std::fs::write(file("policy.yaml"), include_str!("../policy.yaml")).unwrap();
    let made = corpus(jiff::Timestamp::now()).unwrap();
    std::fs::write(file("facts.json"), made.facts.to_string()).unwrap();
    let api = ApiServer::start(LOOPBACK, &file("facts.json"))
        .await
        .unwrap();
    std::fs::write(file("kubeconfig"), kubeconfig(api.address)).unwrap();

    let mut config = kube::Config::new(format!("http://{}", api.address).parse().unwrap());
    config.default_retry = false;
    let lookup = KubeLookup::new(kube::Client::try_from(config).unwrap());
    let policy = Arc::new(PolicyFile::open(file("policy.yaml")).unwrap());
    let routes = router(
        Decider::new(policy, Arc::new(lookup)),
        Arc::new(Health::default()),
    );
    let certificates = Arc::new(Certificates::open(file("tls.crt"), file("tls.key")).unwrap());
    let webhook = listen(
        LOOPBACK,
        &certificates,
        routes,
        Bounds::REVIEWS,
        &Arc::default(),
    )
    .unwrap();
    let baseline = Baseline::start(&program, folder.path());

    let authority = signed.cert.der().to_vec();
    let (ours, theirs) = (
        client(webhook.address, &authority),
        client(baseline.address, &authority),
    );
    // What ages is made anew, however long it takes to get here.
    let mut differing = Vec::new();
    let reviews = corpus(jiff::Timestamp::now()).unwrap().reviews;
    for review in &reviews {
        let (one, other) = tokio::join!(response(&ours, review), response(&theirs, review));
        let (one, other) = (comparable(review, &one), comparable(review, &other));
        if one != other {
            differing.push(format!(
                "{}\n--- webhook\n{one}\n--- baseline\n{other}",
                review.name
            ));
        }
    }
    println!("{} reviews decided by both", reviews.len());
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}
