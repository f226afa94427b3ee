//! What the plain port shows: metrics, health, and a readiness that is proved by a handshake.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use http::StatusCode;

use crate::program::Program;
use crate::webhook::{JSON, creation_by, issue, issue_until, post, until};

/// The status and the body of a GET.
fn get(address: SocketAddr, path: &str) -> (StatusCode, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

#[tokio::test]
async fn what_is_decided_is_counted_without_names() {
    let program = Program::serve(0);
    let review = creation_by("payments-dev");
    let mut odd = review.clone();
    odd["request"]["operation"] = "CONNECT-4711".into();
    odd["request"]["resource"]["resource"] = "clusters-4711".into();
    for review in [review, odd] {
        let body = review.to_string().into_bytes();
        post(&program.client, "/validate", JSON, body)
            .await
            .unwrap();
    }
    post(&program.client, "/mutate", JSON, b"{}".to_vec())
        .await
        .unwrap();
    let (status, text) = get(program.plain, "/metrics");
    assert_eq!(status, StatusCode::OK);
    for line in [
        // Its API server is away.
        r#"daap_webhook_requests_total{half="validate",operation="CREATE",resource="clusters",verdict="failed"} 1"#,
        r#"daap_webhook_requests_total{half="validate",operation="other",resource="other",verdict="failed"} 1"#,
        r#"daap_webhook_requests_total{half="mutate",operation="other",resource="other",verdict="refused"} 1"#,
        r#"daap_webhook_latency_seconds_count{half="validate",operation="CREATE",verdict="failed"} 1"#,
        r#"le="0.0001","#,
        r#"daap_webhook_requests_in_flight{half="validate"} 0"#,
        "daap_webhook_panics_total 0",
        "daap_webhook_connections 1",
        "daap_webhook_policy_generation 1",
        "daap_webhook_policy_last_reload_successful 1",
        "daap_webhook_policy_last_reload_success_timestamp_seconds ",
        "daap_webhook_policy_reload_failures_total 0",
        r#"daap_webhook_subjectaccessreview_latency_seconds_count{outcome=""#,
        r#"daap_webhook_certificate_expiry_timestamp_seconds{certificate="leaf"} "#,
        r#"daap_webhook_certificate_not_before_timestamp_seconds{certificate="leaf"} "#,
        "process_resident_memory_bytes ",
        "# EOF",
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
    for free in ["daap-shop", "payments", "apps", "4711"] {
        assert!(!text.contains(free), "{free} in\n{text}");
    }
}

#[tokio::test]
async fn a_certificate_that_stays_bad_is_counted_again_and_again() {
    let program = Program::serve(0);
    let failures = || {
        let (_, text) = get(program.plain, "/metrics");
        let count = text
            .lines()
            .find_map(|line| line.strip_prefix("daap_webhook_certificate_failures_total "));
        count.unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(failures(), 0);
    std::fs::write(program.folder.path().join("tls.key"), "nonsense").unwrap();
    // Each look, of which there is one every 2 s.
    until("it is counted twice", || failures() > 1).await;
    issue(program.folder.path());
    until("what is good is served", || {
        get(program.plain, "/metrics")
            .1
            .contains("certificate_changes_total 1")
    })
    .await;
    let counted = failures();
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(failures(), counted, "what is good is no failure");
}

#[tokio::test]
async fn readiness_is_a_handshake_with_what_is_served_now() {
    let program = Program::serve(0);
    assert_eq!(get(program.plain, "/healthz").0, StatusCode::OK);
    assert_eq!(get(program.plain, "/readyz"), (StatusCode::OK, "ok".into()));
    // A certificate that ended, as when whoever rotates it is gone.
    issue_until(program.folder.path(), 2020);
    let waits = std::time::Instant::now();
    let text = loop {
        let (status, text) = get(program.plain, "/readyz");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            break text;
        }
        assert!(waits.elapsed().as_secs() < 20, "{text}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(text.contains("Expired"), "{text}");
    // Nothing is restarted for that.
    assert_eq!(get(program.plain, "/healthz").0, StatusCode::OK);
    let (status, _) = get(program.plain, "/validate");
    assert_eq!(status, StatusCode::NOT_FOUND, "no review is taken in plain");
}

#[tokio::test]
async fn a_client_that_says_nothing_on_the_plain_port_is_hung_up_on() {
    let program = Program::serve(0);
    let mut silent = TcpStream::connect(program.plain).unwrap();
    let limit = std::time::Duration::from_secs(30);
    silent.set_read_timeout(Some(limit)).unwrap();
    silent.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    assert_eq!(
        get(program.plain, "/healthz").0,
        StatusCode::OK,
        "meanwhile"
    );
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).expect("the server hangs up");
}
