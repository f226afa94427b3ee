use daap_tests::place::Place;
use serde_json::json;

use super::sandbox;
use crate::ground::done;

/// Verbs and resources that no role of ours gives, however it is combined.
const REFUSED: [(&str, &str); 35] = [
    ("create", "pods"),
    ("delete", "pods"),
    ("create", "pods/exec"),
    ("create", "pods/attach"),
    ("create", "secrets"),
    ("update", "secrets"),
    ("watch", "secrets"),
    ("create", "persistentvolumeclaims"),
    ("update", "persistentvolumeclaims"),
    ("deletecollection", "persistentvolumeclaims"),
    ("deletecollection", "secrets"),
    ("deletecollection", "configmaps"),
    ("deletecollection", "clusters.postgresql.cnpg.io"),
    ("update", "clusters.postgresql.cnpg.io/status"),
    ("patch", "clusters.postgresql.cnpg.io/status"),
    ("patch", "poolers.postgresql.cnpg.io/status"),
    ("create", "databases.postgresql.cnpg.io"),
    ("delete", "databases.postgresql.cnpg.io"),
    ("create", "backups.postgresql.cnpg.io"),
    ("delete", "backups.postgresql.cnpg.io"),
    ("create", "scheduledbackups.postgresql.cnpg.io"),
    ("create", "deployments.apps"),
    ("patch", "deployments.apps"),
    ("create", "jobs.batch"),
    ("patch", "services"),
    ("create", "events"),
    ("create", "serviceaccounts/token"),
    ("impersonate", "serviceaccounts"),
    ("create", "rolebindings.rbac.authorization.k8s.io"),
    ("escalate", "roles.rbac.authorization.k8s.io"),
    ("list", "nodes"),
    ("list", "namespaces"),
    ("patch", "namespaces"),
    (
        "patch",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
    ),
    (
        "list",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
    ),
];

/// Answers of the authorizer, all in one go.
pub(super) fn may(place: &Place<'_>, identity: &[&str], verb: &str, resource: &str) -> bool {
    let (resource, sub) = resource.split_once('/').unwrap_or((resource, ""));
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"namespace": place.namespace, "verb": verb, "group": group,
            "resource": plural, "subresource": sub}},
    });
    let words = [
        &[
            "create",
            "--validate=false",
            "-o",
            "jsonpath={.status.allowed}",
            "-f",
            "-",
        ][..],
        identity,
    ]
    .concat();
    done(place.sandbox, &words, Some(&review)) == "true"
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_role_gives_is_refused() {
    let place = Place::of(sandbox().await, "roles-refused").await;
    let dev = [
        "--as=payments-dev",
        "--as-group=payments",
        "--as-group=system:authenticated",
    ];
    let given: Vec<_> = REFUSED
        .iter()
        .filter(|(verb, resource)| may(&place, &dev, verb, resource))
        .collect();
    assert!(given.is_empty(), "daap-user may {given:?}");
    // Not in another namespace either, and there least of all.
    let elsewhere = Place {
        sandbox: place.sandbox,
        namespace: "daap-system",
    };
    for (verb, resource) in [
        ("get", "secrets"),
        ("patch", "configmaps"),
        ("list", "pods"),
        ("get", "clusters.postgresql.cnpg.io"),
    ] {
        assert!(
            !may(&elsewhere, &dev, verb, resource),
            "{verb} {resource} in daap-system"
        );
    }
}
