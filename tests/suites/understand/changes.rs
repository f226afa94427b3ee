//! What is done to a database that was ready, and to its record.

use daap_tests::place::{Place, eventually, text};
use daap_tests::sandbox::User;
use serde_json::json;

use crate::advice::{NAME, advises, explained, follow, ready, shows};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_a_ready_one_is_seen_and_undone_by_what_is_advised() {
    let place = Place::shared("understand-changes").await;
    place.create(NAME, &[]);
    let said = explained(&place, "none").await;
    advises(&said, "kubectl daap connect orders");

    // A parameter that is none: CNPG's Pooler stays active.
    let pooler = "poolers.postgresql.cnpg.io/daap-orders-pooler";
    let wrong = json!({"spec": {"pgbouncer": {"parameters": {"max_client_conn": "many"}}}});
    let patch = ["patch", pooler, "--type=merge", "-p", &wrong.to_string()];
    place.kubectl_by(User::PaymentsDev, &patch, None);
    place.kubectl(&["delete", "pods", "-l", "cnpg.io/poolerName"], None);
    let said = explained(&place, "pooler").await;
    shows(&said, "Pod/daap-orders-pooler-", "CrashLoopBackOff");
    shows(&said, "Pooler/daap-orders-pooler", "max_client_conn");
    follow(&place, &said, "kubectl patch");
    ready(&place).await;

    // The pooler itself.
    place.kubectl_by(User::PaymentsDev, &["delete", pooler], None);
    let said = explained(&place, "pooler").await;
    shows(&said, "Pooler/daap-orders-pooler", "not found");
    let got = text(&place.plugin(User::PaymentsDev, &["get", NAME]));
    assert!(
        got.contains("kubectl daap explain orders -n understand-changes"),
        "{got}"
    );
    follow(&place, &said, "kubectl daap repair");
    ready(&place).await;

    // Docked.
    let cluster = "clusters.postgresql.cnpg.io/daap-orders";
    let dock = ["annotate", cluster, "cnpg.io/hibernation=on", "--overwrite"];
    place.kubectl_by(User::PaymentsDev, &dock, None);
    let docked = eventually("it is docked", || {
        (place.state(NAME).1 == "docked").then_some(())
    });
    docked.await;
    let said = explained(&place, "hibernation").await;
    shows(
        &said,
        "Cluster/daap-orders",
        "condition cnpg.io/hibernation",
    );
    follow(&place, &said, "kubectl annotate");
    ready(&place).await;

    // Deleted.
    place.done(&["delete", NAME, "--yes"]);
    let said = explained(&place, "deleted").await;
    follow(&place, &said, "kubectl daap restore");
    ready(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_was_refused_or_cut_off() {
    let place = Place::shared("understand-pending").await;
    place.create(NAME, &[]);
    let cluster = "clusters.postgresql.cnpg.io/daap-orders";
    let pending = |error: Option<&str>| {
        let mut value =
            json!({"operation": "update", "step": "apply", "since": "2026-11-21T08:00:00Z"});
        if let Some(error) = error {
            value["error"] = error.into();
        }
        let set = format!("daap.dev/pending={value}");
        place.kubectl(&["annotate", cluster, &set, "--overwrite"], None);
    };
    pending(None);
    let said = explained(&place, "unfinished").await;
    shows(&said, "Cluster/daap-orders", "daap.dev/pending");
    pending(Some("spec.storage.size: 2Ti is above 1Ti [limits]"));
    let said = explained(&place, "denial").await;
    shows(&said, "Cluster/daap-orders", "above 1Ti");
    follow(&place, &said, "kubectl daap repair");
    ready(&place).await;
}
