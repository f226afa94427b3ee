//! What a database leaves: volumes and Secrets.

use daap_crds::contract::label;
use daap_crds::object::View;
use daap_tests::place::eventually;
use daap_tests::sandbox::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::place::{Crds, Place};

/// A volume and the Secret of `orders`, as CNPG makes them; the label of the team is stale.
fn plant(place: &Place, cluster: &Value) {
    let view = View(cluster);
    let metadata = |name: &str| {
        json!({
            "name": name,
            "labels": {label::ID: view.label(label::ID), label::OWNER_TEAM: "billing", "cnpg.io/cluster": "daap-orders"},
            "ownerReferences": [{"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": "daap-orders", "uid": view.uid(), "controller": true}],
        })
    };
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata("daap-orders-1"),
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata("daap-orders-app"),
        "stringData": {"password": "old"},
    });
    for object in [volume, secret] {
        place.allowed(User::Operator, &["create", "-f", "-"], Some(&object));
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn volumes_and_secrets_are_their_owners(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "retained").await else {
        return;
    };
    plant(&place, &place.create_orders());
    let detached = r#"{"metadata":{"ownerReferences":null}}"#;
    let password = r#"{"stringData":{"password":"mine"}}"#;
    let held = r#"[{"op":"add","path":"/metadata/finalizers","value":["kubernetes.io/pvc-protection","example.com/mine"]}]"#;
    let objects = ["pvc/daap-orders-1", "secret/daap-orders-app"];
    for user in [User::BillingDev, User::Outsider] {
        for object in objects {
            for words in [
                &["patch", object, "--type=merge", "-p", detached][..],
                &["label", object, "daap.dev/id-"],
                &[
                    "label",
                    object,
                    "--overwrite",
                    "daap.dev/owner-team=outsider",
                ],
                &["label", object, "--overwrite", "cnpg.io/cluster=daap-other"],
                &["annotate", object, "cnpg.io/pvcStatus=ready"],
                &["patch", object, "--type=json", "-p", held],
                &["delete", object, "--wait=false"],
                &["delete", "pvc,secret", "-l", "daap.dev/id", "--wait=false"],
            ] {
                place.denied(user, words, None, &["payments", "[retained]"]);
            }
        }
        let words = [
            "patch",
            "secret/daap-orders-app",
            "--type=merge",
            "-p",
            password,
        ];
        place.denied(user, &words, None, &["payments", "[retained]"]);
    }
    // Controllers do their work, and what says nothing of the database is free.
    place.allowed(
        User::Outsider,
        &["annotate", "pvc/daap-orders-1", "note=x"],
        None,
    );
    place.allowed(
        User::Operator,
        &["annotate", "pvc/daap-orders-1", "cnpg.io/pvcStatus=ready"],
        None,
    );
    let collector = "--as=system:serviceaccount:kube-system:generic-garbage-collector";
    let collect = [
        "delete",
        "pvc/daap-orders-1",
        "--dry-run=server",
        collector,
        "--as-group=daap:admins",
    ];
    place.allowed(User::Admin, &collect, None);
    // The owner rotates, detaches and destroys.
    let rotate = [
        "patch",
        "secret/daap-orders-app",
        "--type=merge",
        "-p",
        password,
    ];
    place.allowed(User::PaymentsDev, &rotate, None);
    for object in objects {
        let detach = ["patch", object, "--type=merge", "-p", detached];
        place.allowed(User::PaymentsDev, &detach, None);
        place.allowed(User::PaymentsDev, &["delete", object, "--wait=false"], None);
    }
}

/// CNPG gives the authority of a Cluster none of our labels: whoever changes it stands between the
/// database and its clients.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_trusts_by_its_name_is_its_owners(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "trusted").await else {
        return;
    };
    place.create_orders();
    for name in ["daap-orders-ca", "orders-ca"] {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name},
            "stringData": {"ca.crt": "a"},
        });
        place.allowed(User::Operator, &["create", "-f", "-"], Some(&secret));
    }
    let authority = r#"{"stringData":{"ca.crt":"mine"}}"#;
    let swap = |name| ["patch", name, "--type=merge", "-p", authority];
    let ours = "secret/daap-orders-ca";
    for user in [User::BillingDev, User::Outsider] {
        place.denied(user, &swap(ours), None, &["payments", "[retained]"]);
        place.denied(user, &["delete", ours], None, &["payments", "[retained]"]);
    }
    place.allowed(User::BillingDev, &["annotate", ours, "note=x"], None);
    place.allowed(User::BillingDev, &swap("secret/orders-ca"), None);
    place.allowed(User::PaymentsDev, &swap(ours), None);
    place.allowed(User::PaymentsDev, &["delete", ours], None);
}

/// A purge destroys by id, and CNPG takes a Secret of the right name as it finds it: whoever makes one
/// before the operator does would know the password.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_plants_what_a_database_would_take_for_its_own(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "planted").await else {
        return;
    };
    let cluster = place.create_orders();
    let id = View(&cluster).label(label::ID).unwrap().to_owned();
    let secret = |name: &str, labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels},
            "stringData": {"password": "known"},
        })
    };
    let volume = |name: &str, labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "labels": labels},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        })
    };
    let planted = [
        secret("daap-orders-app", json!({})),
        secret(
            "daap-orders-superuser",
            json!({label::ID: "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de"}),
        ),
        secret("mine", json!({label::ID: id, label::OWNER_TEAM: "billing"})),
        volume("mine", json!({label::ID: id})),
        volume("daap-orders-2", json!({})),
        volume("daap-orders-2-wal", json!({"cnpg.io/cluster": "mine"})),
    ];
    let create = ["create", "--dry-run=server", "-f", "-"];
    let role = [
        "create",
        "role",
        "planter",
        "--verb=create",
        "--resource=secrets,persistentvolumeclaims",
    ];
    place.allowed(User::Admin, &role, None);
    let everybody = [
        "create",
        "rolebinding",
        "planter",
        "--role=planter",
        "--group=system:authenticated",
    ];
    place.allowed(User::Admin, &everybody, None);
    let free = secret("orders-app", json!({}));
    eventually("the right is known", || {
        let made = place.kubectl(User::Outsider, &create, Some(&free));
        made.status.success().then_some(())
    })
    .await;
    for object in &planted {
        for user in [User::BillingDev, User::Outsider] {
            place.denied(user, &create, Some(object), &["payments", "[retained]"]);
        }
        for user in [User::PaymentsDev, User::Operator, User::Admin] {
            place.allowed(user, &create, Some(object));
        }
    }
    // What is nobody's is nobody's.
    for free in [
        secret("orders-app", json!({})),
        secret("daap-later-app", json!({})),
    ] {
        place.allowed(User::BillingDev, &create, Some(&free));
    }
}
