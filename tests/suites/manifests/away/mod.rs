//! What holds while the webhook is away: its configurations are removed, and the API server judges
//! by the `ValidatingAdmissionPolicies` alone.
//!
//! The table of who may do what is written to docs/while-the-webhook-is-away.md by
//! `DAAP_WRITE_DOCS=1 cargo test -p daap-tests --test manifests while_the_webhook_is_away`.

mod cases;
mod page;

use daap_tests::place::{Place, eventually, text};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User, wait_for};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::ground::{LIMIT, done, kubectl, object};
use cases::{Case, cases};

const NAMESPACE: &str = "away";
/// In this order they are columns of the page.
const USERS: [User; 5] = [
    User::PaymentsDev,
    User::BillingDev,
    User::Outsider,
    User::Admin,
    User::Operator,
];

/// A sandbox of which somebody has removed both configurations.
async fn sandbox() -> &'static Sandbox {
    static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
    SHARED
        .get_or_init(async || {
            let options = SandboxOptions {
                real_crds: true,
                ..SandboxOptions::default()
            };
            let sandbox = crate::ground::sandbox(options).await;
            for kind in [
                "mutatingwebhookconfiguration",
                "validatingwebhookconfiguration",
            ] {
                done(&sandbox, &["delete", kind, "admission.daap.dev"], None);
            }
            // Without the mutating half nobody fills in what is missing, and a policy says so.
            let bare = object(
                "Cluster",
                "daap-probe",
                &json!({"instances": 1, "storage": {"size": "1Gi"}}),
            );
            wait_for("only the policies judge", LIMIT, async || {
                let words = ["create", "--dry-run=server", "-n", "apps", "-f", "-"];
                let said = text(&kubectl(&sandbox, User::Harness, &words, Some(&bare)));
                Ok(
                    (said.contains("'daap-naming'") && said.contains("the webhook is not there"))
                        .then_some(()),
                )
            })
            .await
            .unwrap();
            sandbox
        })
        .await
}

/// What the cases are about: made by the plugin, which writes a whole record by itself.
fn prepare(place: &Place<'_>) {
    for name in ["orders", "offered"] {
        place.create(name, &["--wait=false"]);
    }
    place.done(&["transfer", "offered", "--to", "billing"]);
    let legacy = object(
        "Cluster",
        "legacy",
        &json!({"instances": 1, "storage": {"size": "1Gi"}}),
    );
    place.kubectl(&["create", "-f", "-"], Some(&legacy));
    // Whoever may write status at all: what is tried is admission, not RBAC.
    let writers = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "status"},
        "rules": [{"apiGroups": ["postgresql.cnpg.io"], "verbs": ["get", "patch", "update"],
            "resources": ["clusters", "poolers", "clusters/status", "poolers/status"]}],
    });
    place.kubectl(&["create", "-f", "-"], Some(&writers));
    let everyone = [
        "create",
        "rolebinding",
        "status",
        "--role=status",
        "--group=system:authenticated",
    ];
    place.kubectl(&everyone, None);
}

/// Who of [`USERS`] gets through.
fn passes(place: &Place<'_>, case: &Case) -> Vec<User> {
    let mut through = Vec::new();
    for user in USERS {
        let words = [
            &case.words[..],
            &["-n", place.namespace, "--dry-run=server"],
        ]
        .concat();
        let output = kubectl(place.sandbox, user, &words, case.input.as_ref());
        if output.status.success() {
            through.push(user);
            continue;
        }
        let said = text(&output);
        assert!(
            said.contains("ValidatingAdmissionPolicy 'daap-")
                && !said.contains("resulted in error"),
            "{user}: {}: not refused by a policy: {said}",
            case.what
        );
        // Who owns the database meets the rule itself, or what has no owner.
        let meets = |rule: &str| said.contains(&format!("[{rule}]"));
        if matches!(user, User::PaymentsDev | User::Admin) {
            let met = meets(case.rule) || (user == User::PaymentsDev && meets("administrator"));
            assert!(met, "{user}: {}: {said}", case.what);
        }
    }
    through
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what_while_the_webhook_is_away() {
    let place = Place::of(sandbox().await, NAMESPACE).await;
    prepare(&place);
    let mut wrong = Vec::new();
    for case in cases() {
        let through = passes(&place, &case);
        if through != case.may {
            wrong.push(format!("{}: {through:?}, not {:?}", case.what, case.may));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_of_who_may_do_what_while_the_webhook_is_away_is_current() {
    page::hold(&page::written(&cases()));
}

fn status(place: &Place<'_>, object: &str, account: &str) -> String {
    let patch = r#"{"status":{"targetPrimary":"daap-orders-2"}}"#;
    let words = [
        "patch",
        object,
        "--subresource=status",
        "--type=merge",
        "-p",
        patch,
        "--dry-run=server",
    ];
    let account = format!("system:serviceaccount:{}:{account}", place.namespace);
    let words = [&words[..], &["-n", place.namespace, "--as", &account]].concat();
    text(&kubectl(place.sandbox, User::Harness, &words, None))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_written_by_the_databases_own_accounts_and_no_other_instance() {
    let place = Place::of(sandbox().await, "away-status").await;
    prepare(&place);
    let own = status(&place, "cluster/daap-orders", "daap-orders");
    assert!(own.contains("patched"), "{own}");
    let pooler = status(&place, "pooler/daap-orders-pooler", "daap-orders-pooler");
    assert!(pooler.contains("patched"), "{pooler}");
    for (object, account) in [
        ("cluster/daap-orders", "daap-offered"),
        ("cluster/daap-orders", "default"),
        ("pooler/daap-orders-pooler", "daap-orders"),
    ] {
        let said = status(&place, object, account);
        assert!(said.contains("'daap-status'"), "{account}: {said}");
    }
    // Nobody asks whose status a Cluster has that is not ours.
    let legacy = status(&place, "cluster/legacy", "default");
    assert!(legacy.contains("patched"), "{legacy}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_can_be_for_databases_only() {
    let place = Place::of(sandbox().await, "away-managed").await;
    let other = |name: &str| {
        object(
            "Cluster",
            name,
            &json!({"instances": 1, "storage": {"size": "1Gi"}}),
        )
    };
    place.kubectl(&["create", "-f", "-"], Some(&other("before")));
    let label = "daap.dev/managed-only=true";
    place.kubectl(&["label", "namespace", place.namespace, label], None);
    let refused = |user, input: &Value| {
        let words = [
            "create",
            "-n",
            place.namespace,
            "--dry-run=server",
            "-f",
            "-",
        ];
        let said = text(&kubectl(place.sandbox, user, &words, Some(input)));
        said.contains("[managed-only]").then_some(said)
    };
    let pooler =
        json!({"cluster": {"name": "before"}, "instances": 1, "type": "rw", "pgbouncer": {}});
    for user in [User::PaymentsDev, User::Outsider, User::Admin] {
        let said = eventually("the label is seen", || refused(user, &other("after"))).await;
        assert!(
            said.contains("kubectl daap create NAME -n away-managed"),
            "{said}"
        );
        assert!(refused(user, &object("Pooler", "after", &pooler)).is_some());
    }
    // What was there may be changed, and databases are welcome.
    place.kubectl_by(
        User::Outsider,
        &["label", "cluster/before", "tier=gold"],
        None,
    );
    place.create("orders", &["--wait=false"]);
}

/// The plugin writes a whole record by itself; what follows from that is refused to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_lives_its_life_without_the_webhook() {
    let place = Place::of(sandbox().await, "away-life").await;
    place.create("orders", &["--change-reason", "first"]);
    place.done(&[
        "update",
        "orders",
        "--purpose",
        "returns",
        "--instances",
        "2",
    ]);
    place.done(&["rollback", "orders", "--to", "1"]);
    place.done(&["transfer", "orders", "--to", "billing"]);
    place.done_by(User::BillingDev, &["transfer", "orders", "--accept"]);
    let refused = place.fails(&["update", "orders", "--purpose", "mine again"]);
    assert!(refused.contains("team 'billing' owns it"), "{refused}");
    let billing = |words: &[&str]| place.done_by(User::BillingDev, words);
    billing(&["delete", "orders", "--yes"]);
    billing(&["restore", "orders"]);
    billing(&["delete", "orders", "--purge", "--yes"]);
}
