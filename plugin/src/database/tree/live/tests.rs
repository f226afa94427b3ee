use serde_json::json;

use super::*;
use crate::database::fixtures;

fn labels(pairs: &[(&str, &str)]) -> Value {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn parts() -> Parts {
    let cluster = (cnpg::CLUSTER, "daap-orders");
    let first = (cnpg::INSTANCE_NAME, "daap-orders-1");
    let pooler = (cnpg::POOLER_NAME, "daap-orders-pooler");
    let running = json!({"phase": "Running", "containerStatuses": [{"ready": true, "state": {"running": {}}}]});
    let service = |name: &str| json!({"metadata": {"name": name}, "spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1", "ports": [{"port": 5432}]}});
    Parts {
        pods: Ok(vec![
            json!({"metadata": {"name": "daap-orders-1", "labels": labels(&[cluster, first, (cnpg::INSTANCE_ROLE, "primary")])},
                "spec": {"nodeName": "node-a", "containers": [{}]}, "status": running}),
            json!({"metadata": {"name": "daap-orders-1-initdb-x", "labels": labels(&[cluster, first, (cnpg::JOB_ROLE, "initdb")])},
                "status": {"phase": "Succeeded"}}),
            json!({"metadata": {"name": "daap-orders-pooler-x", "labels": labels(&[cluster, pooler])},
                "spec": {"nodeName": "node-b", "containers": [{}]}, "status": running}),
        ]),
        volumes: Ok(vec![
            json!({"metadata": {"name": "daap-orders-1", "labels": labels(&[cluster, first]), "annotations": {"cnpg.io/pvcStatus": "ready"}},
                "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}),
        ]),
        services: Ok(vec![
            service("daap-orders-rw"),
            service("daap-orders-pooler"),
        ]),
        secrets: Ok([Some(json!({})), None]),
        pooler_service: Ok(Some(service("daap-orders-pooler"))),
    }
}

fn shown(parts: &Parts, events: &[Value]) -> String {
    let name = DatabaseName::parse("orders").unwrap();
    tree(&fixtures::ready("orders"), &name, parts, events).render(true)
}

#[test]
fn every_part_has_its_condition() {
    insta::assert_snapshot!(shown(&parts(), &[]));
}

#[test]
fn what_may_not_be_seen_is_one_line() {
    let why = || "ada may not list pods in namespace apps".to_owned();
    let parts = Parts {
        pods: Err(why()),
        secrets: Err("ada may not get secrets in namespace apps".into()),
        ..parts()
    };
    insta::assert_snapshot!(shown(&parts, &[]));
}

/// The tree of what the real operator left when it was stuck.
fn stuck(case: &str) -> Option<String> {
    let stuck = fixtures::stuck(case)?;
    let parts = Parts {
        pods: Ok(stuck.pods),
        volumes: Ok(stuck.volumes),
        ..Parts::nothing()
    };
    let warnings = stuck.events.into_iter();
    let warnings = warnings.filter(|event| event["type"] == "Warning");
    let events: Vec<Value> = warnings.filter(|_| is_stuck(&parts)).collect();
    Some(tree(&stuck.database, &stuck.name, &parts, &events).render(true))
}

#[rstest::rstest]
#[case("image", &["sandbox.local/postgresql:99.9", "Pod/daap-image-1-initdb"])]
#[case("class", &["Unschedulable: 0/1 nodes", "ProvisioningFailed: storageclass.storage.k8s.io \"fast-ssd\" not found"])]
#[case("cpu", &["Insufficient cpu", "PersistentVolumeClaim/daap-cpu-1"])]
#[case("quota", &["Job/daap-quota-1-initdb", "exceeded quota"])]
#[case("pooler", &["CrashLoopBackOff", "primary"])]
#[case("initdb", &["exit code"])]
fn where_the_real_operator_is_stuck_the_tree_says_why(
    #[case] case: &str,
    #[case] reasons: &[&str],
) {
    let Some(shown) = stuck(case) else { return };
    for reason in reasons {
        assert!(shown.contains(reason), "{case} lacks {reason}:\n{shown}");
    }
}
