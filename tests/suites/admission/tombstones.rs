//! Tombstones: the record of a deleted database is nobody's to write.

use daap_crds::contract::{annotation, label};
use daap_crds::history::History;
use daap_crds::names::DatabaseId;
use daap_crds::object::{View, set_annotation};
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use daap_tests::sandbox::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::place::{Crds, Place};

const CREATE: &[&str] = &["create", "-f", "-"];

/// What the plugin writes for `user`.
fn tombstone(place: &Place, cluster: &Value, user: User) -> Value {
    let deletion = Deletion {
        by: user.name(),
        reason: None,
        at: jiff::Timestamp::now(),
        retention_days: 30,
    };
    let view = View(cluster);
    let id = DatabaseId::parse(view.label(label::ID).unwrap()).unwrap();
    Tombstone::of(view, None, deletion).config_map(view, &place.orders().name, &id, deletion)
}

fn at_stage(map: &Value, stage: Stage) -> String {
    let mut tombstone = Tombstone::read(View(map)).unwrap();
    tombstone.stage = stage;
    let mut patch = json!({});
    set_annotation(&mut patch, annotation::TOMBSTONE, tombstone.to_annotation());
    patch.to_string()
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_forges_a_tombstone(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "forged").await else {
        return;
    };
    let cluster = place.create_orders();
    for user in [User::BillingDev, User::Outsider] {
        let map = tombstone(&place, &cluster, user);
        place.denied(user, CREATE, Some(&map), &["payments", "[ownership]"]);
    }
    let owner = User::PaymentsDev;
    let map = tombstone(&place, &cluster, owner);
    let forged = |change: Value| {
        let mut forged = map.clone();
        json_patch::merge(&mut forged, &change);
        forged
    };
    let history = History::parse(View(&map).annotation(annotation::HISTORY).unwrap()).unwrap();
    let mut rewritten = history.clone();
    rewritten.rows[0].by = "mallory".into();
    let mut contents = Tombstone::read(View(&map)).unwrap();
    contents.cluster.spec["serviceAccountName"] = "daap-other".into();
    let annotated = |key: &str, value: String| json!({"metadata": {"annotations": {key: value}}});
    let other = DatabaseId::random().to_string();
    for (field, change) in [
        (
            annotation::HISTORY,
            annotated(annotation::HISTORY, rewritten.to_annotation()),
        ),
        (
            annotation::TOMBSTONE,
            annotated(annotation::TOMBSTONE, contents.to_annotation()),
        ),
        (
            annotation::CREATED_BY,
            annotated(annotation::CREATED_BY, "mallory".into()),
        ),
        (
            label::OWNER_TEAM,
            json!({"metadata": {"labels": {label::OWNER_TEAM: "billing"}}}),
        ),
        (
            label::ID,
            json!({"metadata": {"labels": {label::ID: other}}}),
        ),
        (
            "metadata.name",
            json!({"metadata": {"name": "daap-orders-00000000"}}),
        ),
        ("data", json!({"data": {"x": "y"}})),
    ] {
        let why = [field, "[tombstone]"];
        place.denied(owner, CREATE, Some(&forged(change)), &why);
    }
    // A ConfigMap does not become one by the way either.
    let mut plain = map.clone();
    plain["metadata"]["labels"] = Value::Null;
    place.allowed(User::Outsider, CREATE, Some(&plain));
    let replace = &["replace", "-f", "-"];
    place.denied(User::Outsider, replace, Some(&map), &["[ownership]"]);
    place.allowed(owner, replace, Some(&map));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_tombstone_stays_as_it_is_until_the_database_is_back(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "graves").await else {
        return;
    };
    let cluster = place.create_orders();
    let owner = User::PaymentsDev;
    let map = tombstone(&place, &cluster, owner);
    place.allowed(owner, CREATE, Some(&map));
    let name = format!("configmap/{}", View(&map).name());
    let patch = |patch: &str| ["patch", &name, "--type=merge", "-p", patch].map(str::to_owned);
    let run = |user: User, words: [String; 5], allowed: bool| {
        let words = words.each_ref().map(String::as_str);
        if allowed {
            place.allowed(user, &words, None);
        } else {
            place.denied(
                user,
                &words,
                None,
                &[if user == User::BillingDev {
                    "payments"
                } else {
                    "[tombstone]"
                }],
            );
        }
    };
    // The deletion may be undone as long as the Cluster lives.
    place.denied(User::BillingDev, &["delete", &name], None, &["payments"]);
    place.allowed(owner, &["delete", &name], None);
    place.allowed(owner, CREATE, Some(&map));
    // Only the stage moves on.
    run(
        User::BillingDev,
        patch(&at_stage(&map, Stage::Detached)),
        false,
    );
    run(owner, patch(&at_stage(&map, Stage::Detached)), true);
    run(owner, patch(&at_stage(&map, Stage::Written)), false);
    run(owner, patch(&at_stage(&map, Stage::Purged)), true);
    place.allowed(
        owner,
        &["delete", "cluster/daap-orders", "--timeout=60s"],
        None,
    );
    for user in [owner, User::Admin] {
        run(user, patch(&at_stage(&map, Stage::Complete)), false);
        for forged in [
            json!({"metadata": {"annotations": {annotation::HISTORY: "{}"}}}),
            json!({"metadata": {"annotations": {annotation::PURPOSE: "another"}}}),
            json!({"metadata": {"labels": {label::OWNER_TEAM: "billing"}}}),
            json!({"metadata": {"labels": {label::DELETED: null}}}),
            json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]}}),
            json!({"data": {"x": "y"}}),
        ] {
            run(user, patch(&forged.to_string()), false);
        }
        place.denied(user, &["delete", &name], None, &["[tombstone]"]);
        let all = ["delete", "configmaps", "-l", "daap.dev/deleted"];
        place.denied(user, &all, None, &["[tombstone]"]);
    }
    // A namespace that goes takes it along: its controller is exempt.
    let namespace = ["delete", "namespace", &place.namespace, "--timeout=90s"];
    place.allowed(User::Admin, &namespace, None);
}
