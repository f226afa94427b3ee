//! A typo in a rule is a hole: the API server never says that what a rule names does not exist.

use std::collections::BTreeSet;

use daap_reference::Reference;
use daap_tests::sandbox::SandboxOptions;
use serde_json::Value;

use crate::ground::{DEPENDENTS, documents, done, minimal_crd, sandbox, serve};

/// Group and resource of everything that this API server serves, subresources included.
fn served(sandbox: &daap_tests::sandbox::Sandbox) -> BTreeSet<(String, String)> {
    let mut served = BTreeSet::new();
    for group in ["", "postgresql.cnpg.io"] {
        let path = match group {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        let found: Value =
            serde_json::from_str(&done(sandbox, &["get", "--raw", &path], None)).unwrap();
        for resource in found["resources"].as_array().unwrap() {
            served.insert((
                group.to_owned(),
                resource["name"].as_str().unwrap().to_owned(),
            ));
        }
    }
    served
}

fn words(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn named(rules: &Value) -> BTreeSet<(String, String)> {
    let mut named = BTreeSet::new();
    for rule in rules.as_array().unwrap() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                named.insert((group.to_owned(), resource.to_owned()));
            }
        }
    }
    named
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_names_what_the_api_server_serves() {
    let sandbox = sandbox(SandboxOptions {
        real_crds: true,
        ..SandboxOptions::bare()
    })
    .await;
    let minimal =
        DEPENDENTS.map(|(plural, kind)| minimal_crd("postgresql.cnpg.io", "v1", plural, kind));
    serve(&sandbox, minimal.into()).await;
    let served = served(&sandbox);
    let mut named_somewhere = BTreeSet::new();
    for configuration in documents("base/webhooks.yaml") {
        for webhook in configuration["webhooks"].as_array().unwrap() {
            named_somewhere.extend(named(&webhook["rules"]));
        }
    }
    for policy in [
        "naming",
        "immutable",
        "ownership",
        "status",
        "managed-only",
        "neighbours",
    ] {
        let file = format!("base/admission-policies/{policy}.yaml");
        let [policy, _] = documents(&file).try_into().unwrap();
        named_somewhere.extend(named(&policy["spec"]["matchConstraints"]["resourceRules"]));
    }
    let unknown: Vec<_> = named_somewhere.difference(&served).collect();
    assert!(unknown.is_empty(), "not served: {unknown:?}");
    sandbox.stop().await.unwrap();
}

/// The stand-ins of the test above are named by us: what CNPG's own webhooks name is CNPG's word.
#[test]
fn what_depends_on_a_cluster_is_called_as_cnpg_calls_it() {
    let Some(file) = Reference::Manifest.at_hand() else {
        return;
    };
    let manifest = std::fs::read_to_string(file).unwrap();
    let mut theirs: BTreeSet<String> = BTreeSet::new();
    for document in manifest
        .split("\n---")
        .filter(|text| text.contains("WebhookConfiguration"))
    {
        let document: Value = serde_saphyr::from_str(document).unwrap();
        for webhook in document["webhooks"].as_array().unwrap() {
            theirs.extend(
                named(&webhook["rules"])
                    .into_iter()
                    .map(|(_, resource)| resource),
            );
        }
    }
    let ours = ["clusters", "poolers"]
        .into_iter()
        .chain(DEPENDENTS.map(|(plural, _)| plural));
    let ours: BTreeSet<String> = ours.map(str::to_owned).collect();
    assert!(
        theirs.is_subset(&ours),
        "CNPG has more than we judge: {theirs:?}"
    );
}
