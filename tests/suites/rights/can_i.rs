//! `can-i`: decided before it is tried, as it is decided when it is tried.

use daap_tests::place::{Place, eventually, text};
use daap_tests::sandbox::User;
use serde_json::Value;

use crate::ground::sandbox;

/// The verdict, and what was printed.
fn asked(place: &Place<'_>, user: User, words: &[&str]) -> (bool, String) {
    let words = [&["can-i"], words].concat();
    let output = place.plugin(user, &words);
    let said = text(&output);
    let yes = said.starts_with("yes\n");
    assert!(yes || said.starts_with("no\n"), "{words:?}: {said}");
    assert_eq!(
        output.status.code(),
        Some(i32::from(!yes)),
        "{words:?}: {said}"
    );
    (yes, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_or_the_binding_that_decides_is_named() {
    let place = Place::of(sandbox().await, "can-i").await;
    place.create("orders", &[]);
    let of = |user, words: &[&str]| asked(&place, user, words);

    for verb in ["update", "delete", "transfer", "rollback", "repair"] {
        let (yes, said) = of(User::PaymentsDev, &[verb, "orders"]);
        assert!(yes, "{verb}: {said}");
        assert!(
            said.contains(r#"RoleBinding "own-payments/can-i""#),
            "{said}"
        );
        let (yes, said) = of(User::BillingDev, &[verb, "orders"]);
        assert!(!yes, "{verb}: {said}");
        assert!(
            said.contains("team 'payments' owns it") && said.contains("[ownership]"),
            "{said}"
        );
    }
    // What everybody may, an owner or not.
    for verb in ["get", "list", "history", "connect"] {
        assert!(of(User::Outsider, &[verb, "orders"]).0, "{verb}");
    }
    let (yes, said) = of(User::PaymentsDev, &["delete", "nowhere"]);
    assert!(
        !yes && said.contains("not found") && said.contains("[state]"),
        "{said}"
    );
    let (yes, said) = of(
        User::PaymentsDev,
        &["create", "orders", "--owner-team", "payments"],
    );
    assert!(!yes && said.contains("exists already"), "{said}");
    let (yes, said) = of(
        User::PaymentsDev,
        &["create", "shop", "--owner-team", "billing"],
    );
    assert!(!yes && said.contains("[ownership]"), "{said}");
    let (yes, said) = of(
        User::PaymentsDev,
        &["create", "shop", "--owner-team", "payments"],
    );
    assert!(yes, "{said}");
    let (yes, said) = of(User::Outsider, &["create"]);
    assert!(!yes && said.contains("owns no team"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_creates_what_is_not_there_and_changes_what_is() {
    let place = Place::of(sandbox().await, "can-i-apply").await;
    place.create("orders", &["--wait=false"]);
    let of = |words: &[&str]| asked(&place, User::PaymentsDev, &[&["apply"], words].concat());
    for words in [
        &["shop"][..],
        &["shop", "--owner-team", "payments"],
        &["orders"],
        &["orders", "--owner-team", "payments"],
    ] {
        let (yes, said) = of(words);
        assert!(yes, "{words:?}: {said}");
    }
    for name in ["shop", "orders"] {
        let (yes, said) = of(&[name, "--owner-team", "billing"]);
        assert!(!yes && said.contains("[ownership]"), "{name}: {said}");
    }
    let (yes, said) = asked(&place, User::Outsider, &["apply", "shop"]);
    assert!(!yes && said.contains("owns no team"), "{said}");
    let (yes, said) = asked(&place, User::BillingDev, &["apply", "orders"]);
    assert!(!yes && said.contains("team 'payments' owns it"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_offered_a_database_may_accept_it() {
    let place = Place::of(sandbox().await, "can-i-accept").await;
    place.create("orders", &["--wait=false"]);
    let accept = ["transfer", "orders", "--accept"];
    let (yes, said) = asked(&place, User::BillingDev, &accept);
    assert!(!yes && said.contains("is offered to nobody"), "{said}");
    place.done(&["transfer", "orders", "--to", "billing"]);
    let (yes, said) = asked(&place, User::BillingDev, &accept);
    assert!(
        yes && said.contains(r#"RoleBinding "own-billing/can-i-accept""#),
        "{said}"
    );
    for user in [User::PaymentsDev, User::Outsider] {
        let (yes, said) = asked(&place, user, &accept);
        assert!(!yes && said.contains("[ownership]"), "{said}");
    }
    let output = place.plugin(User::BillingDev, &["can-i", "update", "orders", "--accept"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_is_asked_of_its_tombstone() {
    let place = Place::of(sandbox().await, "can-i-deleted").await;
    place.create("orders", &[]);
    place.done(&["delete", "orders", "--yes"]);
    for verb in ["restore", "purge"] {
        let (yes, said) = asked(&place, User::PaymentsDev, &[verb, "orders"]);
        assert!(yes, "{verb}: {said}");
        let (yes, said) = asked(&place, User::BillingDev, &[verb, "orders"]);
        assert!(
            !yes && said.contains("may not act for that team"),
            "{verb}: {said}"
        );
    }
    // The data that is kept is in the way of another database of the name.
    let words = ["create", "orders", "--owner-team", "billing"];
    let (yes, said) = asked(&place, User::BillingDev, &words);
    assert!(!yes && said.contains("[name-gate]"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_the_same_of_others() {
    let place = Place::of(sandbox().await, "can-i-as").await;
    place.create("orders", &[]);
    let as_billing = ["update", "orders", "--as", "eve", "--as-group", "billing"];
    let viewer = [
        "create",
        "rolebinding",
        "viewers",
        "--clusterrole=daap-viewer",
        "--user=eve",
    ];
    place.kubectl(&viewer, None);
    // The authorizer is a moment behind.
    let said = eventually("eve sees whose it is", || {
        let (yes, said) = asked(&place, User::Admin, &as_billing);
        assert!(!yes, "{said}");
        said.contains("eve may not act for that team")
            .then_some(said)
    })
    .await;
    // A viewer changes nothing, an owner or not.
    assert!(
        said.contains("eve may not patch clusters.postgresql.cnpg.io"),
        "{said}"
    );
    assert!(said.contains("[rbac]"), "{said}");

    let output = place.plugin(
        User::PaymentsDev,
        &["can-i", "update", "orders", "-o", "json"],
    );
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["status"]["allowed"], true);
    assert_eq!(
        document["status"]["authorizer"][0]["right"],
        "own teams.daap.dev/payments"
    );

    let list = place.done(&["can-i", "--list"]);
    assert!(
        list.contains("payments") && list.contains("own-payments/can-i-as"),
        "{list}"
    );
    let list = place.done_by(User::Outsider, &["can-i", "--list", "-o", "json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["status"]["teams"], serde_json::json!([]));
    let output = place.plugin(User::PaymentsDev, &["can-i", "dance"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}
