//! Who may write a Cluster, and what becomes of the write.

use std::process::Stdio;

use daap_crds::contract::{annotation, label};
use daap_crds::history::{History, verify_object};
use daap_crds::names::DatabaseId;
use daap_crds::object::View;
use daap_tests::sandbox::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::place::{Crds, Place, essence};

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_bare_cluster_is_defaulted_or_denied(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "bare").await else {
        return;
    };
    let bare = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-x"}, "spec": {"instances": 9, "storage": {"size": "1X"}},
    });
    // For an invalid object kubectl prints the causes alone: all of them, and each by its field.
    let every = [
        "naming",
        "daap.dev/owner-team",
        "daap.dev/purpose",
        "spec.instances",
        "1X",
    ];
    place.denied(
        User::PaymentsDev,
        &["apply", "-f", "-"],
        Some(&bare),
        &every,
    );

    let silent = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-shop", "labels": {label::OWNER_TEAM: "payments"},
            "annotations": {annotation::PURPOSE: "a shop"}},
        "spec": {"storage": {"size": "1Gi"}},
    });
    place.allowed(User::PaymentsDev, &["apply", "-f", "-"], Some(&silent));
    let stored = place.read("cluster/daap-shop");
    let view = View(&stored);
    assert_eq!(view.label(label::NAME), Some("shop"));
    assert!(DatabaseId::parse(view.label(label::ID).unwrap()).is_ok());
    assert_eq!(
        view.annotation(annotation::CREATED_BY),
        Some("payments-dev")
    );
    assert_eq!(view.annotation(annotation::VERSION), Some("1"));
    assert_eq!(
        stored["spec"]["certificates"]["serverAltDNSNames"][1],
        format!("daap-shop-pooler.{}", place.namespace)
    );

    // GitOps applies the same manifest for ever: not a byte changes.
    place.allowed(User::PaymentsDev, &["apply", "-f", "-"], Some(&silent));
    assert_eq!(place.read("cluster/daap-shop"), stored);
    let server_side = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    place.allowed(User::PaymentsDev, &server_side, Some(&silent));
    let once = place.read("cluster/daap-shop");
    place.allowed(User::PaymentsDev, &server_side, Some(&silent));
    assert_eq!(place.read("cluster/daap-shop"), once);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn others_change_nothing_whichever_way_they_go(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "others").await else {
        return;
    };
    let cluster = essence(&place.create_orders());
    let pooler = essence(&place.read("pooler/daap-orders-pooler"));
    let mut stolen = cluster.clone();
    stolen["metadata"]["labels"][label::OWNER_TEAM] = "billing".into();
    let mut stripped = cluster.clone();
    stripped["metadata"]["labels"] = Value::Null;
    stripped["metadata"]["annotations"] = Value::Null;
    let patch = r#"{"metadata":{"labels":{"daap.dev/name":null,"daap.dev/owner-team":null,"daap.dev/id":null}}}"#;
    let owner = r#"{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"1"}]}}"#;
    for user in [User::BillingDev, User::Outsider] {
        for object in ["cluster/daap-orders", "pooler/daap-orders-pooler"] {
            let why = &["payments"][..];
            for words in [
                &["label", object, "tier=gold"][..],
                &["label", object, "daap.dev/owner-team-"],
                &["annotate", object, "cnpg.io/hibernation=on"],
                &["annotate", object, "daap.dev/offered-to=billing"],
                &["patch", object, "--type=merge", "-p", patch],
                &["patch", object, "--type=merge", "-p", owner],
                &[
                    "patch",
                    object,
                    "--type=merge",
                    "-p",
                    r#"{"spec":{"instances":2}}"#,
                ],
                &[
                    "patch",
                    object,
                    "--type=json",
                    "-p",
                    r#"[{"op":"replace","path":"/metadata/labels","value":{}}]"#,
                ],
                &["delete", object, "--wait=false"],
                &["delete", object, "--wait=false", "--cascade=orphan"],
            ] {
                place.denied(user, words, None, why);
            }
        }
        for manifest in [&stolen, &stripped] {
            place.denied(user, &["replace", "-f", "-"], Some(manifest), &["payments"]);
            place.denied(
                user,
                &["apply", "--server-side", "--force-conflicts", "-f", "-"],
                Some(manifest),
                &["payments"],
            );
        }
        place.denied(
            user,
            &["scale", "cluster/daap-orders", "--replicas=3"],
            None,
            &["kubectl daap update orders"],
        );
        place.denied(
            user,
            &["scale", "pooler/daap-orders-pooler", "--replicas=2"],
            None,
            &["payments"],
        );
        place.denied(
            user,
            &["delete", "clusters", "--all", "--wait=false"],
            None,
            &["payments"],
        );
        let edited = place
            .sandbox
            .kubectl(user)
            .args(["edit", "cluster/daap-orders", "-n", &place.namespace])
            .env("KUBE_EDITOR", "sed -i s/intake/theft/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!edited.status.success(), "{user} edited it");
    }
    assert_eq!(essence(&place.read("cluster/daap-orders")), cluster);
    assert_eq!(essence(&place.read("pooler/daap-orders-pooler")), pooler);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_passes_where_the_rules_allow(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "admin").await else {
        return;
    };
    place.create_orders();
    let admin = User::Admin;
    place.allowed(admin, &["label", "cluster/daap-orders", "tier=gold"], None);
    place.allowed(
        admin,
        &[
            "annotate",
            "cluster/daap-orders",
            "--overwrite",
            "daap.dev/purpose=returns",
        ],
        None,
    );
    place.allowed(
        admin,
        &[
            "annotate",
            "cluster/daap-orders",
            "cnpg.io/reconciliationLoop=enabled",
        ],
        None,
    );
    place.allowed(
        admin,
        &["scale", "pooler/daap-orders-pooler", "--replicas=2"],
        None,
    );
    place.denied(
        admin,
        &["scale", "pooler/daap-orders-pooler", "--replicas=9"],
        None,
        &["1–5"],
    );
    place.denied(
        admin,
        &["scale", "cluster/daap-orders", "--replicas=2"],
        None,
        &["--instances 2"],
    );
    place.denied(
        admin,
        &[
            "label",
            "cluster/daap-orders",
            "--overwrite",
            "daap.dev/id=67e55044-10b1-426f-9247-bb680e5fe0c8",
        ],
        None,
        &["never changes"],
    );
    place.denied(
        admin,
        &["delete", "cluster/daap-orders", "--wait=false"],
        None,
        &["kubectl daap delete orders"],
    );
    let cluster = place.read("cluster/daap-orders");
    let history = History::parse(View(&cluster).annotation(annotation::HISTORY).unwrap()).unwrap();
    let by: Vec<&str> = history.rows.iter().map(|row| row.by.as_str()).collect();
    assert_eq!(by, ["payments-dev", "admin"]);
    assert_eq!(history.rows[1].set.purpose.as_deref(), Some("returns"));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_rewrites_the_past(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "past").await else {
        return;
    };
    let before = place.create_orders();
    let forged = r#"daap.dev/history={"rows":[]}"#;
    for user in [User::PaymentsDev, User::Admin] {
        place.allowed(
            user,
            &[
                "annotate",
                "cluster/daap-orders",
                "--overwrite",
                forged,
                "daap.dev/created-by=mallory",
                "daap.dev/version=40",
            ],
            None,
        );
        let after = place.read("cluster/daap-orders");
        for key in annotation::STAMPS {
            assert_eq!(
                View(&after).annotation(key),
                View(&before).annotation(key),
                "{key}"
            );
        }
    }
    // The operator is exempt from ownership, never from the record.
    place.allowed(
        User::Operator,
        &[
            "patch",
            "cluster/daap-orders",
            "--type=merge",
            "-p",
            r#"{"spec":{"logLevel":"debug"}}"#,
        ],
        None,
    );
    place.denied(
        User::Operator,
        &[
            "label",
            "cluster/daap-orders",
            "--overwrite",
            "daap.dev/name=other",
        ],
        None,
        &["never changes"],
    );
}

/// Far more versions than are stored as they are: none is lost, and none can be rewritten.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_is_kept_whole() {
    let Some(place) = Place::of(Crds::Own, "long").await else {
        return;
    };
    place.create_orders();
    let change = |user: User, version: u64| {
        let change = json!({
            "metadata": {"annotations": {annotation::CHANGE_REASON: format!("for version {version}")}},
            "spec": {"instances": 2 - version % 2},
        });
        let patch = ["patch", "cluster/daap-orders", "--type=merge", "-p"];
        place.allowed(user, &[&patch[..], &[&change.to_string()]].concat(), None);
        place.read("cluster/daap-orders")
    };
    (2..40).for_each(|version| drop(change(User::PaymentsDev, version)));
    let changed = change(User::PaymentsDev, 40);
    let stored = View(&changed).annotation(annotation::HISTORY).unwrap();
    assert!(stored.contains("packed"), "{stored}");
    assert_eq!(verify_object(View(&changed)), []);
    let history = History::parse(stored).unwrap();
    for (row, version) in history.rows.iter().zip(1..) {
        assert_eq!((row.version, row.by.as_str()), (version, "payments-dev"));
        let reason = (version > 1).then(|| format!("for version {version}"));
        assert_eq!(row.reason, reason);
    }
    assert_eq!(history.rows.len(), 40);

    let forged = stored.replace("payments-dev", "mallory");
    assert_ne!(forged, stored);
    let forged = format!("{}={forged}", annotation::HISTORY);
    let annotate = ["annotate", "cluster/daap-orders", "--overwrite", &forged];
    place.allowed(User::Admin, &annotate, None);
    let after = place.read("cluster/daap-orders");
    assert_eq!(View(&after).annotation(annotation::HISTORY), Some(stored));
    let next = change(User::Admin, 41);
    let kept = History::parse(View(&next).annotation(annotation::HISTORY).unwrap()).unwrap();
    assert_eq!(kept.rows[..40], history.rows);
}
