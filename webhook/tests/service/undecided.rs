//! What cannot be decided is denied with its uid; what is no review at all is refused by a status.

use http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::webhook::{JSON, UID, Webhook, creation_by};

#[rstest]
#[case::authorizer_away("nobody", 503, "no answer within 2 s; nothing was written, try again")]
#[case::fault_of_ours("panic", 500, "decision failed")]
#[case::never_decided("slow", 503, "no decision in time")]
#[tokio::test]
async fn what_cannot_be_decided_is_denied(
    #[case] user: &str,
    #[case] code: u16,
    #[case] why: &str,
) {
    let webhook = Webhook::start();
    let review = creation_by(user);
    let answer = webhook.review("/validate?timeout=1s", &review).await;
    assert_eq!(
        (&answer["allowed"], &answer["status"]["code"]),
        (&json!(false), &json!(code))
    );
    let message = answer["status"]["message"].as_str().unwrap();
    assert!(message.contains(why), "{message}");
    assert!(answer.get("patch").is_none());
    // Nothing of it goes on, and the next request is answered as ever.
    webhook.waiting(0).await;
    let next = webhook
        .review("/mutate", &creation_by("payments-dev"))
        .await;
    assert_eq!(next["allowed"], true);
}

#[rstest]
#[case::other_resource(json!({"resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "imagecatalogs"}}))]
#[case::other_group(json!({"resource": {"group": "example.com", "version": "v1", "resource": "clusters"}}))]
#[case::status(json!({"subResource": "status"}))]
#[case::connect(json!({"operation": "CONNECT"}))]
#[case::lower_case(json!({"operation": "create"}))]
#[case::no_user(json!({"userInfo": null}))]
#[case::no_resource(json!({"resource": null}))]
#[case::operation_of_another_type(json!({"operation": 7}))]
#[case::groups_of_another_type(json!({"userInfo": {"username": "x", "groups": "y"}}))]
#[case::labels_of_another_type(json!({"object": {"metadata": {"labels": 7}}}))]
#[tokio::test]
async fn what_no_rule_sends_here_is_denied_with_its_uid(#[case] change: Value) {
    let webhook = Webhook::start();
    let mut review = creation_by("payments-dev");
    json_patch::merge(&mut review["request"], &change);
    for path in ["/mutate", "/validate"] {
        let answer = webhook.review(path, &review).await;
        assert_eq!(answer["allowed"], false, "{answer}");
        assert!(answer["status"]["message"].is_string());
    }
}

#[rstest]
#[case::empty(JSON, String::new(), StatusCode::BAD_REQUEST)]
#[case::no_json(JSON, "{".into(), StatusCode::BAD_REQUEST)]
#[case::too_deep(JSON, "[".repeat(40_000), StatusCode::BAD_REQUEST)]
#[case::too_many_values(JSON, format!("[{}1]", "1,".repeat(50_000)), StatusCode::PAYLOAD_TOO_LARGE)]
#[case::no_review(JSON, "{}".into(), StatusCode::BAD_REQUEST)]
#[case::no_uid(JSON, r#"{"request":{"uid":""}}"#.into(), StatusCode::BAD_REQUEST)]
#[case::no_text_as_uid(JSON, r#"{"request":{"uid":7}}"#.into(), StatusCode::BAD_REQUEST)]
#[case::no_type("text/plain", "{}".into(), StatusCode::UNSUPPORTED_MEDIA_TYPE)]
#[case::too_large(JSON, " ".repeat(7 * 1024 * 1024 + 1), StatusCode::PAYLOAD_TOO_LARGE)]
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
async fn a_review_without_anything_else_still_hears_its_uid() {
    let webhook = Webhook::start();
    let bare = json!({"request": {"uid": UID}});
    assert_eq!(webhook.review("/validate", &bare).await["allowed"], false);
}
