//! The invariants, on stable: every entry point for a while, and writes that are put together.
//! `DAAP_FUZZ_SECONDS` says for how long each, `DAAP_FUZZ_SEED` repeats a run.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use daap_invariants::{ENTRIES, completes, engine, review, seeds};
use proptest::prelude::*;
use serde_json::{Value, json};

const SECONDS: u64 = 3;

fn setting(name: &str, otherwise: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(otherwise, |said| {
        said.parse()
            .unwrap_or_else(|_| panic!("{name}: '{said}' is no number"))
    })
}

#[test]
fn any_bytes_are_answered_as_they_should_be() {
    let seconds = setting("DAAP_FUZZ_SECONDS", SECONDS);
    let seed = setting("DAAP_FUZZ_SEED", 5);
    let mut findings = Vec::new();
    for (name, entry) in ENTRIES {
        let report = engine::run(name, entry, seed, Duration::from_secs(seconds));
        let found = usize::from(report.finding.is_some());
        println!(
            "{name:<10}{:>9} executions{found:>3} findings",
            report.executions
        );
        findings.extend(report.finding.map(|input| format!("{name}: {input}")));
    }
    assert!(
        findings.is_empty(),
        "DAAP_FUZZ_SEED={seed}: {}",
        findings.join("\n")
    );
}

#[test]
fn there_is_something_to_begin_with() {
    for (name, _) in ENTRIES {
        assert!(seeds::of(name).len() > 2, "{name}");
    }
    // What the operator may write is left to match conditions: the webhook sees nobody else's.
    let by_the_owner = seeds::reviews();
    assert!(
        by_the_owner
            .iter()
            .all(|review| review["request"]["uid"].is_string())
    );
}

/// Whatever a user may ask for.
fn creation() -> impl Strategy<Value = Value> {
    let name = "[a-z][a-z0-9-]{1,55}[a-z0-9]";
    let purpose = "[ -~&&[^ ]][ -~]{0,200}[a-z]";
    (name, purpose, 1..6_u32, 1..100_u32, any::<bool>()).prop_map(
        |(name, purpose, instances, storage, labelled)| {
            let name = daap_crds::names::DatabaseName::parse(&name);
            let name =
                name.unwrap_or_else(|_| daap_crds::names::DatabaseName::parse("shop").unwrap());
            let mut labels = json!({"daap.dev/owner-team": "payments"});
            if labelled || name.cluster() != format!("daap-{}", name.as_str()) {
                labels["daap.dev/name"] = name.as_str().into();
            }
            json!({
                "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
                "metadata": {"name": name.cluster(), "namespace": "apps", "labels": labels,
                    "annotations": {"daap.dev/purpose": purpose}},
                "spec": {"instances": instances, "storage": {"size": format!("{storage}Gi")}},
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn what_mutation_completes_of_a_good_write_is_allowed(object in creation()) {
        let mut review = seeds::reviews().swap_remove(0);
        let request = &mut review["request"];
        request["operation"] = "CREATE".into();
        request["userInfo"]["username"] = "payments-dev".into();
        request["object"] = object;
        request["oldObject"] = Value::Null;
        completes(&review);
    }

    #[test]
    fn any_request_is_answered_with_its_uid(uid in ".{1,40}", text in ".{0,60}", number in any::<f64>()) {
        for request in [json!({"uid": uid}), json!({"uid": uid, "operation": text}), json!({"uid": uid, "object": number, "resource": text})] {
            review(json!({"request": request}).to_string().as_bytes());
        }
    }
}
