//! What each role can do, tried by doing it.

use std::collections::{BTreeMap, BTreeSet};

use daap_tests::place::{Place, text};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::ground::{documents, done, manifests};

async fn sandbox() -> &'static Sandbox {
    static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
    SHARED
        .get_or_init(|| crate::ground::sandbox(SandboxOptions::default()))
        .await
}

/// Rights: `verb group/resource`, with the names that they are held to.
type Rights = BTreeSet<String>;

fn words(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn rights(rules: &Value) -> Rights {
    let mut rights = Rights::new();
    for rule in rules.as_array().into_iter().flatten() {
        let names = words(&rule["resourceNames"]).join(",");
        for verb in words(&rule["verbs"]) {
            for group in words(&rule["apiGroups"]) {
                for resource in words(&rule["resources"]) {
                    rights.insert(format!("{verb} {group}/{resource} {names}"));
                }
            }
        }
    }
    rights
}

/// What the API server says that somebody may do in a namespace.
fn held(sandbox: &Sandbox, namespace: &str, identity: &[&str]) -> Rights {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let words = [
        &["create", "--validate=false", "-o", "json", "-f", "-"][..],
        identity,
    ]
    .concat();
    let answer: Value = serde_json::from_str(&done(sandbox, &words, Some(&review))).unwrap();
    assert_eq!(answer["status"]["incomplete"], false);
    rights(&answer["status"]["resourceRules"])
}

/// Beyond what everybody has who is logged in.
fn gained(sandbox: &Sandbox, namespace: &str, identity: &[&str]) -> Rights {
    let everybody = ["--as=nobody", "--as-group=system:authenticated"];
    let everybody = held(sandbox, namespace, &everybody);
    { held(sandbox, namespace, identity) }
        .difference(&everybody)
        .cloned()
        .collect()
}

/// What a role in a file grants.
fn granted(file: &str, kind: &str, name: &str) -> Rights {
    let mut roles = documents(file);
    roles.retain(|role| role["kind"] == kind && role["metadata"]["name"] == name);
    assert_eq!(roles.len(), 1, "{file}: {kind} {name}");
    rights(&roles[0]["rules"])
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_holds_more_than_the_manifests_give() {
    let sandbox = sandbox().await;
    let place = Place::of(sandbox, "roles-held").await;
    apply_purge(sandbox);
    let bind = |role: &str, user: &str| {
        let words = [
            "create",
            "rolebinding",
            role,
            &format!("--clusterrole={role}"),
            &format!("--user={user}"),
        ];
        place.kubectl(&words, None);
    };
    bind("daap-viewer", "ann");
    let user = "base/user-roles.yaml";
    let dev = [
        "--as=payments-dev",
        "--as-group=payments",
        "--as-group=system:authenticated",
    ];
    let mut expected = granted(user, "ClusterRole", "daap-user");
    expected.insert("own daap.dev/teams payments".into());
    assert_eq!(gained(sandbox, place.namespace, &dev), expected);
    let viewer = ["--as=ann", "--as-group=system:authenticated"];
    assert_eq!(
        gained(sandbox, place.namespace, &viewer),
        granted(user, "ClusterRole", "daap-viewer")
    );
    let account = |name: &str| {
        let user = format!("--as=system:serviceaccount:daap-system:{name}");
        let groups = [
            "--as-group=system:authenticated",
            "--as-group=system:serviceaccounts",
            "--as-group=system:serviceaccounts:daap-system",
        ];
        let identity = [&[user.as_str()][..], &groups].concat();
        gained(sandbox, place.namespace, &identity)
    };
    assert_eq!(
        account("daap-webhook"),
        granted("base/rbac.yaml", "ClusterRole", "daap-webhook")
    );
    assert_eq!(
        account("daap-purge"),
        granted("purge/rbac.yaml", "ClusterRole", "daap-purge")
    );
}

/// Everybody who is logged in learns what the plugin asks for, and nothing else of ours.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_logged_in_reads_the_policy_and_no_more() {
    let sandbox = sandbox().await;
    let everybody = ["--as=nobody", "--as-group=system:authenticated"];
    let ours = |namespace| -> Rights {
        let mut held = held(sandbox, namespace, &everybody);
        held.retain(|right| {
            !right.contains("authorization.k8s.io") && !right.contains("authentication.k8s.io")
        });
        held
    };
    let discovery = granted("base/discovery.yaml", "ClusterRole", "daap-discovery");
    assert_eq!(ours("apps"), discovery);
    let policy = granted("base/discovery.yaml", "Role", "daap-policy");
    assert_eq!(
        ours("daap-system"),
        discovery.union(&policy).cloned().collect()
    );
}

/// Verbs and resources that no role of ours gives, however it is combined.
const REFUSED: [(&str, &str); 36] = [
    ("create", "pods"),
    ("delete", "pods"),
    ("create", "pods/exec"),
    ("create", "pods/attach"),
    ("get", "pods/log"),
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
fn may(place: &Place<'_>, identity: &[&str], verb: &str, resource: &str) -> bool {
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
    for verb in ["get", "list", "watch"] {
        assert!(
            !may(&place, &viewer, verb, "secrets"),
            "a viewer may {verb} secrets"
        );
    }
}

fn apply_purge(sandbox: &Sandbox) {
    let file = manifests().join("purge/rbac.yaml").display().to_string();
    done(sandbox, &["apply", "-f", &file], None);
}

/// What the nightly account can do beside purging what has expired: nothing to what lives.
#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_purge_harms_nothing_that_lives() {
    let sandbox = sandbox().await;
    apply_purge(sandbox);
    let place = Place::of(sandbox, "roles-purge").await;
    place.create("orders", &[]);
    let account = "system:serviceaccount:daap-system:daap-purge";
    for words in [
        &["delete", "orders", "--yes"][..],
        &["update", "orders", "--purpose", "mine"],
        &["purge", "orders", "--yes"],
        &["credentials", "orders"],
        &["transfer", "orders", "--to", "billing"],
    ] {
        let words = [words, &["--as", account]].concat();
        let output = place.plugin(User::Admin, &words);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{words:?}: {}",
            text(&output)
        );
    }
    let purge = ["purge", "--expired", "--yes", "--as", account];
    assert_eq!(place.done_by(User::Admin, &purge), "");
    assert_eq!(place.state("orders").0, "ready");
    let writes: BTreeMap<&str, &[&str]> = BTreeMap::from([
        (
            "clusters.postgresql.cnpg.io",
            &["list", "create", "update", "patch", "delete"][..],
        ),
        ("secrets", &["list", "create", "update", "patch"]),
        ("persistentvolumeclaims", &["create", "update", "patch"]),
        ("configmaps", &["create", "update", "delete"]),
        ("pods", &["list", "create"]),
    ]);
    let identity = [&*format!("--as={account}")].map(str::to_owned);
    let identity: Vec<&str> = identity.iter().map(String::as_str).collect();
    for (resource, verbs) in writes {
        for verb in verbs {
            assert!(
                !may(&place, &identity, verb, resource),
                "it may {verb} {resource}"
            );
        }
    }
}

/// The example that is shipped gives exactly what it says.
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_team_gives_that_team() {
    let sandbox = sandbox().await;
    let place = Place::of(sandbox, "roles-team").await;
    let mut example = documents("examples/team.yaml");
    for object in &mut example {
        object["metadata"]["namespace"] = place.namespace.into();
        place.kubectl(&["apply", "-f", "-"], Some(object));
    }
    let identity = [
        "--as=eve",
        "--as-group=payments",
        "--as-group=system:authenticated",
    ];
    let mut expected = granted("base/user-roles.yaml", "ClusterRole", "daap-user");
    expected.insert("own daap.dev/teams payments".into());
    assert_eq!(gained(sandbox, place.namespace, &identity), expected);
    let create = |team: &str| {
        let words = [
            "create",
            "shop",
            "--owner-team",
            team,
            "--purpose",
            "x",
            "--dry-run=server",
            "--as",
            "eve",
            "--as-group",
            "payments",
        ];
        place.plugin(User::Admin, &words)
    };
    assert!(create("payments").status.success());
    let refused = text(&create("billing"));
    assert!(refused.contains("[ownership]"), "{refused}");
}
