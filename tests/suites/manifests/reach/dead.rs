use daap_tests::sandbox::User;
use serde_json::json;

use super::{CREATE, Dead, cluster, plain};
use crate::ground::{DEPENDENTS, done, object};

const VALIDATE: &str = "validate.admission.daap.dev";
const DEPENDENT: &str = "dependents.admission.daap.dev";
const RETAINED: &str = "retained.admission.daap.dev";
const TRUSTED: &str = "trusted.admission.daap.dev";
const TOMBSTONES: &str = "tombstones.admission.daap.dev";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_webhook_stops() {
    let dead = Dead::with("ValidatingWebhookConfiguration", false).await;
    dependents(&dead);
    retained(&dead);
    tombstones(&dead);
    // Ours is refused, and nothing of anybody else's.
    dead.asked(
        VALIDATE,
        &["label", "cluster/daap-orders", "tier=gold"],
        None,
    );
    for words in [
        &["label", "cluster/legacy", "tier=gold"][..],
        &["scale", "cluster/legacy", "--replicas=3"],
        &["scale", "pooler/legacy-pooler", "--replicas=3"],
        &["label", "pooler/legacy-pooler", "tier=gold"],
        &["delete", "cluster/legacy"],
    ] {
        dead.not_asked(User::Outsider, words, None);
    }
    dead.not_asked(
        User::Outsider,
        &["create", "-f", "-"],
        Some(&cluster("fresh", &json!({}))),
    );
    operator(&dead);
    instance(&dead);
    // The garbage collector and the namespace controller are the real ones.
    done(
        &dead.sandbox,
        &["delete", "namespace", "apps", "--timeout=120s"],
        None,
    );
    dead.sandbox.stop().await.unwrap();
}

fn dependents(dead: &Dead) {
    for (_, kind) in DEPENDENTS {
        let of = |cluster: &str| object(kind, "any", &json!({"cluster": {"name": cluster}}));
        dead.asked(DEPENDENT, CREATE, Some(&of("daap-orders")));
        dead.not_asked(User::Admin, CREATE, Some(&of("legacy")));
        dead.not_asked(
            User::Admin,
            CREATE,
            Some(&object(kind, "empty", &json!({}))),
        );
    }
    let moved = |to: &str| format!(r#"{{"spec":{{"cluster":{{"name":"{to}"}}}}}}"#);
    for (backup, to) in [("backup/theirs", "daap-orders"), ("backup/ours", "legacy")] {
        dead.asked(
            DEPENDENT,
            &["patch", backup, "--type=merge", "-p", &moved(to)],
            None,
        );
    }
    dead.asked(DEPENDENT, &["delete", "backup/ours"], None);
    dead.asked(
        DEPENDENT,
        &["delete", "backups", "--all", "--dry-run=server"],
        None,
    );
    dead.not_asked(User::Admin, &["delete", "backup/theirs"], None);
}

#[expect(
    clippy::too_many_lines,
    reason = "a list of writes, and who is asked about each"
)]
fn retained(dead: &Dead) {
    let large = format!(r#"{{"stringData":{{"large":"{}"}}}}"#, "x".repeat(100_000));
    let large = ["patch", "secret/theirs", "--type=merge", "-p", &large];
    dead.not_asked(User::Admin, &large, None);
    for words in [
        &["delete", "pvc/ours"][..],
        &["label", "pvc/ours", "cnpg.io/cluster=mine"],
        &["annotate", "pvc/ours", "cnpg.io/pvcStatus=detached"],
        &[
            "patch",
            "pvc/ours",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ],
        &[
            "patch",
            "pvc/ours",
            "--type=merge",
            "-p",
            r#"{"spec":{"volumeName":"mine"}}"#,
        ],
        &["delete", "secret/ours"],
        &["label", "secret/ours", "daap.dev/id-"],
        &["label", "secret/ours", "cnpg.io/cluster=mine"],
        &[
            // As large as it is.
            "label",
            "secret/theirs",
            "daap.dev/id=67e55044-10b1-426f-9247-bb680e5fe0c8",
        ],
        &["annotate", "secret/ours", "alpha.cnpg.io/x=y"],
        &[
            "patch",
            "secret/ours",
            "--type=merge",
            "-p",
            r#"{"data":{"password":"eA=="}}"#,
        ],
        &[
            "patch",
            "secret/ours",
            "--type=merge",
            "-p",
            r#"{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"1"}]}}"#,
        ],
        &[
            "patch",
            "pvc/ours",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":["kubernetes.io/pvc-protection","example.com/x"]}}"#,
        ],
    ] {
        dead.asked(RETAINED, words, None);
    }
    let kept = json!({"daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8"});
    let none = json!({});
    dead.asked(RETAINED, CREATE, Some(&plain("Secret", "new", &kept)));
    dead.asked(
        TRUSTED,
        CREATE,
        Some(&plain("Secret", "daap-orders-app", &none)),
    );
    dead.not_asked(
        User::Operator,
        CREATE,
        Some(&plain("Secret", "daap-orders-app", &kept)),
    );
    let volume = |name: &str| {
        let mut volume = plain("PersistentVolumeClaim", name, &none);
        let storage = json!({"requests": {"storage": "1Gi"}});
        volume["spec"] = json!({"accessModes": ["ReadWriteOnce"], "resources": storage});
        volume
    };
    for name in ["daap-orders-2", "daap-orders-2-wal"] {
        dead.asked(TRUSTED, CREATE, Some(&volume(name)));
    }
    for name in ["daap-orders-notes", "legacy-app", "daap-orders-2"] {
        dead.not_asked(User::Admin, CREATE, Some(&plain("Secret", name, &none)));
    }
    for name in ["daap-orders-notes", "legacy-2", "daap-orders-app"] {
        dead.not_asked(User::Admin, CREATE, Some(&volume(name)));
    }
    for words in [
        &["label", "secret/ours", "tier=gold"][..],
        &[
            "annotate",
            "pvc/ours",
            "volume.kubernetes.io/selected-node=n",
        ],
        &[
            "patch",
            "pvc/ours",
            "--type=merge",
            "-p",
            r#"{"spec":{"volumeName":"v"}}"#,
            "--as=system:serviceaccount:kube-system:persistent-volume-binder",
            "--as-group=daap:admins",
        ],
        &[
            "annotate",
            "secret/ours",
            "pv.kubernetes.io/bind-completed=yes",
        ],
        &[
            "patch",
            "secret/theirs",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":["example.com/x"]}}"#,
        ],
        &[
            "patch",
            "secret/ours",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ],
        &[
            "patch",
            "secret/theirs",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ],
        &["label", "secret/theirs", "cnpg.io/cluster=mine"],
        &["delete", "secret/theirs"],
    ] {
        dead.not_asked(User::Admin, words, None);
    }
}

fn tombstones(dead: &Dead) {
    let tombstone = |name| plain("ConfigMap", name, &json!({"daap.dev/deleted": "true"}));
    dead.asked(TOMBSTONES, CREATE, Some(&tombstone("new")));
    for words in [
        &["label", "configmap/ours", "daap.dev/deleted-"][..],
        &["annotate", "configmap/ours", "any=thing"],
        &["label", "configmap/theirs", "daap.dev/deleted=true"],
        &["delete", "configmap/ours"],
    ] {
        dead.asked(TOMBSTONES, words, None);
    }
    dead.not_asked(
        User::Admin,
        &["label", "configmap/theirs", "tier=gold"],
        None,
    );
    dead.not_asked(User::Admin, &["delete", "configmap/theirs"], None);
}

/// The operator works on, except where it would write the record.
fn operator(dead: &Dead) {
    let operator = User::Operator;
    let spec = r#"{"spec":{"logLevel":"debug"}}"#;
    for words in [
        &["patch", "cluster/daap-orders", "--type=merge", "-p", spec][..],
        // As for a cold snapshot.
        &[
            "annotate",
            "cluster/daap-orders",
            r#"cnpg.io/fencedInstances=["daap-orders-1"]"#,
        ],
        &[
            "annotate",
            "cluster/daap-orders",
            "cnpg.io/fencedInstances-",
        ],
        &["label", "secret/ours", "cnpg.io/cluster=daap-orders"],
        &["label", "backup/ours", "cnpg.io/cluster=daap-orders"],
        &["delete", "secret/ours"],
    ] {
        dead.not_asked(operator, words, None);
    }
    for words in [
        ["label", "cluster/daap-orders", "daap.dev/name=other"],
        ["annotate", "cluster/daap-orders", "daap.dev/purpose=other"],
        ["annotate", "cluster/daap-orders", "daap.dev/more=yes"],
    ] {
        let said = dead.run(operator, &words, None);
        assert!(said.contains("failed calling webhook"), "{words:?}: {said}");
    }
}

/// What an instance manager does when its Cluster goes; and all else that its account could.
fn instance(dead: &Dead) {
    let rights = [
        "create",
        "rolebinding",
        "instances",
        "--clusterrole=cluster-admin",
    ];
    let rights = [&rights[..], &["--group=system:serviceaccounts:apps"]].concat();
    dead.not_asked(User::Harness, &rights, None);
    let patch = |account: &str, patch: &str| {
        let account = format!("system:serviceaccount:apps:{account}");
        let words = [
            "patch",
            "backup/ours",
            "--type=merge",
            "-p",
            patch,
            "--as",
            &account,
        ];
        dead.run(User::Harness, &words, None)
    };
    let (taken, given) = (
        r#"{"metadata":{"finalizers":null}}"#,
        r#"{"metadata":{"finalizers":["cnpg.io/delete"]}}"#,
    );
    for finalizers in [given, taken] {
        let said = patch("daap-orders", finalizers);
        assert!(said.contains("patched"), "{said}");
    }
    for (account, change) in [
        ("daap-other", given),
        ("legacy", given),
        ("daap-orders", r#"{"spec":{"target":"primary"}}"#),
        ("daap-orders", r#"{"spec":{"cluster":{"name":"legacy"}}}"#),
        ("daap-orders", r#"{"metadata":{"labels":{"tier":"gold"}}}"#),
    ] {
        let said = patch(account, change);
        assert!(
            said.contains("failed calling webhook"),
            "{account}: {change}: {said}"
        );
    }
}
