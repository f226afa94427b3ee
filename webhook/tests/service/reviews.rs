//! Reviews as the API server sends them.

use serde_json::{Value, json};

use crate::webhook::{Webhook, creation_by, forget_unknown, patched, review_of, shop};

#[tokio::test]
async fn what_is_mutated_once_is_valid_and_not_mutated_again() {
    let webhook = Webhook::start();
    let create = creation_by("payments-dev");
    let once = webhook.review("/mutate?timeout=5s", &create).await;
    assert_eq!(
        (&once["allowed"], &once["patchType"]),
        (&json!(true), &json!("JSONPatch"))
    );
    let stored = patched(shop(), &once);
    assert_eq!(stored["spec"]["probes"], shop()["spec"]["probes"]);
    let again = review_of("payments-dev", "CREATE", &stored, &Value::Null);
    let twice = webhook.review("/mutate", &again).await;
    assert!(twice.get("patch").is_none(), "{twice}");
    assert_eq!(webhook.review("/validate", &again).await["allowed"], true);
    // An update of nothing stays one.
    let update = review_of("payments-dev", "UPDATE", &stored, &stored);
    let updated = webhook.review("/mutate", &update).await;
    assert!(updated.get("patch").is_none(), "{updated}");
    // A DELETE is never patched.
    let delete = review_of("payments-dev", "DELETE", &Value::Null, &stored);
    let deleted = webhook.review("/mutate", &delete).await;
    assert!(deleted.get("patch").is_none(), "{deleted}");
}

#[tokio::test]
async fn a_patch_reaches_keys_with_slashes_and_parents_that_are_missing() {
    let webhook = Webhook::start();
    let mut bare = shop();
    bare["metadata"] = json!({"name": "daap-shop", "namespace": "apps"});
    let create = review_of("payments-dev", "CREATE", &bare, &Value::Null);
    let stored = patched(bare, &webhook.review("/mutate", &create).await);
    assert_eq!(stored["metadata"]["labels"]["daap.dev/name"], "shop");
    assert_eq!(
        stored["metadata"]["annotations"]["daap.dev/created-by"],
        "payments-dev"
    );
}

#[tokio::test]
async fn the_mutating_half_leaves_denials_to_the_validating_one() {
    let webhook = Webhook::start();
    let bad = json!({"metadata": {"name": "daap-x", "labels": {"a": "b"}}, "spec": "none"});
    let create = review_of("outsider", "CREATE", &bad, &Value::Null);
    assert_eq!(webhook.review("/mutate", &create).await["allowed"], true);
    assert_eq!(webhook.review("/validate", &create).await["allowed"], false);
}

#[tokio::test]
async fn what_is_not_ours_passes_untouched() {
    let webhook = Webhook::start();
    let other = json!({"metadata": {"name": "theirs", "namespace": "apps"}, "spec": {}});
    let create = review_of("panic", "CREATE", &other, &Value::Null);
    for path in ["/mutate", "/validate"] {
        let answer = webhook.review(path, &create).await;
        let uid = crate::webhook::UID;
        assert_eq!(answer, json!({"uid": uid, "allowed": true}));
    }
}

#[tokio::test]
async fn invalid_is_422_by_causes_that_stand_alone() {
    let webhook = Webhook::start();
    let mut bad = shop();
    bad["metadata"]["name"] = "daap-x".into();
    bad["spec"]["instances"] = 9.into();
    forget_unknown(&mut bad);
    let create = review_of("payments-dev", "CREATE", &bad, &Value::Null);
    let stored = patched(bad, &webhook.review("/mutate", &create).await);
    let create = review_of("payments-dev", "CREATE", &stored, &Value::Null);
    let denied = webhook.review("/validate", &create).await;
    let status = &denied["status"];
    assert_eq!(
        (&denied["allowed"], &status["code"], &status["reason"]),
        (&json!(false), &json!(422), &json!("Invalid"))
    );
    assert!(denied.get("patch").is_none());
    let details = &status["details"];
    assert_eq!(
        (&details["group"], &details["kind"], &details["name"]),
        (
            &json!("postgresql.cnpg.io"),
            &json!("Cluster"),
            &json!("daap-shop")
        )
    );
    let causes = details["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 2, "{status}");
    assert_eq!(causes[1]["field"], "spec.instances");
    let message = causes[1]["message"].as_str().unwrap();
    assert!(message.contains("9 is not within 1–5"), "{message}");
}

#[tokio::test]
async fn forbidden_is_403_by_one_message_that_says_all() {
    let webhook = Webhook::start();
    let made = webhook.review("/mutate", &creation_by("outsider")).await;
    let mut stored = patched(shop(), &made);
    stored["spec"]["instances"] = 9.into();
    let create = review_of("outsider", "CREATE", &stored, &Value::Null);
    let forbidden = webhook.review("/validate", &create).await;
    let status = &forbidden["status"];
    assert_eq!(
        (&status["code"], &status["reason"]),
        (&json!(403), &json!("Forbidden"))
    );
    let message = status["message"].as_str().unwrap();
    for part in ["outsider", "[ownership]", "[limits]"] {
        assert!(message.contains(part), "{message}");
    }
}
