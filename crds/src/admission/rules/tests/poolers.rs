//! Poolers, and how many of them: scale.

use super::*;

#[rstest]
#[case("payments-dev", json!({}), &[])]
#[case("billing-dev", json!({}), &["ownership metadata.labels[daap.dev/owner-team]"])]
#[case("billing-dev", json!({"metadata": {"name": "mine", "labels": null, "ownerReferences": null}}), &["ownership metadata.labels[daap.dev/owner-team]"])]
#[case("payments-dev", json!({"metadata": {"name": "readers", "labels": null, "ownerReferences": null}, "spec": {"type": "ro"}}), &[])]
#[case("payments-dev", json!({"metadata": {"name": "daap-other-pooler"}}), &["naming metadata.name"])]
#[case("payments-dev", json!({"metadata": {"name": null, "generateName": "daap-"}}), &["naming metadata.generateName"])]
#[case("payments-dev", json!({"metadata": {"ownerReferences": [{"kind": "Cluster", "name": "daap-orders", "uid": "stale"}]}}), &["owner-references metadata.ownerReferences"])]
#[case("payments-dev", json!({"metadata": {"name": "mine", "labels": {"daap.dev/id": "1", "daap.dev/name": null, "daap.dev/owner-team": null}}}), &["immutable metadata.labels[daap.dev/id]"])]
#[case("payments-dev", json!({"spec": {"instances": 6}}), &["limits spec.instances"])]
#[case("payments-dev", json!({"spec": {"pgbouncer": {"poolMode": "statement"}}}), &["limits spec.pgbouncer.poolMode"])]
#[case("payments-dev", json!({"spec": {"cluster": {"name": "daap-nowhere"}}, "metadata": {"name": "x", "ownerReferences": null, "labels": null}}), &["dependents spec.cluster.name"])]
fn a_pooler_is_its_clusters(#[case] user: &str, #[case] change: Value, #[case] expected: &[&str]) {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut pooler = orders().pooler("uid-of-orders");
    json_patch::merge(&mut pooler, &change);
    assert_eq!(
        world.refusals(&pooler_write(Operation::Create, user, None, Some(&pooler))),
        expected
    );
}

#[test]
fn a_pooler_is_completed_from_its_cluster() {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let bare = json!({
        "metadata": {"name": "daap-orders-pooler", "namespace": "apps"},
        "spec": {"cluster": {"name": "daap-orders"}, "instances": 1, "pgbouncer": {"poolMode": "session"}},
    });
    let request = pooler_write(Operation::Create, "payments-dev", None, Some(&bare));
    let mutation = world.settle(&request, mutate);
    let view = View(&mutation.object);
    assert_eq!(view.label(label::OWNER_TEAM), Some("payments"));
    assert!(view.is_owned_by("uid-of-orders"));
    assert_eq!(view.text("/spec/pgbouncer/poolMode"), Some("transaction"));
    assert_eq!(mutation.warnings.len(), 1);
    let moved = json!({"spec": {"cluster": {"name": "daap-other"}}});
    let mut new = mutation.object.clone();
    json_patch::merge(&mut new, &moved);
    let refusals = world.refusals(&pooler_write(
        Operation::Update,
        "payments-dev",
        Some(&mutation.object),
        Some(&new),
    ));
    assert!(
        refusals.contains(&"immutable spec.cluster.name".to_owned()),
        "{refusals:?}"
    );
    let delete = |user| pooler_write(Operation::Delete, user, Some(&mutation.object), None);
    assert_eq!(world.refusals(&delete("payments-dev")), [""; 0]);
    assert_eq!(world.refusals(&delete("billing-dev")).len(), 1);
    assert_eq!(
        World::default().refusals(&delete("billing-dev")).len(),
        1,
        "also once its cluster is gone"
    );
}

#[test]
fn scale_does_not_skip_the_rules() {
    let mut world = World {
        clusters: vec![stored()],
        poolers: vec![orders().pooler("uid-of-orders")],
        ..World::default()
    };
    let scale = |replicas: i64| json!({"kind": "Scale", "spec": {"replicas": replicas}});
    let scaled = |resource, user: &str, name: &str, replicas| {
        let mut request = write(
            resource,
            Operation::Update,
            user,
            Some(&scale(1)),
            Some(&scale(replicas)),
        );
        request.request_name = name.into();
        request
    };
    let cluster = scaled(Resource::ClusterScale, "payments-dev", "daap-orders", 2);
    let violations = world.admit(&cluster).1;
    assert_eq!(
        violations[0].hint,
        "type: kubectl daap update orders -n apps --instances 2"
    );
    let pooler =
        |user: &str, replicas| scaled(Resource::PoolerScale, user, "daap-orders-pooler", replicas);
    assert_eq!(world.refusals(&pooler("payments-dev", 2)), [""; 0]);
    assert_eq!(
        world.refusals(&pooler("payments-dev", 6)),
        ["limits spec.replicas"]
    );
    assert_eq!(
        world.refusals(&pooler("billing-dev", 2)),
        ["ownership metadata.labels[daap.dev/owner-team]"]
    );
    world.clusters = vec![json!({"metadata": {"name": "legacy"}})];
    let foreign = scaled(Resource::ClusterScale, "outsider", "legacy", 2);
    assert_eq!(world.refusals(&foreign), [""; 0]);
}
