//! The history of a record, and the way back: through the real kubectl, with and without the
//! webhook.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::{Duration, Instant};

use daap_tests::place::{Place, text};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use serde_json::{Value, json};

/// Creates `orders`, and does not wait for it.
fn create(place: &Place<'_>) {
    place.create("orders", &["--wait=false"]);
}

/// Runs the plugin and expects it to work: stdout and stderr.
fn both(place: &Place<'_>, words: &[&str]) -> (String, String) {
    let output = place.plugin(User::PaymentsDev, words);
    assert!(output.status.success(), "{words:?}: {}", text(&output));
    let utf8 = |bytes| String::from_utf8(bytes).unwrap();
    (utf8(output.stdout), utf8(output.stderr))
}

fn listed(place: &Place<'_>, more: &[&str]) -> Vec<Value> {
    let list = place.json(&[&["history", "orders", "-o", "json"], more].concat());
    assert_eq!(list["kind"], "List");
    list["items"].as_array().unwrap().clone()
}

/// Writes annotations of the Cluster as a cluster administrator.
fn annotate(place: &Place<'_>, pairs: &Value) {
    let patch = json!({"metadata": {"annotations": pairs}}).to_string();
    let words = ["patch", "cluster/daap-orders", "--type=merge", "-p", &patch];
    place.kubectl(&words, None);
}

/// What the rows of a type 2 dimension always are.
fn assert_tiles(versions: &[Value]) {
    for (pair, version) in versions.windows(2).zip(1..) {
        assert_eq!(pair[0]["version"], version);
        assert_eq!(pair[0]["effectiveTo"], pair[1]["effectiveFrom"]);
        assert_eq!(pair[0]["isCurrent"], false);
    }
    let last = versions.last().unwrap();
    assert_eq!(last["effectiveTo"], "9999-12-31T00:00:00Z");
    assert_eq!(last["isCurrent"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_a_version_and_an_earlier_one_comes_back_as_a_new_one() {
    let place = Place::shared("versions").await;
    create(&place);
    let purpose = "orders and returns";
    place.done(&["update", "orders", "--purpose", purpose]);
    let more = ["--instances", "3", "--change-reason", "black friday"];
    place.done(&[&["update", "orders"], &more[..]].concat());
    let table = place.done(&["history", "orders"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert!(lines[0].starts_with("VERSION   ACTION"), "{table}");
    assert!(
        lines[3].contains("instances 1→3") && lines[3].ends_with("black friday"),
        "{table}"
    );

    // What would be done is said, and a dry run does not do it.
    for way in ["--dry-run=client", "--dry-run=server"] {
        let (said, aside) = both(&place, &["rollback", "orders", "--to", "1", way]);
        assert!(
            said.starts_with("database/orders rolled back to version 1 ("),
            "{said}"
        );
        let effect = "instances 3→1, purpose \"orders and returns\"→\"for a test\"";
        assert!(aside.contains(effect), "{aside}");
        assert_eq!(listed(&place, &[]).len(), 3);
    }
    let back = ["rollback", "orders", "--to", "1", "--change-reason", "over"];
    assert_eq!(
        place.done(&back),
        "database/orders rolled back to version 1\n"
    );
    assert_eq!(place.done(&back), "database/orders unchanged\n");
    let versions = listed(&place, &[]);
    assert_tiles(&versions);
    assert_eq!(versions.len(), 4);
    let last = &versions[3];
    assert_eq!(
        (&last["action"], &last["reason"], &last["by"]),
        (
            &json!("rolled-back"),
            &json!("over"),
            &json!("payments-dev")
        )
    );
    assert_eq!(last["record"], versions[0]["record"]);
    let pending = r"jsonpath={.metadata.annotations.daap\.dev/pending}";
    assert_eq!(
        place.kubectl(&["get", "cluster/daap-orders", "-o", pending], None),
        ""
    );
    assert_eq!(
        place.done(&["history", "orders", "--verify"]),
        "database/orders: history consistent, 4 versions\n"
    );

    let said = place.fails(&["rollback", "orders", "--to", "9"]);
    assert!(
        said.contains("--to: there is no version 9; there are versions 1 to 4"),
        "{said}"
    );
    let said = place.fails(&["rollback", "orders", "--to", "two"]);
    assert!(said.contains("--to: 'two' is no version"), "{said}");
    let said = place.fails(&["rollback", "nothing", "--to", "1"]);
    assert!(said.contains("database/nothing not found"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_shown_as_it_was_at_any_time() {
    let place = Place::shared("then").await;
    create(&place);
    place.done(&["update", "orders", "--purpose", "orders and returns"]);
    let versions = listed(&place, &[]);
    for version in &versions {
        let from = version["effectiveFrom"].as_str().unwrap();
        let then = place.done(&["history", "orders", "--at", from, "-o", "json"]);
        assert_eq!(&serde_json::from_str::<Value>(&then).unwrap(), version);
    }
    let now = place.done(&["history", "orders", "--at", "0s"]);
    assert!(now.contains("orders and returns"), "{now}");
    for (at, message) in [
        ("1h", "it did not exist at"),
        ("2999-01-01", "lies in the future"),
        ("soon", "--at: 'soon' is no time in the past; write it as"),
    ] {
        let said = place.fails(&["history", "orders", "--at", at]);
        assert!(said.contains(message), "{said}");
    }
    let said = place.fails(&["history", "nothing"]);
    assert!(said.contains("nor a deleted one of that name"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_database_keeps_its_history_and_every_generation_its_own() {
    let place = Place::shared("generations").await;
    create(&place);
    let first = listed(&place, &[])[0]["id"].as_str().unwrap().to_owned();
    place.done(&["delete", "orders", "--yes", "--purge", "--force"]);
    let versions = listed(&place, &[]);
    assert_tiles(&versions);
    assert_eq!(versions[1]["action"], "deleted");
    assert_eq!(versions[1]["isDeleted"], true);
    let (shown, aside) = both(&place, &["history", "orders", "--at", "0s"]);
    assert!(shown.contains("for a test"), "{shown}");
    assert!(
        aside.contains("was deleted then, by payments-dev"),
        "{aside}"
    );
    let (verified, _) = both(&place, &["history", "orders", "--verify"]);
    assert_eq!(
        verified,
        "database/orders (deleted): history consistent, 2 versions\n"
    );
    let said = place.fails(&["rollback", "orders", "--to", "1"]);
    assert!(said.contains("not found"), "{said}");

    create(&place);
    let (_, aside) = both(&place, &["history", "orders"]);
    assert!(
        aside.contains("--id shows others") && aside.contains(&first),
        "{aside}"
    );
    assert_eq!(listed(&place, &[]).len(), 1);
    assert_eq!(listed(&place, &["--id", &first[..13]]).len(), 2);
    let said = place.fails(&["history", "orders", "--id", "nonsense"]);
    assert!(
        said.contains("no id begins with 'nonsense'") && said.contains(&first),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_acts_for_both_teams_goes_back_to_another_team() {
    let place = Place::shared("teams-back").await;
    create(&place);
    let transfer = ["update", "orders", "--owner-team", "billing"];
    assert!(place.plugin(User::Admin, &transfer).status.success());
    let back = ["rollback", "orders", "--to", "1"];
    let said = place.fails_by(User::BillingDev, &back);
    assert!(
        said.contains("database/orders not rolled back")
            && said.contains("team 'payments' owns it, and billing-dev may not act")
            && said.contains("version 1 belonged to team 'payments'"),
        "{said}"
    );
    let said = place.fails(&back);
    assert!(said.contains("team 'billing' owns it"), "{said}");
    assert_eq!(listed(&place, &[]).len(), 2);
    let output = place.plugin(User::Admin, &back);
    assert!(output.status.success(), "{}", text(&output));
    for object in ["cluster/daap-orders", "pooler/daap-orders-pooler"] {
        let team = r"jsonpath={.metadata.labels.daap\.dev/owner-team}";
        assert_eq!(
            place.kubectl(&["get", object, "-o", team], None),
            "payments"
        );
    }
    let versions = listed(&place, &[]);
    assert_tiles(&versions);
    assert_eq!(versions[2]["action"], "transferred");
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_stays_where_the_version_had_less() {
    let place = Place::shared("storage-back").await;
    create(&place);
    let more = ["--storage", "12Gi", "--purpose", "orders and returns"];
    place.done(&[&["update", "orders"], &more[..]].concat());
    let (said, aside) = both(&place, &["rollback", "orders", "--to", "1"]);
    assert_eq!(said, "database/orders rolled back to version 1\n");
    assert!(
        aside.contains("its storage stays 12Gi: version 1 had 10Gi, and volumes never shrink"),
        "{aside}"
    );
    let record = listed(&place, &[])[2]["record"].clone();
    assert_eq!(
        (&record["storage"], &record["purpose"]),
        (&json!("12Gi"), &json!("for a test"))
    );
    let (said, aside) = both(&place, &["rollback", "orders", "--to", "1"]);
    assert_eq!(said, "database/orders unchanged\n");
    assert!(aside.contains("its storage stays 12Gi"), "{aside}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_was_killed_is_finished_without_another_version() {
    let place = Place::shared("killed-back").await;
    create(&place);
    place.done(&["update", "orders", "--purpose", "orders and returns"]);
    // As it is right after the patch: the values are there, and pending says what is open.
    let pending = r#"{"operation":"rollback","step":"finish","since":"2026-11-21T08:00:00Z"}"#;
    annotate(
        &place,
        &json!({"daap.dev/pending": pending, "daap.dev/purpose": "for a test"}),
    );
    assert_eq!(listed(&place, &[]).len(), 3);
    let document = place.done(&["get", "orders", "-o", "json"]);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_ne!(document["status"]["state"], "ready");
    place.done(&["rollback", "orders", "--to", "1"]);
    let versions = listed(&place, &[]);
    assert_eq!(versions.len(), 3);
    assert_eq!(versions[2]["action"], "rolled-back");

    // Another operation that is not finished goes first.
    let pending = r#"{"operation":"create","step":"apply-pooler","since":"2026-11-21T08:00:00Z"}"#;
    annotate(&place, &json!({"daap.dev/pending": pending}));
    let said = place.fails(&["rollback", "orders", "--to", "2"]);
    assert!(
        said.contains("the create of database/orders is not finished")
            && said.contains("kubectl daap create orders"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_webhook_vouched_for_is_told_and_what_does_not_fit_is_found() {
    let sandbox = Sandbox::start_with(SandboxOptions::bare()).await.unwrap();
    let place = Place::of(&sandbox, "unvouched").await;
    create(&place);
    place.done(&["update", "orders", "--purpose", "orders and returns"]);
    place.done(&["rollback", "orders", "--to", "1"]);
    let versions = listed(&place, &[]);
    assert_tiles(&versions);
    let actions: Vec<&str> = versions
        .iter()
        .map(|version| version["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["created", "updated", "rolled-back"]);
    let (said, aside) = both(&place, &["history", "orders", "--verify"]);
    assert_eq!(said, "database/orders: history consistent, 3 versions\n");
    assert!(
        aside.contains("no admission webhook is installed: nothing vouches"),
        "{aside}"
    );

    // Somebody makes the first version be another one, and forgets the rest.
    let history = r"jsonpath={.metadata.annotations.daap\.dev/history}";
    let history = place.kubectl(&["get", "cluster/daap-orders", "-o", history], None);
    let mut forged: Value = serde_json::from_str(&history).unwrap();
    forged["rows"].as_array_mut().unwrap().remove(1);
    annotate(
        &place,
        &json!({"daap.dev/history": forged.to_string(), "daap.dev/created-by": "mallory"}),
    );
    let said = place.fails(&["history", "orders", "--verify"]);
    for found in [
        "version 3 stands where version 2 is expected",
        "annotation daap.dev/created-by is 'mallory', but the history says 'payments-dev'",
    ] {
        assert!(said.contains(found), "{said}");
    }
    sandbox.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_shows_every_part_and_names_the_image_that_is_missing() {
    let place = Place::shared("trees").await;
    let words = ["create", "orders", "--owner-team", "payments"];
    let purpose = ["--purpose", "for a test"];
    place.done(&[&words[..], &purpose].concat());
    let (tree, _) = both(&place, &["tree", "orders"]);
    for line in [
        "Database/orders",
        "├─Cluster/daap-orders",
        "│ ├─Pod/daap-orders-1",
        "Running, primary",
        "│ │ └─PersistentVolumeClaim/daap-orders-1",
        "│ ├─Secret/daap-orders-app",
        "│ ├─Secret/daap-orders-ca",
        "└─Pooler/daap-orders-pooler",
        "  ├─Deployment/daap-orders-pooler",
        "  └─Service/daap-orders-pooler",
    ] {
        assert!(tree.contains(line), "{line} is not in\n{tree}");
    }
    assert!(!tree.contains("missing"), "{tree}");
    assert_eq!(place.done(&["get", "orders", "-o", "tree"]), tree);
    let json = place.done(&["tree", "orders", "-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["children"][0]["kind"], "Cluster");

    place.done(&["delete", "orders", "--yes"]);
    let tree = place.done(&["tree", "orders"]);
    assert!(
        tree.contains("can be restored until") && tree.contains("kept, Bound"),
        "{tree}"
    );
    let listed = place.done(&["list", "--deleted"]);
    assert!(listed.contains("RESTORABLE-UNTIL"), "{listed}");
    let restorable = ["list", "--restorable", "-o", "name"];
    assert_eq!(place.done(&restorable), "database/orders\n");
    place.done(&["purge", "orders", "--yes"]);
    assert_eq!(place.done(&restorable), "");
    let listed = place.done(&["list", "--deleted"]);
    assert!(listed.contains("no data kept"), "{listed}");
    let tree = place.done(&["tree", "orders"]);
    assert!(tree.contains("only the record remains"), "{tree}");

    let words = [
        "create",
        "stuck",
        "--owner-team",
        "payments",
        "--wait=false",
    ];
    let image = ["--image", "registry.example/missing:17"];
    place.done(&[&words[..], &purpose, &image].concat());
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut ticks = tokio::time::interval(Duration::from_millis(500));
    loop {
        ticks.tick().await;
        let tree = place.done(&["tree", "stuck"]);
        if tree.contains("registry.example/missing:17") {
            assert!(tree.contains("Image") || tree.contains("Pull"), "{tree}");
            break;
        }
        assert!(Instant::now() < deadline, "no image in\n{tree}");
    }
    place.done(&["delete", "stuck", "--yes", "--purge", "--force"]);
}
