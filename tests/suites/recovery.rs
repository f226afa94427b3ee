//! What brings a database back to what its record says: repair, diff, the undoing of a deletion;
//! and what gives it away or gives it up: transfer, and the purge of what has expired.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

const CLUSTER: &str = "cluster/daap-orders";
const TRY: &str = "--dry-run=server";

fn diff(place: &Place<'_>) -> (Option<i32>, String) {
    let output = place.plugin(User::PaymentsDev, &["diff", "orders"]);
    (output.status.code(), text(&output))
}

/// The last version of the history.
fn last_version(place: &Place<'_>) -> Value {
    let list = place.json(&["history", "orders", "-o", "json"]);
    list["items"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_somebody_removed_is_missed_and_comes_back() {
    let place = Place::shared("pooler-gone").await;
    place.create("orders", &[]);
    assert_eq!(diff(&place), (Some(0), String::new()));
    assert_eq!(
        place.done(&["repair", "orders"]),
        "database/orders unchanged\n"
    );
    assert_eq!(
        place.done(&["repair", "orders", "--dry-run"]),
        "database/orders unchanged (dry run)\n"
    );
    place.kubectl(&["delete", "pooler/daap-orders-pooler"], None);
    assert_eq!(
        place.state("orders"),
        ("error".into(), "pooler missing".into())
    );
    assert!(place.done(&["list"]).contains("pooler missing"));
    let (code, shown) = diff(&place);
    assert!(
        code == Some(1) && shown.contains("+kind: Pooler"),
        "{shown}"
    );
    for words in [&["repair", "orders"][..], &["repair", "orders", TRY]] {
        let refused = place.fails_by(User::BillingDev, words);
        assert!(refused.contains("team 'payments' owns it"), "{refused}");
    }
    let tried = place.plugin(User::PaymentsDev, &["repair", "orders", TRY]);
    let said = text(&tried);
    assert!(tried.status.success(), "{said}");
    assert!(said.contains("first step: creating the pooler"), "{said}");
    assert!(said.contains("repaired (server dry run)"), "{said}");
    assert!(place.done(&["list"]).contains("pooler missing"));
    assert_eq!(
        place.done(&["repair", "orders"]),
        "database/orders repaired\n"
    );
    assert_eq!(place.state("orders").0, "ready");
    assert_eq!(diff(&place).0, Some(0));
    let output = place.plugin(User::PaymentsDev, &["diff", "nothing"]);
    assert_eq!(output.status.code(), Some(2), "an error is no difference");
}

/// Admission never sees the garbage collector: who may act as it gets around the delete gate.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_was_removed_behind_our_back_is_missed() {
    let place = Place::shared("cluster-gone").await;
    place.create("orders", &["--wait=false"]);
    let collector = "system:serviceaccount:kube-system:generic-garbage-collector";
    let words = ["delete", CLUSTER, "--cascade=orphan", "--as", collector];
    place.kubectl(&words, None);
    let said = eventually("the pooler is left alone", || {
        let output = place.plugin(User::PaymentsDev, &["get", "orders"]);
        let said = text(&output);
        said.contains("cluster missing").then_some(said)
    })
    .await;
    assert!(said.contains("error"), "{said}");
    let listed = place.done(&["list", "--owner-team", "payments"]);
    assert!(listed.contains("cluster missing"), "{listed}");
    assert!(
        !place
            .done(&["list", "--owner-team", "billing"])
            .contains("orders")
    );
    let told = place.fails(&["repair", "orders"]);
    assert!(told.contains("removed behind our back"), "{told}");
}

/// The operator may write specs without us; it stands for whoever gets around admission.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_behind_the_back_of_admission_is_an_error_and_is_written_back() {
    let place = Place::shared("drift").await;
    place.create("orders", &["--storage", "1Gi"]);
    let behind = r#"{"spec":{"instances":2,"storage":{"size":"2Gi"}}}"#;
    let words = ["patch", CLUSTER, "--type", "merge", "-p", behind];
    place.kubectl_by(User::Operator, &words, None);
    let (state, reason) = place.state("orders");
    assert_eq!(state, "error");
    assert!(
        reason.contains("spec.instances is 2, the record says 1"),
        "{reason}"
    );
    let (code, shown) = diff(&place);
    assert_eq!(code, Some(1));
    assert!(
        shown.contains("-  instances: 2\n+  instances: 1"),
        "{shown}"
    );
    for (way, suffix) in [("--dry-run", "(dry run)"), (TRY, "(server dry run)")] {
        let tried = place.plugin(User::PaymentsDev, &["repair", "--all", way]);
        let said = text(&tried);
        assert!(tried.status.success(), "{said}");
        assert!(
            said.contains("first step: writing the cluster back"),
            "{said}"
        );
        assert!(said.contains(&format!("repaired {suffix}")), "{said}");
    }
    assert_eq!(diff(&place).0, Some(1), "nothing is written");
    let all = place.plugin(User::PaymentsDev, &["repair", "--all"]);
    let said = text(&all);
    assert!(all.status.success(), "{said}");
    assert!(said.contains("volumes never shrink") && said.contains("database/orders repaired"));
    assert_eq!(diff(&place), (Some(0), String::new()));
    let last = last_version(&place);
    assert_eq!(last["action"], "repaired");
    assert_eq!(last["record"]["storage"], "2Gi", "{last}");
    assert_eq!(last["record"]["instances"], 1, "{last}");
    place.done(&["history", "orders", "--verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_stopped_half_way_is_undone_with_its_rows() {
    let place = Place::shared("undo").await;
    place.create("orders", &[]);
    place.sql(
        "orders",
        "create table items (name text); insert into items values ('a book')",
    );
    let before = place.json(&["get", "orders", "-o", "json"]);
    assert!(
        place
            .fails(&["repair", "orders", "--abort"])
            .contains("nothing to undo")
    );
    // A volume that the deletion does not know keeps admission from letting the Cluster go.
    let uid = place.kubectl(&["get", CLUSTER, "-o", "jsonpath={.metadata.uid}"], None);
    let stray = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "stray", "ownerReferences": [
            {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "daap-orders", "uid": uid}]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    place.kubectl(&["create", "-f", "-"], Some(&stray));
    let refused = place.fails(&["delete", "orders", "--yes"]);
    assert!(refused.contains("volumes still belong to it"), "{refused}");
    let (state, reason) = place.state("orders");
    assert!(
        state == "error" && reason.starts_with("delete failed"),
        "{reason}"
    );
    assert!(place.fails(&["repair", "orders"]).contains("--abort"));
    assert!(
        !place.done(&["list", "--deleted"]).contains("orders"),
        "it lives"
    );
    // Waking it with its volumes detached would make it unrecoverable.
    let mut wake = place.sandbox.kubectl(User::PaymentsDev);
    wake.args(["annotate", CLUSTER, "-n", place.namespace]);
    wake.args(["daap.dev/pending-", "cnpg.io/hibernation-"]);
    let said = text(&run(&mut wake, None));
    assert!(said.contains("detached already"), "{said}");

    let tried = place.done(&["repair", "orders", "--abort", TRY]);
    assert_eq!(tried, "database/orders kept (server dry run)\n");
    assert!(place.fails(&["repair", "orders"]).contains("--abort"));
    assert_eq!(
        place.done(&["repair", "orders", "--abort"]),
        "database/orders kept\n"
    );
    assert_eq!(
        place.sql("orders", "select name from items").trim(),
        "a book"
    );
    let after = place.json(&["get", "orders", "-o", "json"]);
    assert_eq!(after["record"], before["record"]);
    assert_eq!(after["status"]["state"], "ready");
    assert!(!place.done(&["list", "--deleted"]).contains("orders"));
    place.kubectl(&["delete", "pvc/stray", "--wait=false"], None);
    assert_eq!(
        place.done(&["delete", "orders", "--yes"]),
        "database/orders deleted\n"
    );
    assert!(
        place
            .fails(&["repair", "orders", "--abort"])
            .contains("restore orders")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_offered_and_accepted_by_the_team_that_receives_it() {
    let place = Place::shared("offers").await;
    place.create("orders", &["--wait=false"]);
    let accept = ["transfer", "orders", "--accept"];
    let offered_to_nobody = place.fails_by(User::BillingDev, &accept);
    assert!(offered_to_nobody.contains("offered to nobody"));
    let by_another = place.fails_by(User::BillingDev, &["transfer", "orders", "--to", "billing"]);
    assert!(
        by_another.contains("team 'payments' owns it"),
        "{by_another}"
    );
    let offer = ["transfer", "orders", "--to", "billing"];
    assert_eq!(place.done(&offer), "database/orders offered to billing\n");
    assert_eq!(
        place.json(&["get", "orders", "-o", "json"])["record"]["offeredTo"],
        "billing"
    );
    assert!(
        place
            .fails_by(User::Outsider, &accept)
            .contains("may not act for that team")
    );
    assert_eq!(
        place.done(&["transfer", "orders", "--cancel"]),
        "database/orders offer withdrawn\n"
    );
    assert!(
        place
            .fails_by(User::BillingDev, &accept)
            .contains("offered to nobody")
    );
    place.done(&offer);
    let because = [&accept[..], &["--change-reason", "billing runs it"]].concat();
    assert_eq!(
        place.done_by(User::BillingDev, &because),
        "database/orders transferred\n"
    );
    let last = last_version(&place);
    assert_eq!(last["action"], "transferred");
    assert_eq!(last["by"], "billing-dev");
    assert_eq!(last["reason"], "billing runs it");
    let team = r"jsonpath={.metadata.labels.daap\.dev/owner-team}";
    for object in [CLUSTER, "pooler/daap-orders-pooler"] {
        assert_eq!(place.kubectl(&["get", object, "-o", team], None), "billing");
    }
    let refused = place.fails(&["update", "orders", "--purpose", "mine again"]);
    assert!(refused.contains("team 'billing' owns it"), "{refused}");
    // Who owns both needs nobody's acceptance.
    let back = ["transfer", "orders", "--to", "payments"];
    assert_eq!(
        place.done_by(User::Admin, &back),
        "database/orders transferred\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn data_is_kept_for_as_long_as_the_policy_says() {
    let place = Place::shared("retention").await;
    place.create("orders", &["--wait=false"]);
    eventually("a volume is ready", || {
        let status = r"jsonpath={.items[*].metadata.annotations.cnpg\.io/pvcStatus}";
        (place.kubectl(&["get", "pvc", "-o", status], None) == "ready").then_some(())
    })
    .await;
    let policy = json!({"data": {"policy.yaml": "retentionDays: 7"}}).to_string();
    let mut patch = place.sandbox.kubectl(User::Admin);
    patch.args(["patch", "configmap", "daap-policy", "-n", "daap-system"]);
    let patched = run(patch.args(["--type", "merge", "-p", &policy]), None);
    assert!(patched.status.success(), "{}", text(&patched));
    let before = jiff::Timestamp::now();
    place.done(&["delete", "orders", "--yes"]);
    let kept = place.json(&["get", "orders", "--deleted", "-o", "json"]);
    let until = kept["items"][0]["status"]["deletion"]["keptUntil"].as_str();
    let until: jiff::Timestamp = until.unwrap().parse().unwrap();
    let hours = until.duration_since(before).as_hours();
    assert!((7 * 24 - 1..=7 * 24 + 1).contains(&hours), "{kept}");
}

/// Says in a tombstone that its time is over.
fn expire(place: &Place<'_>, name: &str) {
    let selector = format!("daap.dev/name={name},daap.dev/deleted=true");
    let list = place.kubectl(&["get", "configmap", "-l", &selector, "-o", "json"], None);
    let list: Value = serde_json::from_str(&list).unwrap();
    let tombstone = list.pointer("/items/0/metadata").unwrap();
    let content = tombstone["annotations"]["daap.dev/tombstone"].as_str();
    let mut content: Value = serde_json::from_str(content.unwrap()).unwrap();
    content["until"] = "2026-01-01T00:00:00Z".into();
    let patch = json!({"metadata": {"annotations": {"daap.dev/tombstone": content.to_string()}}});
    let map = format!("configmap/{}", tombstone["name"].as_str().unwrap());
    let patch = patch.to_string();
    place.kubectl(&["patch", &map, "--type", "merge", "-p", &patch], None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_while_what_has_expired_is_purged_leaves_the_next_one_alone() {
    let place = Place::shared("expired-ctrl-c").await;
    for name in ["orders", "shop"] {
        place.create(name, &[]);
        place.done(&["delete", name, "--yes"]);
        expire(&place, name);
    }
    let mut command = place.sandbox.plugin_alone(User::Admin);
    command.args(["purge", "--expired", "--yes", "-n", place.namespace]);
    let mut purging = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(purging.stderr.take().unwrap()).lines();
    let begun = |line: &String| line.ends_with("making sure that nobody restores it");
    let line = lines.by_ref().map(Result::unwrap).find(begun).unwrap();
    assert!(line.contains("database/orders"), "{line}");
    kill_process(Pid::from_child(&purging), Signal::INT).unwrap();
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(purging.wait().unwrap().code(), Some(130), "{said:?}");
    let namespace = place.namespace;
    let told = [
        format!("error: {namespace}/orders: interrupted: making sure that nobody restores it"),
        format!("  not looked at any more: {namespace}/shop"),
    ];
    assert!(told.iter().all(|line| said.contains(line)), "{said:?}");
    let left = place.kubectl(&["get", "pvc", "-o", "name"], None);
    assert!(
        left.contains("daap-orders-1") && left.contains("daap-shop-1"),
        "{left}"
    );
    place.done(&["restore", "shop"]);
}

/// As the account of `manifests/purge`, with exactly its rights.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_is_purged_with_the_least_rights_that_work() {
    let place = Place::shared("expired").await;
    let manifests = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/purge/rbac.yaml");
    let mut apply = place.sandbox.kubectl(User::Admin);
    let applied = run(apply.args(["apply", "-f", manifests]), None);
    assert!(applied.status.success(), "{}", text(&applied));
    for name in ["orders", "shop"] {
        place.create(name, &[]);
        place.done(&["delete", name, "--yes"]);
    }
    expire(&place, "orders");

    let purge = [
        "purge",
        "--expired",
        "--yes",
        "--as",
        "system:serviceaccount:daap-system:daap-purge",
    ];
    let dry = [&purge[..], &["--dry-run"]].concat();
    assert_eq!(
        place.done_by(User::Admin, &dry),
        "database/orders purged (dry run)\n"
    );
    assert_eq!(
        place.done_by(User::Admin, &purge),
        "database/orders purged\n"
    );
    let left = place.kubectl(&["get", "pvc,secret", "-o", "name"], None);
    assert!(
        left.contains("daap-shop-1") && !left.contains("daap-orders"),
        "{left}"
    );
    assert!(
        place
            .fails(&["restore", "orders"])
            .contains("was destroyed")
    );
    assert_eq!(place.done_by(User::Admin, &purge), "");
    place.done(&["restore", "shop"]);
    eventually("shop is ready", || {
        (place.state("shop").0 == "ready").then_some(())
    })
    .await;
}
