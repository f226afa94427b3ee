//! The YAML of `manifests/` says what the table says, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use daap_crds::admission::{Operation, Resource};
use serde_json::{Value, json};

use super::*;

fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests")
}

fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(manifests().join(file)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

fn of_kind(file: &str, kind: &str) -> Vec<Value> {
    let mut found = documents(file);
    found.retain(|document| document["kind"] == kind);
    found
}

/// As one line: folded YAML breaks it where it likes.
fn line(text: &Value) -> String {
    let words: Vec<&str> = text.as_str().unwrap().split_whitespace().collect();
    words.join(" ")
}

fn conditions(found: &Value) -> Vec<(String, String)> {
    let conditions = found.as_array().unwrap();
    conditions
        .iter()
        .map(|found| (line(&found["name"]), line(&found["expression"])))
        .collect()
}

fn expected(conditions: &[Condition]) -> Vec<(String, String)> {
    conditions
        .iter()
        .map(|condition| (condition.name().to_owned(), condition.expression()))
        .collect()
}

fn rules(rules: &[Rule]) -> Value {
    rules
        .iter()
        .map(|rule| {
            json!({
                "apiGroups": [rule.group],
                "apiVersions": ["*"],
                "resources": rule.resources,
                "operations": rule.operations,
                "scope": "Namespaced",
            })
        })
        .collect()
}

/// Our own namespace, so that a dead webhook can be repaired.
fn elsewhere() -> Value {
    json!({"matchExpressions": [{
        "key": "kubernetes.io/metadata.name",
        "operator": "NotIn",
        "values": [daap_crds::contract::platform::NAMESPACE],
    }]})
}

fn whole(webhook: &Webhook, mutates: bool) -> Value {
    let mut whole = json!({
        "name": webhook.name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "matchPolicy": "Equivalent",
        "failurePolicy": format!("{:?}", webhook.failure_policy),
        "timeoutSeconds": 5,
        "clientConfig": {"service": {
            "name": "daap-webhook",
            "namespace": daap_crds::contract::platform::NAMESPACE,
            "path": webhook.path,
            "port": 443,
        }},
        "namespaceSelector": elsewhere(),
        "rules": rules(webhook.rules),
    });
    if mutates {
        whole["reinvocationPolicy"] = "IfNeeded".into();
    }
    if let Some(key) = webhook.selects {
        whole["objectSelector"] = json!({"matchExpressions": [{"key": key, "operator": "Exists"}]});
    }
    whole
}

fn compare(kind: &str, table: &[Webhook]) {
    let configurations = of_kind("base/webhooks.yaml", kind);
    let [configuration] = configurations.as_slice() else {
        panic!("one {kind}, not {}", configurations.len());
    };
    assert_eq!(configuration["metadata"]["name"], NAME);
    let entries = configuration["webhooks"].as_array().unwrap();
    assert_eq!(entries.len(), table.len(), "{kind}");
    for (entry, webhook) in entries.iter().zip(table) {
        let mut entry = entry.clone();
        let found = entry.as_object_mut().unwrap().remove("matchConditions");
        assert_eq!(
            conditions(&found.unwrap()),
            expected(webhook.conditions),
            "{}",
            webhook.name
        );
        assert_eq!(
            entry,
            whole(webhook, kind.starts_with("Mutating")),
            "{}",
            webhook.name
        );
    }
}

#[test]
fn the_webhook_configurations_are_the_table() {
    compare("MutatingWebhookConfiguration", &MUTATING);
    compare("ValidatingWebhookConfiguration", &VALIDATING);
    assert_eq!(documents("base/webhooks.yaml").len(), 2);
}

#[test]
fn what_is_sent_here_is_what_is_decided_here() {
    let operation = |operation: &Operation| match operation {
        Operation::Create => "CREATE",
        Operation::Update => "UPDATE",
        Operation::Delete => "DELETE",
    };
    for resource in Resource::ALL {
        let decided: BTreeSet<&str> = resource.operations().iter().map(operation).collect();
        let sent: BTreeSet<&str> = ["CREATE", "UPDATE", "DELETE"]
            .into_iter()
            .filter(|operation| expects(resource.group(), resource.resource(), operation))
            .collect();
        assert_eq!(sent, decided, "{resource:?}");
    }
    for webhook in MUTATING.iter().chain(&VALIDATING) {
        for rule in webhook.rules {
            for resource in rule.resources {
                assert!(
                    Resource::of(rule.group, resource).is_some(),
                    "{}: nobody decides {resource}",
                    webhook.name
                );
            }
        }
    }
    assert!(!expects(cnpg::GROUP, "clusters/status", "UPDATE"));
}

#[test]
fn the_policies_know_the_same_objects_and_the_same_accounts() {
    let folder = manifests().join("base/admission-policies");
    let every: BTreeMap<&str, String> = [
        Condition::Governed,
        Condition::Ungoverned,
        Condition::NotOperatorKeepingRecord,
        Condition::NotOperator,
        Condition::NotGarbageCollector,
        Condition::NotNamespaceController,
    ]
    .map(|condition| (condition.name(), condition.expression()))
    .into();
    let mut names = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let file = format!(
            "base/admission-policies/{}",
            file.unwrap().file_name().display()
        );
        let policies = of_kind(&file, "ValidatingAdmissionPolicy");
        let bindings = of_kind(&file, "ValidatingAdmissionPolicyBinding");
        let ([policy], [binding]) = (policies.as_slice(), bindings.as_slice()) else {
            panic!("{file}: one policy and one binding");
        };
        let name = policy["metadata"]["name"].as_str().unwrap();
        assert_eq!(binding["spec"]["policyName"], name);
        assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
        let spec = &policy["spec"];
        assert_eq!(spec["failurePolicy"], "Fail", "{name}");
        let matched = &spec["matchConstraints"];
        assert_eq!(matched["namespaceSelector"], elsewhere(), "{name}");
        let found = conditions(&spec["matchConditions"]);
        for (condition, expression) in &found {
            assert_eq!(Some(expression), every.get(condition.as_str()), "{name}");
        }
        let has = |wanted: Condition| found.iter().any(|(name, _)| name == wanted.name());
        assert!(has(Condition::NotGarbageCollector) && has(Condition::NotNamespaceController));
        assert!(
            has(Condition::Governed) != has(Condition::Ungoverned),
            "{name}"
        );
        assert!(
            has(Condition::NotOperator) != has(Condition::NotOperatorKeepingRecord),
            "{name}"
        );
        names.insert(name.to_owned());
    }
    let expected = [
        "immutable",
        "managed-only",
        "naming",
        "neighbours",
        "ownership",
        "status",
    ];
    assert_eq!(names, expected.map(|name| format!("daap-{name}")).into());
}

/// The rules of a role: group and resource, with the names that it is held to, and the verbs.
fn granted(role: &Value) -> BTreeMap<(String, Vec<String>), BTreeSet<String>> {
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let mut granted: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in words(&rule["apiGroups"]) {
            for resource in words(&rule["resources"]) {
                let key = (format!("{group}/{resource}"), words(&rule["resourceNames"]));
                let verbs = granted.entry(key).or_default();
                verbs.extend(words(&rule["verbs"]));
            }
        }
    }
    granted
}

fn wanted(rights: &[Right]) -> BTreeMap<(String, Vec<String>), BTreeSet<String>> {
    let mut wanted: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for right in rights {
        for resource in right.resources {
            let names = right.names.iter().map(ToString::to_string).collect();
            let verbs = wanted
                .entry((format!("{}/{resource}", right.group), names))
                .or_default();
            verbs.extend(right.verbs.iter().map(ToString::to_string));
        }
    }
    wanted
}

#[test]
fn the_webhook_may_do_what_its_table_says() {
    let own = "overlays/own-certificates/rbac.yaml";
    for (file, kind, rights) in [
        ("base/rbac.yaml", "ClusterRole", CLUSTER_RIGHTS),
        (own, "Role", OWN_NAMESPACE_RIGHTS),
        (own, "ClusterRole", OWN_CLUSTER_RIGHTS),
    ] {
        let roles = of_kind(file, kind);
        let [role] = roles.as_slice() else {
            panic!("{file}: one {kind}");
        };
        assert_eq!(granted(role), wanted(rights), "{file} {kind}");
        for binding in of_kind(file, &format!("{kind}Binding")) {
            assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
            assert_eq!(
                binding["subjects"],
                json!([{
                    "kind": "ServiceAccount",
                    "name": "daap-webhook",
                    "namespace": daap_crds::contract::platform::NAMESPACE,
                }])
            );
        }
    }
    assert!(of_kind("base/rbac.yaml", "Role").is_empty());
}
