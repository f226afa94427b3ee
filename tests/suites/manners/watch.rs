//! `--watch`: every change that is seen, until Ctrl-C.

use daap_tests::following::Following;
use daap_tests::place::Place;
use daap_tests::sandbox::User;

fn start(place: &Place<'_>, words: &[&str]) -> Following {
    let mut plugin = place.sandbox.plugin(User::PaymentsDev);
    Following::start(plugin.args(words).args(["-n", place.namespace]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_followed_from_creation_to_deletion() {
    let place = Place::shared("followed").await;
    place.create("orders", &[]);
    let watch = start(&place, &["list", "-w"]);
    watch.line(&["NAME", "STATE"]);
    watch.line(&["orders", "ready"]);
    let later = start(&place, &["list", "--watch-only", "--output-watch-events"]);
    place.create("stock", &[]);
    watch.line(&["stock", "provisioning"]);
    watch.line(&["stock", "ready"]);
    // How far the other is when it begins to watch is not known.
    let first = later.line(&["payments"]);
    assert!(
        first.contains("stock"),
        "nothing of what was there before: {first}"
    );
    if !first.contains("ready") {
        later.line(&["MODIFIED", "stock", "ready"]);
    }
    place.done(&["delete", "orders", "--yes"]);
    watch.line(&["orders", "deleting"]);
    watch.line(&["orders", "deleted"]);
    later.line(&["DELETED", "orders"]);
    assert_eq!(
        watch.interrupt(),
        Some(2),
        "as kubectl: by the signal, 130 in a shell"
    );
    assert_eq!(later.interrupt(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_is_followed_as_documents() {
    let place = Place::shared("document").await;
    place.create("orders", &[]);
    let format = "jsonpath={.metadata.name} {.spec.storage} {.record.version}{\"\\n\"}";
    let watch = start(&place, &["get", "orders", "-w", "-o", format]);
    let json = start(&place, &["get", "orders", "-w", "-o", "json"]);
    watch.line(&["orders 10Gi 1"]);
    json.line(&["\"version\": 1"]);
    place.done(&["update", "orders", "--purpose", "returns as well"]);
    watch.line(&["orders 10Gi 2"]);
    json.line(&["\"version\": 2"]);
    assert!(place.fails(&["get", "stock", "-w"]).contains("not found"));
}
