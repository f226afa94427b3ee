//! The state of a healthy database of one instance, and of what becomes of it.

use rstest::rstest;
use serde_json::json;

use super::*;

/// A healthy database of one instance; `change` is merged into the Cluster.
fn status_with(change: &Value, pooler: bool, available: i64, secret: bool) -> String {
    let mut cluster = json!({
        "metadata": {"name": "daap-orders", "annotations": {}},
        "spec": {"instances": 1},
        "status": {
            "phase": "Cluster in healthy state", "readyInstances": 1, "instances": 1,
            "currentPrimary": "daap-orders-1", "targetPrimary": "daap-orders-1",
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    });
    json_patch::merge(&mut cluster, change);
    let pooler = pooler.then(|| json!({}));
    let deployment = json!({"status": {"availableReplicas": available}});
    let status = derive(&Observed {
        cluster: &cluster,
        pooler: pooler.as_ref(),
        deployment: Some(&deployment),
        deployment_hidden: false,
        app_secret: secret,
    });
    match status.reason {
        Some(reason) => format!("{}: {reason}", status.state),
        None => status.state.to_string(),
    }
}

fn annotated(key: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {key: value}}})
}

fn hibernating(status: &str, reason: &str) -> Value {
    json!({
        "metadata": {"annotations": {"cnpg.io/hibernation": "on"}},
        "status": {"conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "cnpg.io/hibernation", "status": status, "reason": reason}
        ]},
    })
}

fn pending(operation: &str, error: Option<&str>) -> Value {
    let mut value =
        json!({"operation": operation, "step": "apply-pooler", "since": "2026-11-21T08:00:00Z"});
    if let Some(error) = error {
        value["error"] = error.into();
    }
    annotated("daap.dev/pending", &value.to_string())
}

#[rstest]
#[case(json!({}), "ready")]
#[case(json!({"metadata": {"deletionTimestamp": "2026-11-21T08:00:00Z"}}), "deleting: the cluster is being removed")]
#[case(json!({"status": null}), "provisioning: waiting for the operator")]
#[case(json!({"status": {"phase": "Setting up primary"}}), "provisioning: setting up primary")]
#[case(json!({"status": {"phase": "Waiting for the instances to become active", "readyInstances": null}}), "provisioning: waiting for the instances to become active")]
#[case(json!({"spec": {"instances": 3}}), "provisioning: 1/3 instances ready")]
#[case(json!({"status": {"phase": "Creating a new replica"}, "spec": {"instances": 2}}), "provisioning: 1/2 instances ready")]
#[case(json!({"status": {"phase": "Some phase of a later version", "readyInstances": null}}), "provisioning: some phase of a later version")]
#[case(json!({"status": {"readyInstances": null}}), "error: 0/1 instances ready")]
#[case(json!({"status": {"phase": "Cluster is unrecoverable and needs manual intervention", "phaseReason": "no volume"}}), "error: no volume")]
#[case(json!({"status": {"phase": "Unable to create required cluster objects"}}), "error: Unable to create required cluster objects")]
#[case(json!({"status": {"targetPrimary": "daap-orders-2"}}), "provisioning: switching over to daap-orders-2")]
#[case(json!({"metadata": {"annotations": {"cnpg.io/hibernation": "off"}}, "status": {"readyInstances": null}}), "provisioning: waking")]
#[case(hibernating("True", "Hibernated"), "provisioning: docked")]
#[case(hibernating("False", "DeletingPods"), "provisioning: docking")]
#[case(hibernating("False", "WaitingPodsDeletion"), "provisioning: docking")]
#[case(
    hibernating("False", "WaitingForHealthy"),
    "provisioning: docking pending"
)]
#[case(
    annotated("cnpg.io/hibernation", "on"),
    "provisioning: docking pending"
)]
#[case(json!({"status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "cnpg.io/hibernation", "status": "True"}]}}), "provisioning: waking")]
#[case(
    pending("create", None),
    "provisioning: creation incomplete: next is apply-pooler"
)]
#[case(pending("create", Some("quota")), "error: create failed: quota")]
#[case(pending("delete", None), "deleting: next is apply-pooler")]
#[case(pending("delete", Some("denied")), "error: delete failed: denied")]
fn follows_from_the_cluster(#[case] change: Value, #[case] expected: &str) {
    assert_eq!(status_with(&change, true, 1, true), expected);
}

#[rstest]
#[case(false, 1, true, "error: pooler missing")]
#[case(true, 0, true, "provisioning: pooler not available")]
#[case(true, 1, false, "error: app secret missing")]
fn follows_from_what_belongs_to_it(
    #[case] pooler: bool,
    #[case] available: i64,
    #[case] secret: bool,
    #[case] expected: &str,
) {
    assert_eq!(status_with(&json!({}), pooler, available, secret), expected);
}

#[test]
fn states_read_back() {
    for state in State::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
    }
    assert!("gone".parse::<State>().is_err());
}
