//! Whatever a review holds: no panic, the uid echoed, never a denial with a patch, the patch
//! applies, and what was mutated is not mutated again.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use daap_crds::admission::Resource;
use daap_webhook::{Decider, Health, PolicyFile, router};
use http::{Request, StatusCode, header};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::webhook::{JSON, Table, creation_by, patched, response_of, shop};

/// Keys and texts that rules look at, and some that nobody expects.
const TEXTS: [&str; 28] = [
    "daap.dev/name",
    "daap.dev/owner-team",
    "daap.dev/id",
    "daap.dev/purpose",
    "daap.dev/history",
    "daap.dev/version",
    "daap.dev/created-at",
    "daap.dev/pending",
    "daap.dev/offered-to",
    "cnpg.io/hibernation",
    "metadata",
    "labels",
    "annotations",
    "ownerReferences",
    "deletionTimestamp",
    "spec",
    "instances",
    "storage",
    "size",
    "inheritedMetadata",
    "cluster",
    "name",
    "daap-shop",
    "shop",
    "payments",
    "67e55044-10b1-426f-9247-bb680e5fe0c8",
    "1Gi",
    "~1/é",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(&TEXTS[..]).prop_map(Value::from),
        ".{0,70}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof![4 => select(&TEXTS[..]).prop_map(str::to_owned), 1 => ".{0,9}"];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key, inner, 0..5).prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

/// A good Cluster in which one place is something else.
fn nearly_good() -> impl Strategy<Value = Value> {
    let places = [
        "",
        "/metadata",
        "/metadata/name",
        "/metadata/labels",
        "/metadata/annotations",
        "/metadata/labels/daap.dev~1owner-team",
        "/metadata/annotations/daap.dev~1purpose",
        "/spec",
        "/spec/instances",
        "/spec/storage",
        "/spec/storage/size",
        "/spec/probes/unknownToUs",
    ];
    (select(places.to_vec()), any_json()).prop_map(|(place, value)| {
        let mut object = shop();
        *object.pointer_mut(place).expect("it is there") = value;
        object
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    prop_oneof![3 => nearly_good(), 1 => any_json(), 1 => Just(shop()), 1 => Just(Value::Null)]
}

fn any_review() -> impl Strategy<Value = Value> {
    let users = vec!["payments-dev", "outsider", "nobody"];
    let operations = vec!["CREATE", "UPDATE", "DELETE"];
    let parts = (
        select(users),
        select(operations),
        select(&Resource::ALL[..]),
        any_object(),
        any_object(),
    );
    parts.prop_map(|(user, operation, resource, object, old)| {
        let named = resource.resource();
        let (plural, sub) = named.split_once('/').unwrap_or((named, ""));
        let mut review = creation_by(user);
        let request = &mut review["request"];
        request["operation"] = operation.into();
        request["resource"]["group"] = resource.group().into();
        request["resource"]["resource"] = plural.into();
        request["subResource"] = sub.into();
        request["object"] = object;
        request["oldObject"] = old;
        review
    })
}

fn service() -> Router {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{}").unwrap();
    let policy = Arc::new(PolicyFile::open(file.path().to_owned()).unwrap());
    let world = Arc::new(Table::default());
    router(Decider::new(policy, world), Arc::new(Health::default()))
}

async fn answer(service: &Router, path: &str, body: Vec<u8>) -> (StatusCode, String) {
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, JSON)
        .body(Body::from(body))
        .unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    (status, String::from_utf8(bytes.unwrap().to_vec()).unwrap())
}

async fn reviewed(service: &Router, path: &str, review: &Value) -> Value {
    let (status, text) = answer(service, path, review.to_string().into_bytes()).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let response = response_of(&text);
    let allowed = response["allowed"].as_bool().expect("yes or no");
    assert!(allowed || response.get("patch").is_none(), "{response}");
    assert!(
        allowed || response["status"]["message"].is_string(),
        "{response}"
    );
    assert_ne!(
        response["status"]["code"],
        json!(500),
        "a panic: {response}"
    );
    response
}

async fn holds(service: &Router, mut review: Value) {
    reviewed(service, "/validate", &review).await;
    let mutated = reviewed(service, "/mutate", &review).await;
    if mutated.get("patch").is_some() {
        assert_ne!(review["request"]["operation"], "DELETE");
        let object = review["request"]["object"].take();
        review["request"]["object"] = patched(object, &mutated);
        let again = reviewed(service, "/mutate", &review).await;
        assert!(
            again.get("patch").is_none(),
            "{review} is changed again: {again}"
        );
    }
}

fn run(future: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_review_is_answered_as_the_api_server_wants_it(review in any_review()) {
        run(holds(&service(), review));
    }

    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..200)) {
        run(async {
            let (status, _) = answer(&service(), "/validate", bytes).await;
            assert_eq!(status, StatusCode::BAD_REQUEST);
        });
    }

    #[test]
    fn any_request_is_answered_with_its_uid(mut request in any_json()) {
        if !request.is_object() {
            request = json!({});
        }
        request["uid"] = crate::webhook::UID.into();
        run(async {
            for path in ["/mutate", "/validate"] {
                reviewed(&service(), path, &json!({ "request": request })).await;
            }
        });
    }
}
