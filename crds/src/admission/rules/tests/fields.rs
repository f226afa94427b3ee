//! Names, required fields and limits of a Cluster.

use super::*;

#[test]
fn a_bare_cluster_is_refused_with_everything_that_is_missing() {
    let bare = json!({"metadata": {"name": "daap-x", "namespace": "apps"}, "spec": {"instances": 9, "storage": {"size": "1X"}}});
    assert_eq!(
        World::default().refusals(&create("payments-dev", &bare)),
        [
            "naming metadata.name",
            "required metadata.labels[daap.dev/owner-team]",
            "required metadata.annotations[daap.dev/purpose]",
            "limits spec.instances",
            "format spec.storage.size",
        ]
    );
}

#[test]
fn clusters_of_others_are_left_alone() {
    let other =
        json!({"metadata": {"name": "legacy", "namespace": "apps"}, "spec": {"instances": 40}});
    let (stored, violations) = World::default().admit(&create("outsider", &other));
    assert_eq!((stored, violations), (other.clone(), Vec::new()));
    // A label does not make it ours.
    let claim = labels(&json!({"daap.dev/owner-team": "payments"}));
    let refusals = World::default().refusals(&update("admin", &other, &claim));
    assert!(
        refusals.contains(&"naming metadata.name".to_owned()),
        "{refusals:?}"
    );
}

#[rstest]
#[case(labels(&json!({"daap.dev/name": "Orders"})), &["naming metadata.labels[daap.dev/name]"])]
#[case(labels(&json!({"daap.dev/name": "other"})), &["naming metadata.name"])]
#[case(json!({"metadata": {"name": "orders"}}), &["naming metadata.name"])]
#[case(json!({"metadata": {"name": null, "generateName": "daap-orders-"}}), &["naming metadata.generateName"])]
#[case(labels(&json!({"daap.dev/id": "42"})), &["format metadata.labels[daap.dev/id]"])]
#[case(labels(&json!({"daap.dev/owner-team": ""})), &["format metadata.labels[daap.dev/owner-team]"])]
#[case(annotations(&json!({"daap.dev/purpose": ""})), &["format metadata.annotations[daap.dev/purpose]"])]
#[case(annotations(&json!({"daap.dev/change-reason": "a\nb"})), &["format metadata.annotations[daap.dev/change-reason]"])]
#[case(annotations(&json!({"daap.dev/offered-to": "No"})), &["format metadata.annotations[daap.dev/offered-to]"])]
#[case(annotations(&json!({"cnpg.io/validation": "disabled"})), &["administrator metadata.annotations[cnpg.io/validation]"])]
#[case(annotations(&json!({"cnpg.io/hibernation": "on"})), &[])]
#[case(json!({"spec": {"instances": 0}}), &["limits spec.instances"])]
#[case(json!({"spec": {"instances": 6}}), &["limits spec.instances"])]
#[case(json!({"spec": {"storage": {"size": "0"}}}), &["format spec.storage.size"])]
#[case(json!({"spec": {"storage": {"size": "2Ti"}}}), &["limits spec.storage.size"])]
#[case(json!({"metadata": {"ownerReferences": [{"kind": "ConfigMap", "name": "x", "uid": "1"}]}}), &["owner-references metadata.ownerReferences"])]
fn a_new_cluster_is_judged_by_its_fields(#[case] change: Value, #[case] expected: &[&str]) {
    let mut cluster = orders().cluster();
    json_patch::merge(&mut cluster, &change);
    assert_eq!(
        World::default().refusals(&create("payments-dev", &cluster)),
        expected
    );
}

#[test]
fn the_policy_is_heeded() {
    let world = World {
        policy: Policy::from_yaml(
            "teams: [billing]\nnames: {pattern: '[a-z]+-prod', reserved: [orders]}\nlimits: {images: ['good/.*']}\ndefaults: {image: 'good/postgresql:17'}",
        )
        .unwrap(),
        ..World::default()
    };
    assert_eq!(
        world.refusals(&create("payments-dev", &orders().cluster())),
        [
            "naming metadata.labels[daap.dev/name]",
            "naming metadata.labels[daap.dev/name]",
            "teams metadata.labels[daap.dev/owner-team]",
            "limits spec.imageName",
        ]
    );
}

#[test]
fn an_old_object_that_broke_a_rule_may_change_as_long_as_it_gets_no_worse() {
    let mut desired = orders();
    desired.instances = 9;
    let mut old = desired.cluster();
    set_label(&mut old, label::OWNER_TEAM, "payments");
    old["spec"]["imageName"] = "old/postgresql:12".into();
    let world = World {
        policy: Policy::from_yaml("limits: {images: ['good/.*']}").unwrap(),
        ..World::default()
    };
    let instances = |count: i64| json!({"spec": {"instances": count}});
    assert_eq!(
        world.refusals(&update(
            "payments-dev",
            &old,
            &json!({"metadata": {"labels": {"a": "b"}}})
        )),
        [""; 0]
    );
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &instances(7))),
        [""; 0]
    );
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &instances(10))),
        ["limits spec.instances"]
    );
}

#[test]
fn an_id_belongs_to_one_database() {
    let world = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let mut twin = orders();
    twin.name = crate::names::DatabaseName::parse("twin").unwrap();
    assert_eq!(
        world.refusals(&create("payments-dev", &twin.cluster())),
        ["name-gate metadata.labels[daap.dev/id]"]
    );
}

#[test]
fn while_an_object_is_being_deleted_only_finalizers_change() {
    let mut old = stored();
    old["metadata"]["deletionTimestamp"] = "2026-11-21T09:59:00Z".into();
    old["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let world = World::default();
    let release = json!({"metadata": {"finalizers": null}});
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &release)),
        [""; 0]
    );
    assert_eq!(world.refusals(&update("outsider", &old, &release)).len(), 1);
    assert_eq!(
        world.refusals(&update(
            "payments-dev",
            &old,
            &json!({"spec": {"instances": 2}})
        )),
        ["deleting metadata"]
    );
}
