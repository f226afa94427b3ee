use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use daap_crds::contract::{annotation, label};
use daap_webhook::{Decider, Health, PolicyFile, router};
use http::{Request, StatusCode, header};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::Table;

/// A runtime and the endpoints.
struct Service {
    runtime: tokio::runtime::Runtime,
    routes: Router,
}

thread_local! {
    static SERVICE: Service = Service::start();
}

impl Service {
    fn start() -> Self {
        let file = tempfile::NamedTempFile::new().expect("a file for the policy");
        std::fs::write(file.path(), "{}").expect("a policy");
        let policy = Arc::new(PolicyFile::open(file.path().to_owned()).expect("it is a policy"));
        let decider = Decider::new(policy, Arc::new(Table));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Self {
            runtime: runtime.expect("a runtime"),
            routes: router(decider, Arc::new(Health::default())),
        }
    }

    fn answer(&self, path: &str, body: &[u8]) -> (StatusCode, Vec<u8>) {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_vec()))
            .expect("a request");
        let routes = self.routes.clone();
        self.runtime.block_on(async {
            let Ok(response) = routes.oneshot(request).await;
            let status = response.status();
            let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            (status, bytes.expect("a body").to_vec())
        })
    }

    /// The response to a review, whose form is right whatever the review says.
    fn response(&self, path: &str, review: &Value) -> Value {
        let (status, bytes) = self.answer(path, &serde_json::to_vec(review).unwrap());
        assert_eq!(status, StatusCode::OK);
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(answer["kind"], "AdmissionReview");
        let response = answer["response"].clone();
        assert_eq!(
            response["uid"], review["request"]["uid"],
            "the uid is echoed"
        );
        let allowed = response["allowed"].as_bool().expect("yes or no");
        let patches = response.get("patch").is_some();
        assert!(allowed || !patches, "a denial with a patch: {response}");
        assert_eq!(patches, response.get("patchType").is_some());
        assert_eq!(allowed, response.get("status").is_none());
        if !allowed {
            let status = &response["status"];
            let code = status["code"].as_u64().unwrap_or_default();
            assert!(
                [403, 422, 503].contains(&code),
                "a panic, or no decision: {status}"
            );
            assert!(
                status["message"]
                    .as_str()
                    .is_some_and(|said| !said.is_empty())
            );
            assert!(status["reason"].is_string());
        }
        response
    }
}

/// A body that is posted to the webhook: no panic, the uid is echoed, never a denial with a patch,
/// the patch applies, what was mutated is not mutated again, and validation finds nothing wrong
/// with what mutation has written.
pub fn review(bytes: &[u8]) {
    SERVICE.with(|service| {
        let review = serde_json::from_slice::<Value>(bytes).ok();
        let uid = review
            .as_ref()
            .and_then(|review| review.pointer("/request/uid")?.as_str());
        match (&review, uid) {
            (Some(review), Some(uid)) if !uid.is_empty() => reviewed(service, review.clone()),
            // JSON that only the parser does not hold (too deep, too large a number): what no rule
            // looks at is passed over.
            (None, _) if is_json(bytes) => {
                for path in ["/mutate", "/validate"] {
                    let (status, _) = service.answer(path, bytes);
                    assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status));
                }
            }
            _ => {
                for path in ["/mutate", "/validate"] {
                    let (status, _) = service.answer(path, bytes);
                    assert_eq!(status, StatusCode::BAD_REQUEST);
                }
            }
        }
    });
}

fn is_json(bytes: &[u8]) -> bool {
    str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
}

fn reviewed(service: &Service, mut review: Value) {
    let validated = service.response("/validate", &review);
    assert!(
        validated.get("patch").is_none(),
        "validation changes nothing"
    );
    let mutated = service.response("/mutate", &review);
    let Some(object) = patched(&review, &mutated) else {
        return;
    };
    assert_ne!(review["request"]["operation"], "DELETE");
    review["request"]["object"] = object;
    let again = service.response("/mutate", &review);
    assert!(
        again.get("patch").is_none(),
        "{review} is changed again: {}",
        json!(patched(&review, &again))
    );
    let judged = service.response("/validate", &review);
    let causes = judged
        .pointer("/status/details/causes")
        .and_then(Value::as_array);
    for cause in causes.into_iter().flatten() {
        let field = cause["field"].as_str().unwrap_or_default();
        assert!(
            !is_ours(field),
            "mutation wrote what validation refuses: {cause} of {review}"
        );
    }
}

/// A good review of a creation: it is allowed as mutation completes it.
pub fn completes(review: &Value) {
    SERVICE.with(|service| {
        let mutated = service.response("/mutate", review);
        let mut review = review.clone();
        review["request"]["object"] = patched(&review, &mutated).expect("it is completed");
        let judged = service.response("/validate", &review);
        assert_eq!(judged["allowed"], true, "{judged} of {review}");
        reviewed(service, review);
    });
}

/// What mutation makes of the object, where it changes it.
fn patched(review: &Value, response: &Value) -> Option<Value> {
    let patch = base64::prelude::BASE64_STANDARD
        .decode(response.get("patch")?.as_str()?)
        .expect("base64");
    let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a JSON patch");
    let mut object = review["request"]["object"].clone();
    json_patch::patch(&mut object, &patch).expect("the patch applies");
    Some(object)
}

/// What mutation alone writes, whatever was there.
fn is_ours(field: &str) -> bool {
    let stamps = annotation::STAMPS.map(|key| format!("metadata.annotations[{key}]"));
    let passed_on = label::RECORD.map(|key| format!("spec.inheritedMetadata.labels[{key}]"));
    stamps.iter().chain(&passed_on).any(|one| one == field)
}
