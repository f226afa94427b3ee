//! Random writes against a real API server with the webhook on: any verb, by anybody, to everything
//! that admission guards, with any field of the real CRDs. RBAC allows all of it.
//!
//! `DAAP_RANDOM_SEED` repeats a run, `DAAP_RANDOM_WRITES` and `DAAP_RANDOM_SECONDS` bound it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it tried"
)]

mod edit;
mod generate;
mod kept;
mod random;
mod run;
mod schema;
mod tally;
mod words;
mod write;

use http::Method;
use serde_json::json;

use crate::kept::Records;
use crate::run::{Floor, Run};
use crate::write::Verb;
use daap_tests::ground::Caller;
use daap_tests::ground::{CLUSTERS, Kind, VOLUMES};
use daap_tests::ground::{Ground, billing, payments};

/// What the account of an instance may do with its own Cluster is no attack.
fn is_granted(caller: &Caller, verb: Verb, kind: Kind) -> bool {
    let own = caller.user.ends_with(":daap-orders");
    own && (kind.plural == "backups" || (kind == CLUSTERS && verb == Verb::Status))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_changes_what_a_database_is_whose_it_is_or_what_its_history_says() {
    let ground = Ground::lay("random-others").await;
    let account = |name| Caller::account(&ground.namespace, name);
    let callers = [
        Caller::user("outsider", None),
        billing(),
        account("daap-ledger"),
        account("daap-orders"),
        account("default"),
    ];
    let before = kept::databases(&ground).await;
    assert!(
        before.len() > 12,
        "there is something to change: {before:?}"
    );
    let mut run = Run::of(&ground, &callers).await;
    while let Some(sequence) = run
        .sequence(|write| !is_granted(&write.caller, write.verb, write.kind))
        .await
    {
        let after = kept::databases(&ground).await;
        run.holds(&sequence, &kept::differences(&before, &after));
    }
    run.report(&Floor {
        done: 2,
        denied: 40,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_owner_leaves_a_history_that_does_not_verify_or_a_record_without_an_id() {
    let ground = Ground::lay("random-owners").await;
    let callers = [payments(), payments(), payments(), billing()];
    let mut records = Records::default();
    assert_eq!(records.check(&ground).await, [""; 0]);
    let mut run = Run::of(&ground, &callers).await;
    while let Some(sequence) = run.sequence(|_| true).await {
        let wrong = records.check(&ground).await;
        run.holds(&sequence, &wrong);
    }
    run.report(&Floor {
        done: 10,
        denied: 15,
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_volume_is_no_way_to_its_metadata() {
    let ground = Ground::lay("volume-status").await;
    let path = format!("{}/status", ground.path(VOLUMES, "daap-orders-1"));
    let merge = "application/merge-patch+json";
    let owner =
        json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "nobody"}]);
    for patch in [
        // Whose owner does not exist is destroyed by the garbage collector.
        json!({"metadata": {"ownerReferences": owner}}),
        json!({"metadata": {"labels": {"daap.dev/id": null}}}),
        json!({"metadata": {"finalizers": null}}),
    ] {
        for caller in [Caller::user("outsider", None), billing()] {
            let (status, answer) = caller
                .send(&ground.client, Method::PATCH, &path, merge, Some(&patch))
                .await;
            let said = answer["message"].as_str().unwrap_or_default();
            assert!(
                status == 403 && said.contains("[retained]"),
                "{status} {answer}"
            );
        }
    }
    // What controllers write there passes.
    let phase = json!({"status": {"phase": "Lost"}});
    let outsider = Caller::user("outsider", None);
    let (status, answer) = outsider
        .send(&ground.client, Method::PATCH, &path, merge, Some(&phase))
        .await;
    assert_eq!(status, 200, "{answer}");
}
