//! What the webhook lets through and what it refuses, asked of a real API server with the real
//! kubectl. Every test runs on the project's own CRDs, and on CNPG's where these are at hand.
//!
//! The rules themselves are tables in `crds/src/admission/rules/tests.rs`: here stands what depends
//! on the API server, which calls the webhook over TLS with the rules of `manifests/`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

use std::io::Write as _;
use std::process::{Output, Stdio};

use daap_crds::contract::{annotation, label};
use daap_crds::desired::Desired;
use daap_crds::history::History;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::policy::PoolMode;
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// Which CRDs a test runs on.
#[derive(Clone, Copy, Debug)]
enum Crds {
    Own,
    Real,
}

/// A namespace of a sandbox whose operator is away, so that nothing changes but what a test does.
struct Place {
    sandbox: &'static Sandbox,
    namespace: String,
}

impl Place {
    /// None where CNPG's CRDs are wanted and not at hand.
    async fn of(crds: Crds, test: &str) -> Option<Self> {
        static OWN: OnceCell<Sandbox> = OnceCell::const_new();
        static REAL: OnceCell<Sandbox> = OnceCell::const_new();
        let (cell, real_crds) = match crds {
            Crds::Own => (&OWN, false),
            Crds::Real => (&REAL, true),
        };
        let options = SandboxOptions {
            operator: false,
            real_crds,
            ..SandboxOptions::default()
        };
        let sandbox = cell
            .get_or_try_init(|| Sandbox::start_with(options))
            .await
            .unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"));
        if real_crds && !sandbox.warnings().is_empty() {
            println!("nothing tried: {:?}", sandbox.warnings());
            return None;
        }
        let namespace = format!("{test}-{}", format!("{crds:?}").to_lowercase());
        sandbox.fresh_namespace(&namespace).await;
        Some(Self { sandbox, namespace })
    }

    fn kubectl(&self, user: User, words: &[&str], input: Option<&Value>) -> Output {
        let mut command = self.sandbox.kubectl(user);
        command
            .args(words)
            .args(["-n", &self.namespace])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        if let Some(input) = input {
            stdin.write_all(input.to_string().as_bytes()).unwrap();
        }
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// Runs kubectl and expects it to work.
    fn allowed(&self, user: User, words: &[&str], input: Option<&Value>) -> String {
        let output = self.kubectl(user, words, input);
        assert!(
            output.status.success(),
            "{user}: {words:?}: {}",
            errors(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl and expects the webhook to refuse it, saying `why`.
    fn denied(&self, user: User, words: &[&str], input: Option<&Value>, why: &[&str]) {
        let output = self.kubectl(user, words, input);
        let said = errors(&output);
        assert!(
            !output.status.success(),
            "{user}: {words:?} was let through"
        );
        for reason in why {
            assert!(
                said.contains(reason),
                "{user}: {words:?}: no '{reason}' in: {said}"
            );
        }
    }

    fn orders(&self) -> Desired {
        Desired {
            name: DatabaseName::parse("orders").unwrap(),
            namespace: self.namespace.clone(),
            team: Team::parse("payments").unwrap(),
            purpose: Purpose::parse("order intake").unwrap(),
            id: DatabaseId::random(),
            instances: 1,
            storage: Size::parse("1Gi").unwrap(),
            storage_class: None,
            image: None,
            pool_mode: PoolMode::Transaction,
            pool_instances: 1,
            change_reason: None,
        }
    }

    /// Creates the database `orders` of team payments, and returns its Cluster as it is stored.
    fn create_orders(&self) -> Value {
        self.allowed(
            User::PaymentsDev,
            &["create", "-f", "-"],
            Some(&self.orders().cluster()),
        );
        let cluster = self.read("cluster/daap-orders");
        let pooler = self.orders().pooler(View(&cluster).uid());
        self.allowed(
            User::PaymentsDev,
            &["apply", "-f", "-"],
            Some(&without_id(pooler)),
        );
        cluster
    }

    fn read(&self, object: &str) -> Value {
        serde_json::from_str(&self.allowed(User::Admin, &["get", object, "-o", "json"], None))
            .unwrap()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The webhook sets the id of a Pooler from its Cluster.
fn without_id(mut object: Value) -> Value {
    object["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove(label::ID);
    object
}

/// Everything of an object that a user could have changed.
fn essence(object: &Value) -> Value {
    let mut essence = object.clone();
    let metadata = essence["metadata"].as_object_mut().unwrap();
    for key in ["managedFields", "resourceVersion", "generation"] {
        metadata.remove(key);
    }
    essence.as_object_mut().unwrap().remove("status");
    essence
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_bare_cluster_is_defaulted_or_denied(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "bare").await else {
        return;
    };
    let bare = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-x"}, "spec": {"instances": 9, "storage": {"size": "1X"}},
    });
    // For an invalid object kubectl prints the causes alone: all of them, and each by its field.
    let every = [
        "naming",
        "daap.dev/owner-team",
        "daap.dev/purpose",
        "spec.instances",
        "1X",
    ];
    place.denied(
        User::PaymentsDev,
        &["apply", "-f", "-"],
        Some(&bare),
        &every,
    );

    let silent = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": "daap-shop", "labels": {label::OWNER_TEAM: "payments"},
            "annotations": {annotation::PURPOSE: "a shop"}},
        "spec": {"storage": {"size": "1Gi"}},
    });
    place.allowed(User::PaymentsDev, &["apply", "-f", "-"], Some(&silent));
    let stored = place.read("cluster/daap-shop");
    let view = View(&stored);
    assert_eq!(view.label(label::NAME), Some("shop"));
    assert!(DatabaseId::parse(view.label(label::ID).unwrap()).is_ok());
    assert_eq!(
        view.annotation(annotation::CREATED_BY),
        Some("payments-dev")
    );
    assert_eq!(view.annotation(annotation::VERSION), Some("1"));
    assert_eq!(
        stored["spec"]["certificates"]["serverAltDNSNames"][1],
        format!("daap-shop-pooler.{}", place.namespace)
    );

    // GitOps applies the same manifest for ever: not a byte changes.
    place.allowed(User::PaymentsDev, &["apply", "-f", "-"], Some(&silent));
    assert_eq!(place.read("cluster/daap-shop"), stored);
    let server_side = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    place.allowed(User::PaymentsDev, &server_side, Some(&silent));
    let once = place.read("cluster/daap-shop");
    place.allowed(User::PaymentsDev, &server_side, Some(&silent));
    assert_eq!(place.read("cluster/daap-shop"), once);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn others_change_nothing_whichever_way_they_go(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "others").await else {
        return;
    };
    let cluster = essence(&place.create_orders());
    let pooler = essence(&place.read("pooler/daap-orders-pooler"));
    let mut stolen = cluster.clone();
    stolen["metadata"]["labels"][label::OWNER_TEAM] = "billing".into();
    let mut stripped = cluster.clone();
    stripped["metadata"]["labels"] = Value::Null;
    stripped["metadata"]["annotations"] = Value::Null;
    let patch = r#"{"metadata":{"labels":{"daap.dev/name":null,"daap.dev/owner-team":null,"daap.dev/id":null}}}"#;
    let owner = r#"{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"1"}]}}"#;
    for user in [User::BillingDev, User::Outsider] {
        for object in ["cluster/daap-orders", "pooler/daap-orders-pooler"] {
            let why = &["payments"][..];
            for words in [
                &["label", object, "tier=gold"][..],
                &["label", object, "daap.dev/owner-team-"],
                &["annotate", object, "cnpg.io/hibernation=on"],
                &["annotate", object, "daap.dev/offered-to=billing"],
                &["patch", object, "--type=merge", "-p", patch],
                &["patch", object, "--type=merge", "-p", owner],
                &[
                    "patch",
                    object,
                    "--type=merge",
                    "-p",
                    r#"{"spec":{"instances":2}}"#,
                ],
                &[
                    "patch",
                    object,
                    "--type=json",
                    "-p",
                    r#"[{"op":"replace","path":"/metadata/labels","value":{}}]"#,
                ],
                &["delete", object, "--wait=false"],
                &["delete", object, "--wait=false", "--cascade=orphan"],
            ] {
                place.denied(user, words, None, why);
            }
        }
        for manifest in [&stolen, &stripped] {
            place.denied(user, &["replace", "-f", "-"], Some(manifest), &["payments"]);
            place.denied(
                user,
                &["apply", "--server-side", "--force-conflicts", "-f", "-"],
                Some(manifest),
                &["payments"],
            );
        }
        place.denied(
            user,
            &["scale", "cluster/daap-orders", "--replicas=3"],
            None,
            &["kubectl daap update orders"],
        );
        place.denied(
            user,
            &["scale", "pooler/daap-orders-pooler", "--replicas=2"],
            None,
            &["payments"],
        );
        place.denied(
            user,
            &["delete", "clusters", "--all", "--wait=false"],
            None,
            &["payments"],
        );
        let edited = place
            .sandbox
            .kubectl(user)
            .args(["edit", "cluster/daap-orders", "-n", &place.namespace])
            .env("KUBE_EDITOR", "sed -i s/intake/theft/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!edited.status.success(), "{user} edited it");
    }
    assert_eq!(essence(&place.read("cluster/daap-orders")), cluster);
    assert_eq!(essence(&place.read("pooler/daap-orders-pooler")), pooler);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_passes_where_the_rules_allow(
    #[values(Crds::Own, Crds::Real)] crds: Crds,
) {
    let Some(place) = Place::of(crds, "admin").await else {
        return;
    };
    place.create_orders();
    let admin = User::Admin;
    place.allowed(admin, &["label", "cluster/daap-orders", "tier=gold"], None);
    place.allowed(
        admin,
        &[
            "annotate",
            "cluster/daap-orders",
            "--overwrite",
            "daap.dev/purpose=returns",
        ],
        None,
    );
    place.allowed(
        admin,
        &[
            "annotate",
            "cluster/daap-orders",
            "cnpg.io/reconciliationLoop=enabled",
        ],
        None,
    );
    place.allowed(
        admin,
        &["scale", "pooler/daap-orders-pooler", "--replicas=2"],
        None,
    );
    place.denied(
        admin,
        &["scale", "pooler/daap-orders-pooler", "--replicas=9"],
        None,
        &["1–5"],
    );
    place.denied(
        admin,
        &["scale", "cluster/daap-orders", "--replicas=2"],
        None,
        &["--instances 2"],
    );
    place.denied(
        admin,
        &[
            "label",
            "cluster/daap-orders",
            "--overwrite",
            "daap.dev/id=67e55044-10b1-426f-9247-bb680e5fe0c8",
        ],
        None,
        &["never changes"],
    );
    place.denied(
        admin,
        &["delete", "cluster/daap-orders", "--wait=false"],
        None,
        &["kubectl daap delete orders"],
    );
    let cluster = place.read("cluster/daap-orders");
    let history = History::parse(View(&cluster).annotation(annotation::HISTORY).unwrap()).unwrap();
    let by: Vec<&str> = history.rows.iter().map(|row| row.by.as_str()).collect();
    assert_eq!(by, ["payments-dev", "admin"]);
    assert_eq!(history.rows[1].set.purpose.as_deref(), Some("returns"));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nobody_rewrites_the_past(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "past").await else {
        return;
    };
    let before = place.create_orders();
    let forged = r#"daap.dev/history={"rows":[]}"#;
    for user in [User::PaymentsDev, User::Admin] {
        place.allowed(
            user,
            &[
                "annotate",
                "cluster/daap-orders",
                "--overwrite",
                forged,
                "daap.dev/created-by=mallory",
                "daap.dev/version=40",
            ],
            None,
        );
        let after = place.read("cluster/daap-orders");
        for key in annotation::STAMPS {
            assert_eq!(
                View(&after).annotation(key),
                View(&before).annotation(key),
                "{key}"
            );
        }
    }
    // The operator is exempt from ownership, never from the record.
    place.allowed(
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
    place.denied(
        User::Operator,
        &[
            "label",
            "cluster/daap-orders",
            "--overwrite",
            "daap.dev/name=other",
        ],
        None,
        &["never changes"],
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_goes_only_with_its_tombstone(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "gate").await else {
        return;
    };
    let cluster = place.create_orders();
    let view = View(&cluster);
    place.denied(
        User::PaymentsDev,
        &["delete", "cluster/daap-orders", "--wait=false"],
        None,
        &["kubectl daap delete orders"],
    );
    let deletion = Deletion {
        by: "payments-dev",
        reason: None,
        at: "2026-11-21T08:00:00Z".parse().unwrap(),
        retention_days: 30,
    };
    let mut tombstone = Tombstone::of(view, None, deletion);
    tombstone.stage = Stage::Purged;
    let id = DatabaseId::parse(view.label(label::ID).unwrap()).unwrap();
    let map = tombstone.config_map(view, &place.orders().name, &id, deletion);
    place.allowed(User::PaymentsDev, &["create", "-f", "-"], Some(&map));
    place.denied(
        User::Outsider,
        &["delete", "cluster/daap-orders", "--wait=false"],
        None,
        &["payments"],
    );
    place.allowed(
        User::PaymentsDev,
        &["delete", "cluster/daap-orders", "--timeout=20s"],
        None,
    );
    // The Pooler belongs to its Cluster: the real garbage collector takes it along, past the webhook.
    place.allowed(
        User::Admin,
        &[
            "wait",
            "--for=delete",
            "pooler/daap-orders-pooler",
            "--timeout=60s",
        ],
        None,
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_foreign_is_adopted(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "adopt").await else {
        return;
    };
    let secret =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "daap-orders-app"}});
    place.allowed(User::Admin, &["create", "-f", "-"], Some(&secret));
    let cluster = place.orders().cluster();
    place.denied(
        User::PaymentsDev,
        &["create", "-f", "-"],
        Some(&cluster),
        &["Secret 'daap-orders-app'"],
    );
    place.allowed(User::Admin, &["delete", "secret/daap-orders-app"], None);
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "daap-orders-1"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    place.allowed(User::Admin, &["create", "-f", "-"], Some(&volume));
    place.denied(
        User::PaymentsDev,
        &["create", "-f", "-"],
        Some(&cluster),
        &["PersistentVolumeClaim 'daap-orders-1'"],
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_needs_the_team_of_its_cluster(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "pooler").await else {
        return;
    };
    place.create_orders();
    let pooler = |name: &str, cluster: &str| {
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "metadata": {"name": name},
            "spec": {"cluster": {"name": cluster}, "instances": 1, "type": "ro", "pgbouncer": {}},
        })
    };
    place.denied(
        User::BillingDev,
        &["create", "-f", "-"],
        Some(&pooler("mine", "daap-orders")),
        &["payments"],
    );
    place.denied(
        User::BillingDev,
        &["create", "-f", "-"],
        Some(&pooler("mine", "daap-nowhere")),
        &["no cluster 'daap-nowhere'"],
    );
    let output = place.kubectl(
        User::PaymentsDev,
        &["create", "-f", "-"],
        Some(&pooler("readers", "daap-orders")),
    );
    assert!(output.status.success(), "{}", errors(&output));
    assert!(
        errors(&output).contains("Warning: spec.pgbouncer.poolMode: set to transaction"),
        "{}",
        errors(&output)
    );
    let ours = place.read("pooler/daap-orders-pooler");
    assert!(View(&ours).is_owned_by(View(&place.read("cluster/daap-orders")).uid()));
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn clusters_of_others_are_left_alone(#[values(Crds::Own, Crds::Real)] crds: Crds) {
    let Some(place) = Place::of(crds, "legacy").await else {
        return;
    };
    let legacy = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "metadata": {"name": "legacy"},
        "spec": {"instances": 9, "storage": {"size": "1Gi"}},
    });
    place.allowed(User::Outsider, &["apply", "-f", "-"], Some(&legacy));
    place.allowed(
        User::BillingDev,
        &["scale", "cluster/legacy", "--replicas=3"],
        None,
    );
    // It cannot become ours by a label either: it is not called daap-….
    place.denied(
        User::BillingDev,
        &["label", "cluster/legacy", "daap.dev/owner-team=billing"],
        None,
        &["daap-"],
    );
    place.allowed(User::BillingDev, &["delete", "cluster/legacy"], None);
}
