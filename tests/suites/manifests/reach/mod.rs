//! What the API server asks the webhook about: tried with one that does not answer, so that what is
//! asked is refused, and all else passes as if daap were not there.

mod databases;
mod dead;

use daap_tests::place::text;
use daap_tests::sandbox::{Sandbox, SandboxOptions, User, wait_for};
use serde_json::{Value, json};

use crate::ground::{
    DEPENDENTS, LIMIT, documents, done, kubectl, minimal_crd, object, sandbox, serve,
};

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
            volume(&kept),
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

/// With the finalizer that admission puts on every claim, and a controller takes off.
fn volume(labels: &Value) -> Value {
    let mut volume = plain("PersistentVolumeClaim", "ours", labels);
    volume["spec"] = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    });
    volume
}

fn plain(kind: &str, name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": labels}})
}

const CREATE: &[&str] = &["create", "--dry-run=server", "-f", "-"];
