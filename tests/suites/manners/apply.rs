//! `apply -f`: several databases from one file, and what `get -o yaml` prints taken back.

use std::fs;
use std::path::Path;

use daap_tests::place::{Place, run, text};
use daap_tests::sandbox::User;
use serde_json::json;

fn database(name: &str, team: &str, spec: &str) -> String {
    format!(
        "apiVersion: daap.dev/v1alpha1\nkind: Database\nmetadata: {{name: {name}}}\nrecord: {{ownerTeam: {team}, purpose: for a test}}\nspec: {spec}\n"
    )
}

fn write(folder: &Path, name: &str, documents: &[String]) -> String {
    let path = folder.join(name);
    fs::write(&path, documents.join("---\n")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_databases_are_created_changed_and_left_alone() {
    let place = Place::shared("applied").await;
    let folder = tempfile::tempdir().unwrap();
    let two = [
        database("orders", "payments", "{storage: 1Gi}"),
        database("stock", "payments", "{storage: 2Gi, poolInstances: 2}"),
    ];
    let file = &write(folder.path(), "two.yaml", &two);
    // Without a terminal nobody can be asked.
    let said = place.fails(&["apply", "-f", file]);
    assert!(
        said.contains("--yes") && said.contains("+  ownerTeam: payments"),
        "{said}"
    );
    for way in ["--dry-run=client", "--dry-run=server"] {
        let said = place.done(&["apply", "-f", file, way]);
        assert_eq!(said.lines().count(), 2, "{said}");
    }
    assert_eq!(
        place.done(&["list", "-o", "name"]),
        "",
        "nothing was written"
    );

    let said = place.done(&["apply", "-f", file, "--yes", "--wait"]);
    assert_eq!(said, "database/orders created\ndatabase/stock created\n");
    assert_eq!(place.state("stock").0, "ready");
    let said = place.done(&["apply", "-f", file, "--yes"]);
    assert_eq!(
        said,
        "database/orders unchanged\ndatabase/stock unchanged\n"
    );

    // What is printed is taken back: by a list, by one document, by stdin.
    let printed = place.json(&["list", "-o", "json"]);
    let mut command = place.sandbox.plugin(User::PaymentsDev);
    command.args(["apply", "-f", "-", "--yes", "-n", place.namespace]);
    let output = run(&mut command, Some(&printed));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "database/orders unchanged\ndatabase/stock unchanged\n",
        "{}",
        text(&output)
    );
    let document = place.done(&["get", "stock", "-o", "yaml"]);
    let edited = document
        .replace("poolInstances: 2", "poolInstances: 1")
        .replace("purpose: for a test", "purpose: stock of books");
    let file = &write(folder.path(), "stock.yaml", &[edited]);
    let output = place.plugin(User::PaymentsDev, &["diff", "-f", file]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("-  poolInstances: 2\n+  poolInstances: 1"),
        "{said}"
    );
    let said = place.done(&[
        "apply",
        "-f",
        file,
        "--yes",
        "--change-reason",
        "fewer clients",
    ]);
    assert_eq!(said, "database/stock configured\n");
    let stock = place.json(&["get", "stock", "-o", "json"]);
    assert_eq!(stock["spec"]["poolInstances"], 1);
    assert_eq!(stock["record"]["version"], 2);
    assert_eq!(stock["record"]["changeReason"], "fewer clients");
    let output = place.plugin(User::PaymentsDev, &["diff", "-f", file]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_one_does_not_hide_the_others() {
    let place = Place::shared("partly").await;
    let folder = tempfile::tempdir().unwrap();
    let three = [
        database("orders", "payments", "{}"),
        database("invoices", "billing", "{}"),
        database("stock", "payments", "{}"),
    ];
    write(folder.path(), "three.yaml", &three);
    let output = place.plugin(
        User::PaymentsDev,
        &["apply", "-f", folder.path().to_str().unwrap(), "--yes"],
    );
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "database/orders created\ndatabase/stock created\n"
    );
    let said = text(&output);
    assert!(said.contains("database/invoices not applied"), "{said}");
    assert!(said.contains("1 of 3 databases failed: invoices"), "{said}");
    assert_eq!(
        place.done(&["list", "-o", "name"]),
        "database/orders\ndatabase/stock\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_is_named_with_its_document_and_nothing_written() {
    let place = Place::shared("misspelt").await;
    let folder = tempfile::tempdir().unwrap();
    let wrong = [
        database("orders", "payments", "{instance: 2, storage: 1X}"),
        database("Stock", "payments", "{}"),
        database("orders", "payments", "{}"),
        json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster"}).to_string(),
    ];
    let file = &write(folder.path(), "wrong.yaml", &wrong);
    let said = place.fails(&["apply", "-f", file, "--yes"]);
    for part in [
        "document 1: spec.instance: unknown field; did you mean spec.instances?",
        "document 1: spec.storage: '1X'",
        "document 2: metadata.name: 'Stock'",
        "document 4: kind:",
        "nothing was written",
    ] {
        assert!(said.contains(part), "no '{part}' in: {said}");
    }
    assert_eq!(place.done(&["list", "-o", "name"]), "");
    assert!(
        place
            .fails(&["apply", "-f", "/nonexistent.yaml", "--yes"])
            .contains("/nonexistent.yaml")
    );
    let output = place.plugin(User::PaymentsDev, &["apply"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_names_fields_of_the_file_and_edited_labels_are_told() {
    let place = Place::shared("denied").await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, documents: &[String]| write(folder.path(), name, documents);
    let much = "{storage: 900Ti, instances: 90, poolInstances: 900, poolMode: session}";
    let file = &write("much.yaml", &[database("orders", "payments", much)]);
    let said = place.fails(&["apply", "-f", file, "--yes"]);
    for field in ["spec.storage: ", "spec.instances: "] {
        assert!(
            said.contains(&format!("much.yaml, document 1: {field}")),
            "{said}"
        );
    }
    for flag in ["--storage", "--instances", "--pool-mode", "--owner-team"] {
        assert!(!said.contains(flag), "{flag}: {said}");
    }

    place.create("stock", &["--wait=false"]);
    let document = place.done(&["get", "stock", "-o", "yaml"]);
    let file = &write("same.yaml", std::slice::from_ref(&document));
    let said = place.done(&["apply", "-f", file, "--yes"]);
    assert_eq!(said, "database/stock unchanged\n");
    let edited = document.replace("  labels:\n", "  labels:\n    tier: gold\n");
    let file = &write("edited.yaml", &[edited]);
    for words in [&["apply", "-f", file, "--yes"][..], &["diff", "-f", file]] {
        let output = place.plugin(User::PaymentsDev, words);
        let said = text(&output);
        assert!(!output.status.success(), "{words:?}: {said}");
        assert!(
            said.contains("metadata.labels[tier]: there is none"),
            "{said}"
        );
    }
    // What it says to type makes it so.
    let said = place.fails(&["apply", "-f", file, "--yes"]);
    let (_, command) = said.split_once("set it with: kubectl ").unwrap();
    let words: Vec<&str> = command.lines().next().unwrap().split(' ').collect();
    let (namespace, words) = (words[words.len() - 1], &words[..words.len() - 2]);
    assert_eq!(namespace, place.namespace);
    place.kubectl_by(User::PaymentsDev, words, None);
    let said = place.done(&["apply", "-f", file, "--yes"]);
    assert_eq!(said, "database/stock unchanged\n");
}
