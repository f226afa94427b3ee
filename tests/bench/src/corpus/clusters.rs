//! Reviews of Clusters.

use daap_crds::contract::annotation;
use daap_crds::history::{Action, Changes, History, Row, Tracked};
use daap_crds::object::{View, set_annotation};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{defaulted, merge, store};
use super::world::{OWNER, STRANGER, World, desired, mutated};
use super::{Expected, MUTATE, Review, VALIDATE, review_of};

/// An id that no deleted database has.
const SHOP_ID: &str = "c0ffee00-10b1-426f-9247-bb680e5fe0c8";

pub(super) fn of_creation(at: Timestamp) -> anyhow::Result<Vec<Review>> {
    let asked = desired("shop", SHOP_ID)?.cluster();
    let mut raw = asked.clone();
    // As somebody writes it by hand who knows what is required.
    merge(
        &mut raw,
        &json!({"metadata": {"labels": {"daap.dev/name": null, "daap.dev/id": null, "app.kubernetes.io/managed-by": null}},
            "spec": {"inheritedMetadata": null, "certificates": null, "storage": {"size": null}}}),
    );
    let mut complete = mutated(None, &asked, at);
    defaulted(&mut complete);
    let review = |name, path, expected, ages, object: &Value| Review {
        ages,
        ..cluster_review(name, path, expected, "CREATE", OWNER, object, &Value::Null)
    };
    Ok(vec![
        review("mutate-create", MUTATE, Expected::Patched, false, &asked),
        review("mutate-create-raw", MUTATE, Expected::Patched, false, &raw),
        review(
            "validate-create",
            VALIDATE,
            Expected::Allowed,
            true,
            &complete,
        ),
    ])
}

pub(super) fn of_updates(world: &World, at: Timestamp) -> Vec<Review> {
    let old = &world.orders;
    let changed = |change: &Value| {
        let mut object = old.clone();
        merge(&mut object, change);
        object
    };
    let tuned = changed(&json!({"spec": {
        "postgresql": {"parameters": {"work_mem": "64MB", "max_connections": "200"}},
        "resources": {"limits": {"memory": "2Gi"}, "requests": {"memory": "2Gi"}},
    }}));
    let grown = changed(&json!({
        "metadata": {"annotations": {"daap.dev/change-reason": "SHOP-5001: another christmas"}},
        "spec": {"instances": 3, "storage": {"size": "20Gi"}},
    }));
    let recorded = mutated(Some(old), &grown, at);
    let review = |name, path, expected, object: &Value| {
        cluster_review(name, path, expected, "UPDATE", OWNER, object, old)
    };
    let delete = |name, path| {
        let (nothing, old) = (&Value::Null, &world.archive);
        cluster_review(name, path, Expected::Allowed, "DELETE", OWNER, nothing, old)
    };
    let old_hand = aged(old);
    let mut scaled = old_hand.clone();
    merge(&mut scaled, &json!({"spec": {"instances": 3}}));
    let scaled_recorded = mutated(Some(&old_hand), &scaled, at);
    vec![
        cluster_review(
            "mutate-update-aged",
            MUTATE,
            Expected::Patched,
            "UPDATE",
            OWNER,
            &scaled,
            &old_hand,
        ),
        Review {
            ages: true,
            ..cluster_review(
                "validate-update-aged",
                VALIDATE,
                Expected::Allowed,
                "UPDATE",
                OWNER,
                &scaled_recorded,
                &old_hand,
            )
        },
        review("mutate-update", MUTATE, Expected::Patched, &grown),
        review("mutate-nothing", MUTATE, Expected::Allowed, &tuned),
        review("validate-update", VALIDATE, Expected::Allowed, &tuned),
        Review {
            ages: true,
            ..review(
                "validate-update-recorded",
                VALIDATE,
                Expected::Allowed,
                &recorded,
            )
        },
        delete("mutate-delete", MUTATE),
        delete("validate-delete", VALIDATE),
    ]
}

/// The same Cluster after a thousand changes, each with a reason of its own: with as much history as is kept.
fn aged(cluster: &Value) -> Value {
    let mut cluster = cluster.clone();
    let view = View(&cluster);
    let record = Tracked::of(view);
    let mut history = { view.annotation(annotation::HISTORY) }
        .and_then(|text| History::parse(text).ok())
        .unwrap_or_default();
    for change in 1..1_000 {
        history.rows.push(Row {
            version: history.version() + 1,
            from: history.next_instant(history.latest().unwrap_or_default()),
            by: OWNER.to_owned(),
            reason: Some(format!("SHOP-{change:05}: more or fewer of them")),
            action: Action::Updated,
            set: Changes {
                instances: Some(record.instances + change % 2),
                ..Changes::default()
            },
        });
    }
    let from = history.next_instant(history.latest().unwrap_or_default());
    let history = history.with(Action::Updated, from, OWNER, None, &record);
    set_annotation(
        &mut cluster,
        annotation::VERSION,
        history.version().to_string(),
    );
    set_annotation(&mut cluster, annotation::HISTORY, history.to_annotation());
    cluster
}

pub(super) fn of_denials(world: &World) -> Vec<Review> {
    let old = &world.orders;
    let mut bad = old.clone();
    merge(
        &mut bad,
        &json!({
            "metadata": {
                "labels": {"daap.dev/name": "other", "daap.dev/owner-team": "billing"},
                "annotations": {"daap.dev/purpose": "", "daap.dev/version": "41", "cnpg.io/validation": "disabled"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}],
            },
            "spec": {
                "instances": 9,
                "storage": {"size": "1Gi", "storageClass": "fast"},
                "inheritedMetadata": {"labels": {"daap.dev/owner-team": "sales", "cnpg.io/cluster": "daap-other"}},
                "envFrom": [{"secretRef": {"name": "daap-other-app"}}],
                "superuserSecret": {"name": "daap-other-superuser"},
                "postgresql": {"parameters": {"archive_command": "curl evil"}, "pg_hba": ["host all postgres 0.0.0.0/0 trust"]},
                "bootstrap": {"initdb": {"postInitSQL": ["create role x superuser"]}},
                "backup": {"barmanObjectStore": {"s3Credentials": {"accessKeyId": {"name": "daap-other-app", "key": "x"}}}},
                "ofALaterRelease": true,
            },
        }),
    );
    let mut tuned = old.clone();
    merge(
        &mut tuned,
        &json!({"spec": {"postgresql": {"parameters": {"work_mem": "64MB"}}}}),
    );
    let mut invalid = old.clone();
    merge(
        &mut invalid,
        &json!({"spec": {"storage": {"size": "many"}}}),
    );
    let review = |name, operation, user, object: &Value, old: &Value| {
        cluster_review(
            name,
            VALIDATE,
            Expected::Denied,
            operation,
            user,
            object,
            old,
        )
    };
    let nothing = &Value::Null;
    let neighbour = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "legacy", "namespace": "apps", "annotations": {"cnpg.io/podPatch": "daap-orders"}},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}, "externalClusters": [{"name": "daap-orders", "password": {"name": "daap-orders-app", "key": "password"}}]},
    });
    let mut occupying = old.clone();
    occupying["metadata"]["labels"]["daap.dev/id"] = SHOP_ID.into();
    let bare = json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-x", "namespace": "apps"}, "spec": {"instances": 9, "storage": {"size": "1X"}}});
    vec![
        review("validate-deny", "UPDATE", OWNER, &bad, old),
        review("validate-deny-stranger", "UPDATE", STRANGER, &tuned, old),
        review("validate-deny-invalid", "UPDATE", OWNER, &invalid, old),
        review("validate-deny-create", "CREATE", OWNER, &bare, nothing),
        review(
            "validate-deny-occupied",
            "CREATE",
            OWNER,
            &occupying,
            nothing,
        ),
        review("validate-deny-delete", "DELETE", OWNER, nothing, old),
        review(
            "validate-deny-neighbour",
            "CREATE",
            OWNER,
            &neighbour,
            nothing,
        ),
    ]
}

/// Two objects of 3 MiB: as much as the API server lets through.
pub(super) fn large(world: &World, path: &'static str, name: &'static str) -> Review {
    let mut old = world.orders.clone();
    let notes = (0..3000).map(|note| {
        (
            format!("example.com/note-{note:04}"),
            "x".repeat(1000).into(),
        )
    });
    merge(
        &mut old,
        &json!({"metadata": {"annotations": Value::Object(notes.collect())}}),
    );
    let status = old["status"].clone();
    let uid = old["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    old["metadata"]["managedFields"] = Value::Null;
    store(&mut old, &uid, status);
    let mut new = old.clone();
    merge(
        &mut new,
        &json!({"spec": {"postgresql": {"parameters": {"work_mem": "64MB"}}}}),
    );
    cluster_review(name, path, Expected::Allowed, "UPDATE", OWNER, &new, &old)
}

fn cluster_review(
    name: &'static str,
    path: &'static str,
    expected: Expected,
    operation: &str,
    user: &str,
    object: &Value,
    old: &Value,
) -> Review {
    Review {
        name,
        path,
        expected,
        ages: false,
        review: review_of("clusters", "Cluster", operation, user, object, old),
    }
}
