//! Where the suite works: a namespace of a sandbox, and kubectl in it.

use std::io::Write as _;
use std::process::{Output, Stdio};

use daap_crds::contract::label;
use daap_crds::desired::Desired;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::purpose::Purpose;
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use serde_json::Value;
use tokio::sync::OnceCell;

/// Which CRDs a test runs on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crds {
    Own,
    Real,
}

/// A namespace of a sandbox whose operator is away, so that nothing changes but what a test does.
pub(crate) struct Place {
    pub(crate) sandbox: &'static Sandbox,
    pub(crate) namespace: String,
}

impl Place {
    /// None where CNPG's CRDs are wanted and not at hand.
    pub(crate) async fn of(crds: Crds, test: &str) -> Option<Self> {
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

    pub(crate) fn kubectl(&self, user: User, words: &[&str], input: Option<&Value>) -> Output {
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
    pub(crate) fn allowed(&self, user: User, words: &[&str], input: Option<&Value>) -> String {
        let output = self.kubectl(user, words, input);
        assert!(
            output.status.success(),
            "{user}: {words:?}: {}",
            errors(&output)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl and expects the webhook to refuse it, saying `why`.
    pub(crate) fn denied(&self, user: User, words: &[&str], input: Option<&Value>, why: &[&str]) {
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

    pub(crate) fn orders(&self) -> Desired {
        Desired::smallest(
            DatabaseName::parse("orders").unwrap(),
            &self.namespace,
            Team::parse("payments").unwrap(),
            Purpose::parse("order intake").unwrap(),
            DatabaseId::random(),
        )
    }

    /// Creates the database `orders` of team payments, and returns its Cluster as it is stored.
    pub(crate) fn create_orders(&self) -> Value {
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

    pub(crate) fn read(&self, object: &str) -> Value {
        serde_json::from_str(&self.allowed(User::Admin, &["get", object, "-o", "json"], None))
            .unwrap()
    }
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The webhook sets the id of a Pooler from its Cluster.
pub(crate) fn without_id(mut object: Value) -> Value {
    object["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove(label::ID);
    object
}

/// Everything of an object that a user could have changed.
pub(crate) fn essence(object: &Value) -> Value {
    let mut essence = object.clone();
    let metadata = essence["metadata"].as_object_mut().unwrap();
    for key in ["managedFields", "resourceVersion", "generation"] {
        metadata.remove(key);
    }
    essence.as_object_mut().unwrap().remove("status");
    essence
}
