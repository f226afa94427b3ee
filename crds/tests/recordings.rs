//! Holds the derived states to what the real operator wrote.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use daap_crds::object::View;
use daap_crds::state::{Observed, derive};
use daap_reference::Reference;
use serde_json::{Value, json};

/// Every watch event of the Cluster `name`, in order, with the states that follow from it when its
/// Pooler is all right; equal neighbours are one.
fn states_of(folder: &std::path::Path, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("clusters.jsonl")).unwrap();
    let deployment = json!({"status": {"availableReplicas": 1}});
    let pooler = json!({});
    let mut states: Vec<String> = Vec::new();
    for line in text.lines() {
        let cluster: Value = serde_json::from_str(line).unwrap();
        if View(&cluster).name() != name {
            continue;
        }
        let state = if cluster["type"] == "DELETED" {
            "gone".to_owned()
        } else {
            let derived = derive(&Observed {
                cluster: &cluster,
                pooler: Some(&pooler),
                deployment: Some(&deployment),
                deployment_hidden: false,
                app_secret: true,
            });
            match derived.reason {
                Some(reason) => format!("{}: {reason}", derived.state),
                None => derived.state.to_string(),
            }
        };
        if states.last() != Some(&state) {
            states.push(state);
        }
    }
    states
}

#[test]
fn a_whole_recorded_life_is_described_truthfully() {
    let Some(folder) = Reference::Recordings.at_hand() else {
        return;
    };
    let states = states_of(&folder, "daap-orders");
    assert_eq!(
        states,
        [
            "provisioning: waiting for the operator",
            "provisioning: setting up primary",
            "provisioning: waiting for the instances to become active",
            "ready",
            // A pod is killed.
            "error: 0/1 instances ready",
            "provisioning: waiting for the instances to become active",
            "ready",
            // Two instances are asked for.
            "provisioning: 1/2 instances ready",
            "provisioning: waiting for the instances to become active",
            "ready",
            // Hibernated, and never `ready` until pods are up again, although CNPG's condition
            // `Ready` and its healthy phase stay.
            "provisioning: docking pending",
            "provisioning: docking",
            "provisioning: docked",
            "provisioning: waking",
            "provisioning: waiting for the instances to become active",
            "provisioning: 1/2 instances ready",
            "provisioning: waiting for the instances to become active",
            "ready",
            // Hibernated, detached and deleted.
            "provisioning: docking pending",
            "provisioning: docking",
            "provisioning: docked",
            "gone",
            // Applied again with one instance: both volumes are adopted, the second is removed.
            "provisioning: waiting for the operator",
            "provisioning: waiting for the instances to become active",
            "provisioning: 2/1 instances ready",
            "provisioning: waiting for the instances to become active",
            "ready",
            "gone",
        ]
    );
}
