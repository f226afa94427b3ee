//! Volumes and Secrets of a database.

use super::*;
use crate::tombstone::Stage;

const DENIED: &str = "retained metadata.labels[daap.dev/owner-team]";

fn volume() -> Value {
    json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "daap-orders-1", "namespace": "apps",
        "finalizers": ["kubernetes.io/pvc-protection"],
        // Stale: the database was transferred since.
        "labels": {label::ID: ID, label::OWNER_TEAM: "billing", "cnpg.io/cluster": "daap-orders"},
        "ownerReferences": [{"kind": "Cluster", "uid": "uid-of-orders"}]},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}}, "data": {"password": "b2xk"}})
}

fn worlds() -> [World; 2] {
    let live = World {
        clusters: vec![stored()],
        ..World::default()
    };
    let deleted = World {
        tombstones: vec![super::tombstones::tombstone(Stage::Complete, &[])],
        ..World::default()
    };
    [live, deleted]
}

#[rstest]
#[case::detached(json!({"metadata": {"ownerReferences": null}}))]
#[case::given_away(json!({"metadata": {"ownerReferences": [{"kind": "ConfigMap", "uid": "1"}]}}))]
#[case::unlabelled(labels(&json!({"daap.dev/id": null})))]
#[case::claimed(labels(&json!({"daap.dev/owner-team": "outsider"})))]
#[case::moved(labels(&json!({"cnpg.io/cluster": "daap-other"})))]
#[case::marked(annotations(&json!({"cnpg.io/pvcStatus": "ready"})))]
#[case::grown(json!({"spec": {"resources": {"requests": {"storage": "9Ti"}}}}))]
#[case::password(json!({"data": {"password": "bmV3"}}))]
#[case::unprotected(json!({"metadata": {"finalizers": null}}))]
#[case::held(json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "example.com/mine"]}}))]
#[case::held_as_if_for_a_snapshot(json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "snapshot.storage.kubernetes.io/pvc-as-source-protection"]}}))]
#[case::bound_to_another_disk(json!({"spec": {"volumeName": "mine"}}))]
fn what_the_data_lies_in_is_the_owners(#[case] change: Value) {
    let old = volume();
    let mut new = old.clone();
    json_patch::merge(&mut new, &change);
    for (world, resource) in worlds()
        .into_iter()
        .zip([Resource::PersistentVolumeClaim, Resource::Secret])
    {
        let update = |user| write(resource, Operation::Update, user, Some(&old), Some(&new));
        assert_eq!(world.refusals(&update("payments-dev")), [""; 0]);
        // The label names them, and it is stale.
        assert_eq!(world.refusals(&update("billing-dev")), [DENIED]);
        assert_eq!(world.refusals(&update("outsider")), [DENIED]);
        let delete = |user| write(resource, Operation::Delete, user, Some(&old), None);
        assert_eq!(world.refusals(&delete("payments-dev")), [""; 0]);
        assert_eq!(world.refusals(&delete("billing-dev")), [DENIED]);
    }
}

#[rstest]
#[case("outsider", json!({"metadata": {"annotations": {"note": "x"}}}))]
#[case("system:serviceaccount:kube-system:persistent-volume-binder", json!({"spec": {"volumeName": "pv"}, "metadata": {"annotations": {"pv.kubernetes.io/bind-completed": "yes"}}}))]
#[case("system:kube-controller-manager", json!({"spec": {"volumeName": "pv"}}))]
#[case("system:serviceaccount:kube-system:pvc-protection-controller", json!({"metadata": {"finalizers": null}}))]
#[case("system:serviceaccount:snapshots:controller", json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "snapshot.storage.kubernetes.io/pvc-as-source-protection"]}}))]
#[case("system:serviceaccount:kube-system:csi-driver", json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection", "example.com/attached"]}}))]
fn controllers_do_their_work(#[case] user: &str, #[case] change: Value) {
    let old = volume();
    let mut new = old.clone();
    json_patch::merge(&mut new, &change);
    let [live, _] = worlds();
    let update = write(
        Resource::PersistentVolumeClaim,
        Operation::Update,
        user,
        Some(&old),
        Some(&new),
    );
    assert_eq!(live.refusals(&update), [""; 0]);
}

#[test]
fn an_id_is_not_taken_either() {
    let mut old = volume();
    old["metadata"]["labels"] = Value::Null;
    let [live, _] = worlds();
    let update = |user| {
        write(
            Resource::PersistentVolumeClaim,
            Operation::Update,
            user,
            Some(&old),
            Some(&volume()),
        )
    };
    assert_eq!(live.refusals(&update("outsider")), [DENIED]);
    assert_eq!(live.refusals(&update("payments-dev")), [""; 0]);
}

#[test]
fn where_no_record_is_left_the_label_says_whose_it_is() {
    let delete = |user| {
        write(
            Resource::Secret,
            Operation::Delete,
            user,
            Some(&volume()),
            None,
        )
    };
    assert_eq!(World::default().refusals(&delete("billing-dev")), [""; 0]);
    assert_eq!(World::default().refusals(&delete("payments-dev")), [DENIED]);
}

/// CNPG labels it with nothing.
#[test]
fn the_authority_is_the_owners_though_nothing_marks_it() {
    let secret = |name: &str| json!({"metadata": {"name": name}, "data": {"ca.key": "b2xk"}});
    let old = secret("daap-orders-ca");
    let mut new = old.clone();
    new["data"]["ca.key"] = "bWluZQ==".into();
    let [live, mut deleted] = worlds();
    deleted.tombstones = vec![super::tombstones::tombstone(
        Stage::Complete,
        &["daap-orders-ca"],
    )];
    for world in [live, deleted] {
        let update = |user| {
            write(
                Resource::Secret,
                Operation::Update,
                user,
                Some(&old),
                Some(&new),
            )
        };
        assert_eq!(world.refusals(&update("outsider")), [DENIED]);
        assert_eq!(world.refusals(&update("payments-dev")), [""; 0]);
        let delete = |name: &str| {
            let write = write(
                Resource::Secret,
                Operation::Delete,
                "outsider",
                Some(&secret(name)),
                None,
            );
            world.refusals(&write)
        };
        assert_eq!(delete("daap-orders-ca"), [DENIED]);
        assert_eq!(delete("daap-orders-notes"), [""; 0]);
        assert_eq!(delete("legacy-ca"), [""; 0]);
        assert_eq!(delete("daap-nobodys-ca"), [""; 0]);
    }
}

/// A purge would destroy it, and waits for who else holds it.
#[test]
fn nobody_makes_a_part_of_anothers_database() {
    for (world, resource) in worlds()
        .into_iter()
        .zip([Resource::PersistentVolumeClaim, Resource::Secret])
    {
        let create = |user, object: &Value| {
            world.refusals(&write(
                resource,
                Operation::Create,
                user,
                None,
                Some(object),
            ))
        };
        let mut new = volume();
        new["metadata"]["name"] = "planted".into();
        assert_eq!(create("outsider", &new), [DENIED]);
        // The label names them, and it is stale.
        assert_eq!(create("billing-dev", &new), [DENIED]);
        assert_eq!(create("payments-dev", &new), [""; 0]);
        // An id that no database has is nobody's.
        new["metadata"]["labels"][label::ID] = "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de".into();
        assert_eq!(create("outsider", &new), [""; 0]);
    }
    let [live, deleted] = worlds();
    let account = "system:serviceaccount:apps:daap-orders";
    let create = write(
        Resource::Secret,
        Operation::Create,
        account,
        None,
        Some(&volume()),
    );
    assert_eq!(live.refusals(&create), [""; 0]);
    assert_eq!(deleted.refusals(&create), [DENIED]);
}

/// CNPG takes a Secret of the right name as it finds it, also one that came before its own, and the
/// data of its next instance go to whichever volume is called so.
#[test]
fn nobody_makes_what_anothers_database_takes_by_its_name() {
    let create = |world: &World, resource, user, name: &str| {
        let object = json!({"metadata": {"name": name}});
        let write = write(resource, Operation::Create, user, None, Some(&object));
        world.refusals(&write)
    };
    // The name gate judges what is called after a Cluster that comes later.
    for (resource, taken, free) in [
        (
            Resource::Secret,
            &["daap-orders-app"][..],
            ["daap-orders-notes", "daap-later-app"],
        ),
        (
            Resource::PersistentVolumeClaim,
            &["daap-orders-2", "daap-orders-2-wal"],
            ["daap-orders-notes", "daap-later-1"],
        ),
    ] {
        for world in worlds() {
            for name in taken {
                assert_eq!(create(&world, resource, "outsider", name), [DENIED]);
                assert_eq!(create(&world, resource, "payments-dev", name), [""; 0]);
            }
            for name in free {
                assert_eq!(create(&world, resource, "outsider", name), [""; 0]);
            }
        }
    }
}
