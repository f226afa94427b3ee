//! Deletions and restores: what is judged by a tombstone.

use super::*;
use crate::names::Team;
use crate::tombstone::{Deletion, Retained, Stage, Tombstone};

/// When `orders` was deleted.
pub(super) const DELETED_AT: &str = "2026-11-21T09:30:00Z";

pub(super) fn tombstone(stage: Stage, secrets: &[&str]) -> Value {
    let cluster = stored();
    let deletion = Deletion {
        by: "payments-dev",
        reason: None,
        at: DELETED_AT.parse().unwrap(),
        retention_days: 30,
    };
    let mut tombstone = Tombstone::of(View(&cluster), None, deletion);
    tombstone.stage = stage;
    tombstone.retained = Retained {
        volumes: vec!["daap-orders-1".into()],
        secrets: secrets.iter().map(ToString::to_string).collect(),
        ..Retained::default()
    };
    let Desired { name, id, .. } = orders();
    tombstone.config_map(View(&cluster), &name, &id, deletion)
}

#[rstest]
#[case(None, false, &["delete-gate metadata.name"])]
#[case(Some(Stage::Written), false, &["delete-gate metadata.name"])]
#[case(Some(Stage::Detached), true, &["delete-gate metadata.name"])]
#[case(Some(Stage::Detached), false, &[])]
#[case(Some(Stage::Purged), true, &[])]
fn a_cluster_goes_only_when_record_and_data_are_safe(
    #[case] stage: Option<Stage>,
    #[case] owned: bool,
    #[case] expected: &[&str],
) {
    let world = World {
        tombstones: stage
            .map(|stage| tombstone(stage, &[]))
            .into_iter()
            .collect(),
        owned_volumes: owned
            .then(|| json!({"metadata": {"name": "daap-orders-1"}}))
            .into_iter()
            .collect(),
        ..World::default()
    };
    let old = stored();
    let delete = |user| write(Resource::Cluster, Operation::Delete, user, Some(&old), None);
    assert_eq!(world.refusals(&delete("payments-dev")), expected);
    assert!(
        world
            .refusals(&delete("outsider"))
            .contains(&"ownership metadata.labels[daap.dev/owner-team]".into())
    );
}

fn volume(id: Option<&str>) -> Value {
    let labels = id.map_or(json!({}), |id| json!({label::ID: id}));
    json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "daap-orders-1", "labels": labels}})
}

#[rstest]
#[case::foreign_volume(Some(volume(None)), false, "payments-dev", &["name-gate metadata.name"])]
#[case::own_id_but_no_tombstone(Some(volume(Some(ID))), false, "payments-dev", &["name-gate metadata.name"])]
#[case::restore(Some(volume(Some(ID))), true, "payments-dev", &[])]
#[case::made_up_since(Some(json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "daap-orders-7", "labels": {label::ID: ID}}})), true, "payments-dev", &["name-gate metadata.name"])]
#[case::still_going(Some(json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "daap-orders-2", "labels": {label::ID: ID}, "ownerReferences": [{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "daap-orders", "uid": "old"}]}})), true, "payments-dev", &[])]
#[case::with_an_owner_that_lives(Some(json!({"kind": "Secret", "metadata": {"name": "daap-orders-superuser", "labels": {label::ID: ID}, "ownerReferences": [{"kind": "ConfigMap", "name": "mine", "uid": "mine"}]}})), true, "payments-dev", &["name-gate metadata.name"])]
#[case::secret_made_up_since(Some(json!({"kind": "Secret", "metadata": {"name": "daap-orders-app", "labels": {label::ID: ID}}})), true, "payments-dev", &["name-gate metadata.name"])]
#[case::retained_secret(Some(json!({"kind": "Secret", "metadata": {"name": "daap-orders-ca"}})), true, "payments-dev", &[])]
#[case::foreign_secret(Some(json!({"kind": "Secret", "metadata": {"name": "daap-orders-app"}})), true, "payments-dev", &["name-gate metadata.name"])]
#[case::restore_by_another(Some(volume(Some(ID))), true, "billing-dev", &["ownership metadata.labels[daap.dev/owner-team]"])]
fn a_cluster_comes_only_where_nothing_foreign_lies(
    #[case] found: Option<Value>,
    #[case] buried: bool,
    #[case] user: &str,
    #[case] expected: &[&str],
) {
    let world = World {
        under_names: found.into_iter().collect(),
        tombstones: buried
            .then(|| tombstone(Stage::Complete, &["daap-orders-ca"]))
            .into_iter()
            .collect(),
        ..World::default()
    };
    assert_eq!(world.refusals(&create(user, &orders().cluster())), expected);
}

fn naming(kind: &str, made: &str) -> Value {
    json!({"kind": kind, "metadata": {"name": "left", "creationTimestamp": made}})
}

fn pooler_of(id: &str) -> Value {
    let mut pooler = naming("Pooler", "2026-11-21T10:00:00Z");
    set_label(&mut pooler, label::ID, id);
    pooler
}

#[rstest]
#[case::left_by_another(naming("DatabaseRole", "2026-11-21T09:00:00Z"), None, &["name-gate metadata.name"])]
#[case::kept_with_it(naming("Backup", "2026-11-21T09:00:00Z"), Some("2026-11-21T09:30:00Z"), &[])]
#[case::in_the_same_second(naming("Pooler", "2026-11-21T09:30:00Z"), Some("2026-11-21T09:30:00Z"), &[])]
#[case::made_since(naming("Pooler", "2026-11-21T09:30:01Z"), Some("2026-11-21T09:30:00Z"), &["name-gate metadata.name"])]
#[case::of_another_restore(pooler_of(ID), Some("2026-11-21T09:30:00Z"), &[])]
#[case::of_another_database(pooler_of("7b1d"), Some("2026-11-21T09:30:00Z"), &["name-gate metadata.name"])]
#[case::of_no_restore(pooler_of(ID), None, &["name-gate metadata.name"])]
#[case::who_knows_when(naming("Database", "yesterday"), Some("2026-11-21T09:30:00Z"), &["name-gate metadata.name"])]
fn a_cluster_comes_only_where_nothing_foreign_names_it(
    #[case] left: Value,
    #[case] buried: Option<&str>,
    #[case] expected: &[&str],
) {
    let tombstones = buried.map(|made| {
        let mut tombstone = tombstone(Stage::Complete, &[]);
        tombstone["metadata"]["creationTimestamp"] = made.into();
        tombstone
    });
    let world = World {
        naming: vec![left],
        tombstones: tombstones.into_iter().collect(),
        ..World::default()
    };
    assert_eq!(
        world.refusals(&create("payments-dev", &orders().cluster())),
        expected
    );
}

#[test]
fn what_was_purged_does_not_come_back() {
    let world = World {
        tombstones: vec![tombstone(Stage::Purged, &[])],
        ..World::default()
    };
    assert_eq!(
        world.refusals(&create("payments-dev", &orders().cluster())),
        ["name-gate metadata.labels[daap.dev/id]"]
    );
}

#[test]
fn a_restore_continues_the_history_and_keeps_the_record() {
    let world = World {
        tombstones: vec![tombstone(Stage::Complete, &[])],
        ..World::default()
    };
    let (restored, violations) = world.admit(&create("payments-dev", &orders().cluster()));
    assert_eq!(violations, Vec::new());
    let actions: Vec<Action> = history_of(&restored)
        .rows
        .iter()
        .map(|row| row.action)
        .collect();
    assert_eq!(
        actions,
        [Action::Created, Action::Deleted, Action::Restored]
    );
    let mut stolen = orders();
    stolen.team = Team::parse("billing").unwrap();
    assert_eq!(
        world.refusals(&create("admin", &stolen.cluster())),
        ["name-gate metadata.labels[daap.dev/owner-team]"]
    );
}

#[test]
fn while_a_deletion_is_pending_nothing_is_woken_or_changed() {
    let mut old = stored();
    let pending = r#"{"operation":"delete","step":"detach","since":"2026-11-21T09:59:00Z"}"#;
    set_annotation(&mut old, annotation::PENDING, pending);
    set_annotation(&mut old, "cnpg.io/hibernation", "on");
    let mut world = World::default();
    let wake = annotations(&json!({"cnpg.io/hibernation": "off"}));
    let change = json!({"spec": {"instances": 2}});
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &wake)),
        ["pending-delete metadata.annotations[cnpg.io/hibernation]"]
    );
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &change)),
        ["pending-delete spec"]
    );
    let abort = annotations(&json!({"cnpg.io/hibernation": null, "daap.dev/pending": null}));
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &abort)),
        [""; 0]
    );
    // Not before the volumes are the Cluster's again: CNPG would call it unrecoverable.
    world.tombstones = vec![tombstone(Stage::Detached, &[])];
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &abort)),
        ["pending-delete metadata.annotations[daap.dev/pending]"]
    );
    world.owned_volumes = vec![volume(Some(ID))];
    assert_eq!(
        world.refusals(&update("payments-dev", &old, &abort)),
        [""; 0]
    );
}

#[test]
fn a_restore_is_judged_by_what_was_deleted_and_not_by_the_limits_of_today() {
    let world = |images: &str| {
        World {
        tombstones: vec![tombstone(Stage::Complete, &[])],
        policy: Policy::from_yaml(&format!(
            "defaults: {{instances: 2}}\nlimits: {{instances: {{min: 2, max: 3}}, images: ['{images}']}}"
        ))
        .unwrap(),
        ..World::default()
    }
    };
    let restored = create("payments-dev", &orders().cluster());
    assert_eq!(world("none").refusals(&restored), [""; 0]);
    let mut larger = orders();
    larger.instances = 4;
    larger.image = Some("registry.example/other:1".into());
    assert_eq!(
        world("none").refusals(&create("payments-dev", &larger.cluster())),
        ["limits spec.instances", "limits spec.imageName"]
    );
}

#[test]
fn a_restore_may_be_smaller_where_its_volumes_never_grew() {
    let world = World {
        tombstones: vec![tombstone(Stage::Complete, &[])],
        ..World::default()
    };
    let mut smaller = orders();
    smaller.storage = crate::size::Size::parse("512Mi").unwrap();
    assert_eq!(
        world.refusals(&create("payments-dev", &smaller.cluster())),
        [""; 0]
    );
}

#[test]
fn a_pooler_comes_back_in_the_mode_that_it_had() {
    let mut desired = orders();
    desired.pool_mode = crate::policy::PoolMode::Session;
    let cluster = stored();
    let mut kept = tombstone(Stage::Complete, &[]);
    let mut read = Tombstone::read(View(&kept)).unwrap();
    read.pooler = Some(crate::tombstone::Kept::of(View(&desired.pooler("old"))));
    set_annotation(&mut kept, annotation::TOMBSTONE, read.to_annotation());
    let write = write(
        Resource::Pooler,
        Operation::Create,
        "payments-dev",
        None,
        Some(&desired.pooler("uid-of-orders")),
    );
    for (tombstones, mode) in [(vec![kept], "session"), (Vec::new(), "transaction")] {
        let world = World {
            clusters: vec![cluster.clone()],
            tombstones,
            ..World::default()
        };
        let (pooler, violations) = world.admit(&write);
        assert_eq!(violations, Vec::new());
        assert_eq!(pooler["spec"]["pgbouncer"]["poolMode"], mode);
    }
}
