//! What works on a Cluster, and what it leaves.

use super::*;
use crate::tombstone::Stage;
use Operation::{Create, Delete, Update};
use Resource::{Backup, Database};

const INSTANCES: &str = "system:serviceaccount:apps:daap-orders";
const OWNED: &str = "ownership metadata.labels[daap.dev/owner-team]";
const MISSING: &str = "dependents spec.cluster.name";

fn world() -> World {
    World {
        clusters: vec![stored()],
        ..World::default()
    }
}

/// Its own labels claim another owner: they say nothing.
fn object(cluster: &str) -> Value {
    json!({"metadata": {"name": format!("{cluster}-x"), "namespace": "apps", "finalizers": ["cnpg.io/deleteDatabase"],
        "labels": {"daap.dev/owner-team": "billing"}}, "spec": {"cluster": {"name": cluster}}})
}

#[rstest]
fn what_works_on_a_cluster_is_its_teams(
    #[values(
        Resource::Database,
        Resource::DatabaseRole,
        Resource::Publication,
        Resource::Subscription,
        Resource::Backup,
        Resource::ScheduledBackup
    )]
    resource: Resource,
) {
    let (of_orders, moved, changed) = (object("daap-orders"), object("legacy"), {
        let mut changed = object("daap-orders");
        changed["metadata"]["annotations"] = json!({"note": "y"});
        changed
    });
    let created = |user: &str, new: &Value| {
        world().refusals(&write(resource, Operation::Create, user, None, Some(new)))
    };
    let updated = |user: &str, old: &Value, new: &Value| {
        let update = write(resource, Operation::Update, user, Some(old), Some(new));
        world().refusals(&update)
    };
    let deleted = |user: &str, old: &Value| {
        world().refusals(&write(resource, Operation::Delete, user, Some(old), None))
    };
    for user in [
        "billing-dev",
        "outsider",
        "system:serviceaccount:apps:daap-other",
    ] {
        assert_eq!(created(user, &of_orders), [OWNED]);
        assert_eq!(updated(user, &of_orders, &changed), [OWNED]);
        assert_eq!(updated(user, &of_orders, &moved), [OWNED]);
        assert_eq!(updated(user, &moved, &of_orders), [OWNED]);
        assert_eq!(deleted(user, &of_orders), [OWNED]);
        assert_eq!(created(user, &object("daap-nowhere")), [MISSING]);
        assert_eq!(created(user, &moved), [""; 0]);
        // Nothing is left that it could work on.
        assert_eq!(deleted(user, &object("daap-nowhere")), [""; 0]);
    }
    let spared = |refusals: Vec<String>| {
        let mut refusals = refusals.into_iter();
        refusals.all(|refusal| refusal.starts_with("spec-fields"))
    };
    assert!(spared(created("payments-dev", &of_orders)));
    assert!(spared(updated("payments-dev", &of_orders, &changed)));
    assert_eq!(deleted("payments-dev", &of_orders), [""; 0]);
}

#[test]
fn the_account_of_the_instances_releases_and_expires_and_nothing_else() {
    let old = object("daap-orders");
    let mut released = old.clone();
    released["metadata"]["finalizers"] = Value::Null;
    released["status"] = json!({"applied": true});
    let mut changed = old.clone();
    changed["spec"]["owner"] = "mallory".into();
    let foreign = object("daap-other");
    let write = |resource, operation, old: Option<&Value>, new: Option<&Value>| {
        world().refusals(&write(resource, operation, INSTANCES, old, new))
    };
    assert_eq!(
        write(Database, Update, Some(&old), Some(&released)),
        [""; 0]
    );
    assert_eq!(write(Backup, Delete, Some(&old), None), [""; 0]);
    assert_eq!(
        write(Database, Update, Some(&old), Some(&changed)),
        [MISSING]
    );
    assert_eq!(write(Database, Delete, Some(&old), None), [MISSING]);
    assert_eq!(write(Backup, Create, None, Some(&old)), [MISSING]);
    // Of another database it is nobody.
    let mut other = world();
    let mut cluster = stored();
    cluster["metadata"]["name"] = "daap-other".into();
    other.clusters.push(cluster);
    let delete = super::write(Backup, Delete, INSTANCES, Some(&foreign), None);
    assert_eq!(other.refusals(&delete), [OWNED]);
}

#[test]
fn what_outlives_its_cluster_is_the_last_owners() {
    let world = World {
        tombstones: vec![super::tombstones::tombstone(Stage::Complete, &[])],
        ..World::default()
    };
    let backup = object("daap-orders");
    let delete = |user| {
        write(
            Resource::Backup,
            Operation::Delete,
            user,
            Some(&backup),
            None,
        )
    };
    assert_eq!(world.refusals(&delete("payments-dev")), [""; 0]);
    assert_eq!(world.refusals(&delete("billing-dev")), [OWNED]);
}

#[rstest]
#[case(Resource::DatabaseRole, json!({"superuser": true}), "spec-fields spec.superuser")]
#[case(Resource::DatabaseRole, json!({"inRoles": ["pg_execute_server_program"]}), "spec-fields spec.inRoles")]
#[case(Resource::DatabaseRole, json!({"passwordSecret": {"name": "daap-other-app"}}), "spec-fields spec.passwordSecret")]
#[case(Resource::Backup, json!({"pluginConfiguration": {"name": "x", "parameters": {"a": "b"}}}), "spec-fields spec.pluginConfiguration.parameters")]
fn what_opens_more_is_an_administrators(
    #[case] resource: Resource,
    #[case] change: Value,
    #[case] expected: &str,
) {
    let mut new = object("daap-orders");
    json_patch::merge(&mut new, &json!({ "spec": change }));
    let write = |user| write(resource, Operation::Create, user, None, Some(&new));
    assert_eq!(world().refusals(&write("payments-dev")), [expected]);
    assert_eq!(world().refusals(&write("admin")), [""; 0]);
}

#[test]
fn a_role_of_the_own_database_is_its_owners() {
    let mut role = object("daap-orders");
    let change = json!({"spec": {"name": "reader", "login": true, "inRoles": ["app", "pg_read_all_data"],
        "connectionLimit": -1, "clientCertificate": {"enabled": true}}});
    json_patch::merge(&mut role, &change);
    let create = write(
        Resource::DatabaseRole,
        Operation::Create,
        "payments-dev",
        None,
        Some(&role),
    );
    assert_eq!(world().refusals(&create), [""; 0]);
}

/// A stranger's Cluster recovers from any Backup that it may name.
#[rstest]
#[case(json!({"name": "nightly"}), &["dependents metadata.name"])]
#[case(json!({"name": null, "generateName": "nightly-"}), &["dependents metadata.name"])]
#[case(json!({"name": "daap-orders-nightly"}), &[])]
#[case(json!({"name": null, "generateName": "daap-orders-"}), &[])]
fn a_backup_is_called_after_its_cluster(#[case] name: Value, #[case] expected: &[&str]) {
    let mut backup = object("daap-orders");
    json_patch::merge(&mut backup, &json!({ "metadata": name }));
    for resource in [Backup, Resource::ScheduledBackup] {
        let create = write(resource, Create, "payments-dev", None, Some(&backup));
        assert_eq!(world().refusals(&create), expected);
    }
}
