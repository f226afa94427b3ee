//! What the API server asks the webhook about: tried with one that does not answer, so that what is
//! asked is refused, and all else passes as if daap were not there.

use daap_tests::place::text;
use daap_tests::sandbox::{Sandbox, SandboxOptions, User, wait_for};
use serde_json::{Value, json};

use crate::ground::{
    DEPENDENTS, LIMIT, documents, done, kubectl, minimal_crd, object, sandbox, serve,
};

const VALIDATE: &str = "validate.admission.daap.dev";
const NEIGHBOURS: &str = "neighbours.admission.daap.dev";
const DEPENDENT: &str = "dependents.admission.daap.dev";
const RETAINED: &str = "retained.admission.daap.dev";
const TOMBSTONES: &str = "tombstones.admission.daap.dev";

/// A sandbox with the shipped configuration of `kind` and nobody who answers; every entry refuses,
/// so that what is asked can be seen.
struct Dead {
    sandbox: Sandbox,
}

impl Dead {
    async fn with(kind: &str, strict: bool) -> Self {
        let sandbox = sandbox(SandboxOptions::bare()).await;
        let dead = Self { sandbox };
        let minimal =
            DEPENDENTS.map(|(plural, kind)| minimal_crd("postgresql.cnpg.io", "v1", plural, kind));
        serve(&dead.sandbox, minimal.into()).await;
        dead.prepare();
        let mut configuration = documents("base/webhooks.yaml");
        configuration.retain(|found| found["kind"] == kind);
        let mut configuration = configuration.remove(0);
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            // Nobody listens there.
            webhook["clientConfig"] = json!({"url": "https://127.0.0.1:1/"});
            if strict {
                webhook["failurePolicy"] = "Fail".into();
            }
        }
        done(&dead.sandbox, &["apply", "-f", "-"], Some(&configuration));
        wait_for("the configuration is in force", LIMIT, async || {
            let asked = dead.run(
                User::Harness,
                &["create", "--dry-run=server", "-f", "-"],
                Some(&cluster("daap-probe", &json!({}))),
            );
            Ok(asked.contains("failed calling webhook").then_some(()))
        })
        .await
        .unwrap();
        dead
    }

    /// What is there before daap is.
    fn prepare(&self) {
        let kept = json!({"daap.dev/id": "67e55044-10b1-426f-9247-bb680e5fe0c8"});
        let deleted = json!({"daap.dev/deleted": "true"});
        let mut bound = cluster("legacy", &json!({}));
        bound["metadata"]["labels"] = json!({"daap.dev/owner-team": "payments"});
        bound["metadata"]["name"] = "labelled".into();
        let objects = [
            cluster("legacy", &json!({})),
            cluster("daap-orders", &json!({})),
            bound,
            pooler("legacy-pooler", "legacy"),
            pooler("daap-orders-pooler", "daap-orders"),
            pooler("readers", "daap-orders"),
            object(
                "Backup",
                "ours",
                &json!({"cluster": {"name": "daap-orders"}}),
            ),
            object("Backup", "theirs", &json!({"cluster": {"name": "legacy"}})),
            plain("Secret", "ours", &kept),
            plain("Secret", "theirs", &json!({})),
            plain("ConfigMap", "ours", &deleted),
            plain("ConfigMap", "theirs", &json!({})),
        ];
        for found in &objects {
            done(
                &self.sandbox,
                &["create", "-n", "apps", "-f", "-"],
                Some(found),
            );
        }
    }

    /// Everything that kubectl says.
    fn run(&self, user: User, words: &[&str], input: Option<&Value>) -> String {
        let words = [words, &["-n", "apps"]].concat();
        text(&kubectl(&self.sandbox, user, &words, input))
    }

    fn asked(&self, webhook: &str, words: &[&str], input: Option<&Value>) {
        let said = self.run(User::Admin, words, input);
        assert!(
            said.contains(&format!("failed calling webhook \"{webhook}\"")),
            "{webhook} is not asked about {words:?}: {said}"
        );
    }

    fn not_asked(&self, user: User, words: &[&str], input: Option<&Value>) {
        let output = kubectl(
            &self.sandbox,
            user,
            &[words, &["-n", "apps"]].concat(),
            input,
        );
        assert!(
            output.status.success(),
            "{user}: {words:?}: {}",
            text(&output)
        );
    }
}

fn cluster(name: &str, labels: &Value) -> Value {
    let mut cluster = object(
        "Cluster",
        name,
        &json!({"instances": 1, "storage": {"size": "1Gi"}}),
    );
    cluster["metadata"]["labels"] = labels.clone();
    cluster
}

fn pooler(name: &str, cluster: &str) -> Value {
    let spec = json!({"cluster": {"name": cluster}, "instances": 1, "type": "rw", "pgbouncer": {}});
    object("Pooler", name, &spec)
}

fn plain(kind: &str, name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}})
}

const CREATE: &[&str] = &["create", "--dry-run=server", "-f", "-"];

#[tokio::test(flavor = "multi_thread")]
async fn governed_is_what_is_or_was_called_or_labelled_so() {
    let dead = Dead::with("ValidatingWebhookConfiguration", true).await;
    dead.asked(VALIDATE, CREATE, Some(&cluster("daap-new", &json!({}))));
    dead.asked(
        VALIDATE,
        CREATE,
        Some(&cluster("other", &json!({"daap.dev/name": "other"}))),
    );
    dead.asked(VALIDATE, CREATE, Some(&pooler("other", "daap-orders")));
    let mut generated = cluster("", &json!({}));
    generated["metadata"] = json!({"generateName": "daap-"});
    dead.asked(VALIDATE, CREATE, Some(&generated));
    for words in [
        &["label", "cluster/daap-orders", "tier=gold"][..],
        &["annotate", "cluster/daap-orders", "cnpg.io/hibernation=on"],
        // The old object was ours: taking the label off is no way around.
        &["label", "cluster/labelled", "daap.dev/owner-team-"],
        &["label", "cluster/legacy", "daap.dev/owner-team=billing"],
        &["label", "pooler/readers", "tier=gold"],
        &["delete", "cluster/daap-orders", "--dry-run=server"],
        &["delete", "cluster/labelled", "--dry-run=server"],
        &["delete", "pooler/readers", "--dry-run=server"],
        &["scale", "cluster/daap-orders", "--replicas=3"],
        &["scale", "pooler/daap-orders-pooler", "--replicas=3"],
    ] {
        dead.asked(VALIDATE, words, None);
    }
    // What is not ours, and a Pooler's Scale, which does not say whose it is.
    let mut anonymous = cluster("", &json!({}));
    anonymous["metadata"] = json!({"generateName": "other-"});
    dead.asked(NEIGHBOURS, CREATE, Some(&anonymous));
    dead.asked(NEIGHBOURS, &["label", "cluster/legacy", "tier=gold"], None);
    dead.asked(
        NEIGHBOURS,
        &["scale", "pooler/readers", "--replicas=3"],
        None,
    );
    dead.not_asked(
        User::Admin,
        &["scale", "cluster/legacy", "--replicas=3"],
        None,
    );
    dead.not_asked(
        User::Admin,
        &["delete", "cluster/legacy", "--dry-run=server"],
        None,
    );
    dead.sandbox.stop().await.unwrap();
}

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

fn retained(dead: &Dead) {
    for words in [
        &["delete", "secret/ours"][..],
        &["label", "secret/ours", "daap.dev/id-"],
        &["label", "secret/ours", "cnpg.io/cluster=mine"],
        &[
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
    ] {
        dead.asked(RETAINED, words, None);
    }
    for words in [
        &["label", "secret/ours", "tier=gold"][..],
        &[
            "annotate",
            "secret/ours",
            "pv.kubernetes.io/bind-completed=yes",
        ],
        &[
            "patch",
            "secret/ours",
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
        &["label", "secret/ours", "cnpg.io/cluster=daap-orders"],
        &["label", "backup/ours", "cnpg.io/cluster=daap-orders"],
        &["delete", "secret/ours"],
    ] {
        dead.not_asked(operator, words, None);
    }
    let said = dead.run(
        operator,
        &["label", "cluster/daap-orders", "daap.dev/name=other"],
        None,
    );
    assert!(said.contains("failed calling webhook"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_ours_is_completed() {
    let dead = Dead::with("MutatingWebhookConfiguration", false).await;
    let mutate = "mutate.admission.daap.dev";
    dead.asked(mutate, CREATE, Some(&cluster("daap-new", &json!({}))));
    dead.asked(mutate, CREATE, Some(&pooler("other", "daap-orders")));
    dead.asked(mutate, &["label", "cluster/daap-orders", "tier=gold"], None);
    dead.not_asked(User::Outsider, CREATE, Some(&cluster("other", &json!({}))));
    dead.not_asked(
        User::Outsider,
        &["label", "cluster/legacy", "tier=gold"],
        None,
    );
    dead.not_asked(
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
    dead.not_asked(
        User::Admin,
        &["scale", "cluster/daap-orders", "--replicas=3"],
        None,
    );
    dead.not_asked(User::Admin, &["delete", "cluster/daap-orders"], None);
    dead.sandbox.stop().await.unwrap();
}
