use daap_tests::place::{Place, text};
use daap_tests::sandbox::User;

use super::{Rights, apply_purge, gained, granted, held, sandbox};
use crate::ground::documents;

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
