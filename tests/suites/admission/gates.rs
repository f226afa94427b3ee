//! What comes and goes: Clusters by their gates, Poolers with their Clusters, and what is not ours.

use daap_crds::contract::label;
use daap_crds::names::{DatabaseId, Team};
use daap_crds::object::View;
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use daap_tests::sandbox::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::place::{Crds, Place, errors};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_goes_only_with_its_tombstone(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "gate").await else {
        return;
    };
    let cluster = place.create_orders();
    place.denied(
        User::PaymentsDev,
        &["delete", "cluster/daap-orders", "--wait=false"],
        None,
        &["kubectl daap delete orders"],
    );
    let map = given_up(&place, &cluster);
    place.allowed(User::PaymentsDev, &["create", "-f", "-"], Some(&map));
    place.denied(
        User::Outsider,
        &["delete", "cluster/daap-orders", "--wait=false"],
        None,
        &["payments"],
    );
    place.allowed(
        User::PaymentsDev,
        &["delete", "cluster/daap-orders", "--timeout=20s"],
        None,
    );
    until_its_pooler_is_gone(&place);
}

/// The record of a database whose data its owner gives up.
fn given_up(place: &Place, cluster: &Value) -> Value {
    let view = View(cluster);
    let deletion = Deletion {
        by: "payments-dev",
        reason: None,
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        retention_days: 30,
    };
    let mut tombstone = Tombstone::of(view, None, deletion);
    tombstone.stage = Stage::Purged;
    let id = DatabaseId::parse(view.label(label::ID).unwrap()).unwrap();
    tombstone.config_map(view, &place.orders().name, &id, deletion)
}

/// The Pooler belongs to its Cluster: the real garbage collector takes it along, past the webhook.
fn until_its_pooler_is_gone(place: &Place) {
    let gone = [
        "wait",
        "--for=delete",
        "pooler/daap-orders-pooler",
        "--timeout=60s",
    ];
    place.allowed(User::Admin, &gone, None);
}

/// CNPG would apply to the new Cluster whatever names it.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_names_a_cluster_is_not_inherited(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "inherit").await else {
        return;
    };
    let cluster = place.create_orders();
    let left = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "metadata": {"name": "left"},
        "spec": {"cluster": {"name": "daap-orders"}, "instances": 1, "type": "rw", "pgbouncer": {}},
    });
    let owner = User::PaymentsDev;
    let create = ["create", "-f", "-"];
    place.allowed(owner, &create, Some(&left));
    place.allowed(owner, &create, Some(&given_up(&place, &cluster)));
    let delete = ["delete", "cluster/daap-orders", "--timeout=20s"];
    place.allowed(owner, &delete, None);
    until_its_pooler_is_gone(&place);
    let mut new = place.orders();
    new.team = Team::parse("billing").unwrap();
    new.id = DatabaseId::parse("0d9c3c5e-6a1f-4b7e-9a55-2f1a4c1f7a10").unwrap();
    let remedy = format!(
        "kubectl delete -n {} pooler.postgresql.cnpg.io/left",
        place.namespace
    );
    let why = ["Pooler 'left'", "[name-gate]", &remedy];
    place.denied(User::BillingDev, &create, Some(&new.cluster()), &why);
    let delete = ["delete", "pooler/left"];
    place.denied(User::BillingDev, &delete, None, &["payments"]);
    place.allowed(owner, &delete, None);
    place.allowed(User::BillingDev, &create, Some(&new.cluster()));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_foreign_is_adopted(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "adopt").await else {
        return;
    };
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "daap-orders-app"}});
    place.allowed(User::Admin, &["create", "-f", "-"], Some(&secret));
    let cluster = place.orders().cluster();
    place.denied(
        User::PaymentsDev,
        &["create", "-f", "-"],
        Some(&cluster),
        &["Secret 'daap-orders-app'"],
    );
    place.allowed(User::Admin, &["delete", "secret/daap-orders-app"], None);
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "daap-orders-1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    place.allowed(User::Admin, &["create", "-f", "-"], Some(&volume));
    place.denied(
        User::PaymentsDev,
        &["create", "-f", "-"],
        Some(&cluster),
        &["PersistentVolumeClaim 'daap-orders-1'"],
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_needs_the_team_of_its_cluster(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "pooler").await else {
        return;
    };
    place.create_orders();
    let pooler = |name: &str, cluster: &str| {
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "metadata": {"name": name},
            "spec": {"cluster": {"name": cluster}, "instances": 1, "type": "ro", "pgbouncer": {}},
        })
    };
    place.denied(
        User::BillingDev,
        &["create", "-f", "-"],
        Some(&pooler("mine", "daap-orders")),
        &["payments"],
    );
    place.denied(
        User::BillingDev,
        &["create", "-f", "-"],
        Some(&pooler("mine", "daap-nowhere")),
        &["no cluster 'daap-nowhere'"],
    );
    let output = place.kubectl(
        User::PaymentsDev,
        &["create", "-f", "-"],
        Some(&pooler("readers", "daap-orders")),
    );
    assert!(output.status.success(), "{}", errors(&output));
    assert!(
        errors(&output).contains("Warning: spec.pgbouncer.poolMode: set to transaction"),
        "{}",
        errors(&output)
    );
    let ours = place.read("pooler/daap-orders-pooler");
    assert!(View(&ours).is_owned_by(View(&place.read("cluster/daap-orders")).uid()));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn clusters_of_others_are_left_alone(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "legacy").await else {
        return;
    };
    let legacy = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "legacy"},
        "spec": {"instances": 9, "storage": {"size": "1Gi"}},
    });
    place.allowed(User::Outsider, &["apply", "-f", "-"], Some(&legacy));
    place.allowed(
        User::BillingDev,
        &["scale", "cluster/legacy", "--replicas=3"],
        None,
    );
    // It cannot become ours by a label either: it is not called daap-….
    place.denied(
        User::BillingDev,
        &["label", "cluster/legacy", "daap.dev/owner-team=billing"],
        None,
        &["daap-"],
    );
    place.allowed(User::BillingDev, &["delete", "cluster/legacy"], None);
}

/// Kyverno exempted what is being deleted (CVE-2023-34091): a finalizer kept it writable.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_deleted_changes_no_more(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "leaving").await else {
        return;
    };
    place.create_orders();
    let (owner, pooler) = (User::PaymentsDev, "pooler/daap-orders-pooler");
    let patch = |patch: &'static str| ["patch", pooler, "--type=merge", "-p", patch];
    let hold = patch(r#"{"metadata":{"finalizers":["example.com/hold"]}}"#);
    place.allowed(owner, &hold, None);
    place.allowed(owner, &["delete", pooler, "--wait=false"], None);
    let change = patch(r#"{"spec":{"instances":2}}"#);
    place.denied(owner, &change, None, &["[deleting]"]);
    place.denied(User::Admin, &change, None, &["[deleting]"]);
    let release = patch(r#"{"metadata":{"finalizers":null}}"#);
    place.denied(User::BillingDev, &release, None, &["payments"]);
    place.allowed(owner, &release, None);
}
