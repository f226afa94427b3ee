//! The table that the plugin's unit tests hold it to says what the real kubectl prints.

use std::fs;
use std::process::Command;

use daap_tests::place::{Place, eventually, run, text};
use daap_tests::sandbox::User;
use serde_json::{Value, json};

const TABLE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../plugin/src/output/format/expressions.json"
);

/// kubectl fills up an empty last cell.
fn trimmed(text: &str) -> Vec<&str> {
    text.split('\n').map(str::trim_end).collect()
}

fn differs(case: &Value, output: &std::process::Output) -> Option<String> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = text(output);
    let as_said = match (case["prints"].as_str(), case["fails"].as_str()) {
        (Some(prints), _) => output.status.success() && trimmed(&stdout) == trimmed(prints),
        (None, Some(fails)) => !output.status.success() && said.contains(fails),
        (None, None) => false,
    };
    (!as_said).then(|| format!("{}\n  kubectl: {said:?}\n  table: {case}", case["format"]))
}

/// Custom columns need an API server to have come from: the document goes into an object of a kind
/// that takes anything.
async fn thing(place: &Place<'_>, document: &Value) {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.dev"},
        "spec": {
            "group": "example.dev", "scope": "Namespaced",
            "names": {"plural": "things", "singular": "thing", "kind": "Thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": anything}}],
        },
    });
    place.kubectl(&["apply", "-f", "-"], Some(&definition));
    let mut document = document.clone();
    document["metadata"]["namespace"] = place.namespace.into();
    eventually("the kind is served", || {
        let mut command = place.sandbox.kubectl(User::Admin);
        command.args(["create", "-f", "-"]);
        run(&mut command, Some(&document))
            .status
            .success()
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_expressions_is_what_the_real_kubectl_prints() {
    let place = Place::shared("expressions").await;
    let table: Value = serde_json::from_str(&fs::read_to_string(TABLE).unwrap()).unwrap();
    let document = &table["document"];
    thing(&place, document).await;
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() > 90, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let format = case["format"].as_str().unwrap();
        let mut command: Command = place.sandbox.kubectl(User::Admin);
        let output = if format.starts_with("custom-columns") {
            command.args([
                "get",
                "things",
                "orders",
                "-n",
                place.namespace,
                "-o",
                format,
            ]);
            run(&mut command, None)
        } else {
            command.args([
                "patch",
                "--local",
                "-f",
                "-",
                "--type=merge",
                "-p",
                "{}",
                "-o",
                format,
            ]);
            run(&mut command, Some(document))
        };
        wrong.extend(differs(case, &output));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_printed_as_kubectl_prints_the_same_document() {
    let place = Place::shared("printed").await;
    place.create("orders", &["--wait=false"]);
    place.create("stock", &["--wait=false"]);
    for format in [
        "jsonpath={.metadata.name}",
        "jsonpath={.record.ownerTeam}/{.spec.storage}{\"\\n\"}",
        r"jsonpath={.metadata.labels.daap\.dev/owner-team}",
        "jsonpath={.spec}",
        "jsonpath={.spec.instances} {.spec.missing}",
        "jsonpath-as-json={.spec.instances}",
        "go-template={{.metadata.name}} {{.spec.instances}} {{.nothing}}{{\"\\n\"}}",
    ] {
        let document = place.json(&["get", "orders", "-o", "json"]);
        let mut kubectl = place.sandbox.kubectl(User::Admin);
        kubectl.args([
            "patch",
            "--local",
            "-f",
            "-",
            "--type=merge",
            "-p",
            "{}",
            "-o",
            format,
        ]);
        let theirs = run(&mut kubectl, Some(&document));
        assert_eq!(
            place.done(&["get", "orders", "-o", format]),
            String::from_utf8_lossy(&theirs.stdout),
            "{format}"
        );
    }
    let names = "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}";
    assert_eq!(place.done(&["list", "-o", names]), "orders\nstock\n");
    let columns = "custom-columns=NAME:.metadata.name,TEAM:.record.ownerTeam";
    assert_eq!(
        place.done(&["list", "-o", columns]),
        "NAME     TEAM\norders   payments\nstock    payments\n"
    );
    assert_eq!(
        place.done(&["history", "orders", "-o", "jsonpath={.items[*].version}"]),
        "1"
    );
    for command in [
        &["get", "orders"][..],
        &["list"],
        &["history", "orders"],
        &["tree", "orders"],
    ] {
        let output = place.plugin(User::PaymentsDev, &[command, &["-o", "xml"]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(
            text(&output).contains("go-template=TEMPLATE"),
            "{}",
            text(&output)
        );
    }
}
