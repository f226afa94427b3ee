use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

use super::refused::may;
use super::sandbox;

/// With `daap-user` and a team, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn with_daap_user_every_command_works() {
    let place = Place::of(sandbox().await, "roles-user").await;
    place.create("orders", &["--change-reason", "first"]);
    for words in [
        &["list"][..],
        &["get", "orders", "-o", "yaml"],
        &["history", "orders", "--verify"],
        &["diff", "orders"],
        &["tree", "orders"],
        &["version"],
        &["credentials", "orders"],
        &[
            "update",
            "orders",
            "--purpose",
            "returns",
            "--instances",
            "2",
        ],
        &["rollback", "orders", "--to", "1"],
        &["repair", "orders"],
        &["transfer", "orders", "--to", "billing"],
        &["transfer", "orders", "--cancel"],
        &["delete", "orders", "--yes"],
        &["list", "--deleted"],
        &["get", "orders", "--deleted"],
        &["restore", "orders"],
    ] {
        place.done(words);
    }
    assert_eq!(place.sql("orders", "SELECT 1").trim(), "1");
    place.done(&["delete", "orders", "--yes"]);
    place.done(&["purge", "orders", "--yes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_everything_but_passwords_and_changes_nothing() {
    let place = Place::of(sandbox().await, "roles-viewer").await;
    place.create("orders", &[]);
    let bind = [
        "create",
        "rolebinding",
        "viewers",
        "--clusterrole=daap-viewer",
        "--user=ann",
    ];
    place.kubectl(&bind, None);
    let ann = |words: &[&str]| {
        let words = [words, &["--as", "ann"]].concat();
        place.plugin(User::Admin, &words)
    };
    for words in [
        &["list"][..],
        &["get", "orders"],
        &["history", "orders"],
        &["diff", "orders"],
        &["tree", "orders"],
        &["list", "--deleted"],
    ] {
        let output = ann(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output));
    }
    for words in [
        &[
            "create",
            "shop",
            "--owner-team",
            "payments",
            "--purpose",
            "x",
            "--wait=false",
        ][..],
        &["update", "orders", "--purpose", "mine"],
        &["delete", "orders", "--yes"],
        &["credentials", "orders", "--show-password"],
        &["transfer", "orders", "--to", "billing"],
    ] {
        let output = ann(words);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
    }
    let verbs = ["create", "update", "patch", "delete", "deletecollection"];
    let resources = [
        "clusters.postgresql.cnpg.io",
        "poolers.postgresql.cnpg.io",
        "pods",
        "configmaps",
        "persistentvolumeclaims",
        "services",
        "secrets",
        "deployments.apps",
    ];
    let viewer = ["--as=ann", "--as-group=system:authenticated"];
    for resource in resources {
        let given: Vec<_> = { verbs.iter() }
            .filter(|verb| may(&place, &viewer, verb, resource))
            .collect();
        assert!(given.is_empty(), "a viewer may {given:?} {resource}");
    }
    for (verb, resource) in [
        ("get", "secrets"),
        ("list", "secrets"),
        ("watch", "secrets"),
        ("get", "pods/log"),
        ("create", "pods/portforward"),
    ] {
        assert!(
            !may(&place, &viewer, verb, resource),
            "a viewer may {verb} {resource}"
        );
    }
}
