//! What works on a Cluster: whoever owns that, whatever the object's own labels say.

use daap_tests::sandbox::User;
use rstest::rstest;
use serde_json::{Value, json};

use crate::place::{Crds, Place};

/// Kinds, and their plurals.
const KINDS: [(&str, &str); 6] = [
    ("Database", "databases"),
    ("DatabaseRole", "databaseroles"),
    ("Publication", "publications"),
    ("Subscription", "subscriptions"),
    ("Backup", "backups"),
    ("ScheduledBackup", "scheduledbackups"),
];

/// Types that the API server serves: the rules see an object's metadata and what it names.
fn serve(place: &Place) {
    for (kind, plural) in KINDS {
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.postgresql.cnpg.io")},
            "spec": {"group": "postgresql.cnpg.io", "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
                "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]},
        });
        place.allowed(User::Admin, &["apply", "-f", "-"], Some(&definition));
        let name = format!("crd/{plural}.postgresql.cnpg.io");
        let established = [
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            &name,
        ];
        place.allowed(User::Admin, &established, None);
    }
    // Everybody may write them: what is refused, the webhook refuses.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "dependents"},
        "rules": [{"apiGroups": ["postgresql.cnpg.io"], "resources": ["*"], "verbs": ["*"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "dependents"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dependents"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:authenticated"}],
    });
    for object in [role, binding] {
        place.allowed(User::Admin, &["apply", "-f", "-"], Some(&object));
    }
}

/// Its labels claim the team of whoever attacks.
fn object(kind: &str, cluster: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": kind,
        "metadata": {"name": format!("{cluster}-x"), "labels": {"daap.dev/owner-team": "billing"}, "finalizers": ["example.com/hold"]},
        "spec": {"cluster": {"name": cluster}},
    })
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn strangers_work_on_no_database(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "dependents").await else {
        return;
    };
    place.create_orders();
    serve(&place);
    let create = &["create", "-f", "-"];
    for (kind, plural) in KINDS {
        let mine = object(kind, "daap-orders");
        let one = format!("{plural}.postgresql.cnpg.io/daap-orders-x");
        for user in [User::BillingDev, User::Outsider] {
            place.denied(user, create, Some(&mine), &["payments", "[ownership]"]);
        }
        let nowhere = object(kind, "daap-nowhere");
        let why = ["no cluster 'daap-nowhere'", "[dependents]"];
        place.denied(User::PaymentsDev, create, Some(&nowhere), &why);
        place.allowed(User::PaymentsDev, create, Some(&mine));
        let away = r#"{"spec":{"cluster":{"name":"legacy"}}}"#;
        for user in [User::BillingDev, User::Outsider] {
            for words in [
                &["label", &one, "--overwrite", "daap.dev/owner-team=outsider"][..],
                &[
                    "patch",
                    &one,
                    "--type=merge",
                    "-p",
                    r#"{"spec":{"owner":"mallory"}}"#,
                ],
                &[
                    "patch",
                    &one,
                    "--type=merge",
                    "-p",
                    r#"{"metadata":{"finalizers":null}}"#,
                ],
                &["patch", &one, "--type=merge", "-p", away],
                &["delete", &one, "--wait=false"],
                &["delete", plural, "--all", "--wait=false"],
            ] {
                place.denied(user, words, None, &["payments", "[ownership]"]);
            }
        }
        // One that works on somebody else's Cluster does not come over either.
        let mut theirs = object(kind, "legacy");
        theirs["metadata"]["name"] = "theirs".into();
        place.allowed(User::BillingDev, create, Some(&theirs));
        let over = r#"{"spec":{"cluster":{"name":"daap-orders"}}}"#;
        let words = [
            "patch",
            &format!("{plural}.postgresql.cnpg.io/theirs"),
            "--type=merge",
            "-p",
            over,
        ];
        place.denied(User::BillingDev, &words, None, &["payments"]);
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn the_account_of_the_instances_releases_and_expires_and_nothing_else(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "instances").await else {
        return;
    };
    place.create_orders();
    serve(&place);
    for kind in ["Database", "Backup"] {
        let create = &["create", "-f", "-"];
        place.allowed(
            User::PaymentsDev,
            create,
            Some(&object(kind, "daap-orders")),
        );
    }
    let account =
        |cluster: &str| format!("--as=system:serviceaccount:{}:{cluster}", place.namespace);
    let (own, other) = (account("daap-orders"), account("daap-other"));
    let (database, backup) = (
        "databases.postgresql.cnpg.io/daap-orders-x",
        "backups.postgresql.cnpg.io/daap-orders-x",
    );
    let release = r#"{"metadata":{"finalizers":null}}"#;
    let change = r#"{"spec":{"owner":"mallory"}}"#;
    let only = &["it changes finalizers and deletes backups", "[dependents]"];
    for words in [
        &["patch", database, "--type=merge", "-p", change, &own][..],
        &["patch", backup, "--type=merge", "-p", change, &own],
        &["delete", database, "--wait=false", &own],
    ] {
        place.denied(User::Admin, words, None, only);
    }
    for words in [
        &["patch", database, "--type=merge", "-p", release, &other][..],
        &["delete", backup, "--wait=false", &other],
    ] {
        place.denied(User::Admin, words, None, &["payments", "[ownership]"]);
    }
    for words in [
        &["patch", database, "--type=merge", "-p", release, &own][..],
        &["delete", backup, "--wait=false", &own],
        &["patch", backup, "--type=merge", "-p", release, &own],
    ] {
        place.allowed(User::Admin, words, None);
    }
}
