//! A namespace in which cases run one after another, and what is done in it.

use std::{
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use daap_tests::sandbox::{Sandbox, User};
use http::{Method, Request};
use kube::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{process::Command, sync::mpsc, time::timeout};

use crate::{
    proxy::{Fault, Proxy, Strike},
    request::{Key, Names},
    world::World,
};

/// Longer than any operation takes, and its retries: what lasts longer hangs.
const HUNG: Duration = Duration::from_mins(2);
/// The garbage collector is exempt from admission: what a case leaves goes without a word.
const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";

/// How a run of the plugin ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// None when it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.code == Some(0)
    }
}

/// A namespace of a sandbox.
pub(crate) struct Place {
    pub(crate) sandbox: &'static Sandbox,
    pub(crate) namespace: String,
    folder: tempfile::TempDir,
    harness: Client,
    users: Vec<(User, Client)>,
}

/// How the plugin is connected.
pub(crate) enum Via<'a> {
    Directly,
    Through(&'a Proxy, mpsc::UnboundedReceiver<Strike>),
}

impl Place {
    pub(crate) async fn make(sandbox: &'static Sandbox, namespace: &str) -> Self {
        sandbox.fresh_namespace(namespace).await;
        let mut users = Vec::new();
        for user in [User::PaymentsDev, User::BillingDev, User::Admin] {
            users.push((user, sandbox.client(user).await));
        }
        Self {
            sandbox,
            namespace: namespace.to_owned(),
            folder: tempfile::tempdir().unwrap(),
            harness: sandbox.client(User::Harness).await,
            users,
        }
    }

    pub(crate) fn client(&self, user: User) -> Client {
        let (_, client) = self.users.iter().find(|(known, _)| *known == user).unwrap();
        client.clone()
    }

    /// A proxy for the requests about a database.
    pub(crate) async fn proxy(
        &self,
        user: User,
        database: &str,
        plan: Option<(Key, Fault)>,
    ) -> (Proxy, mpsc::UnboundedReceiver<Strike>) {
        let names = Names {
            namespace: self.namespace.clone(),
            database: database.to_owned(),
        };
        Proxy::start(self.client(user), names, plan).await
    }

    /// Runs the plugin; a strike kills it.
    pub(crate) async fn plugin(&self, user: User, words: &[&str], via: Via<'_>) -> Outcome {
        let mut command = Command::from(self.sandbox.plugin_alone(user));
        command.args(words).args(["-n", &self.namespace]);
        let mut strikes = None;
        if let Via::Through(proxy, told) = via {
            let file = self.kubeconfig_file(proxy);
            command.env("KUBECONFIG", &file);
            strikes = Some(told);
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = child.spawn().unwrap();
        let process = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
        let mut output = std::pin::pin!(timeout(HUNG, child.wait_with_output()));
        let struck = async {
            match &mut strikes {
                Some(strikes) => strikes.recv().await,
                None => None,
            }
        };
        let ended = tokio::select! {
            ended = &mut output => ended,
            Some(done) = struck => {
                kill_process(process, Signal::KILL).unwrap();
                let ended = output.await;
                let _ = done.send(());
                ended
            }
        };
        let Ok(ended) = ended else {
            return Outcome {
                code: None,
                stdout: String::new(),
                stderr: format!("it hung for {HUNG:?}"),
            };
        };
        Outcome::of(&ended.unwrap())
    }

    fn kubeconfig_file(&self, proxy: &Proxy) -> PathBuf {
        // Several run in one place at once, each through its own proxy.
        let file = self.folder.path().join(proxy.file_name());
        std::fs::write(&file, proxy.kubeconfig()).unwrap();
        file
    }

    /// What the API server holds of a database.
    pub(crate) async fn world(&self, database: &str) -> World {
        self.try_world(database).await.unwrap()
    }

    /// The same, while the API server may be down.
    pub(crate) async fn try_world(&self, database: &str) -> Result<World, kube::Error> {
        World::read(&self.harness, &self.namespace, database).await
    }

    /// Deletes an object as this user.
    pub(crate) async fn delete(&self, user: User, path: &str) -> Result<Value, kube::Error> {
        let request = Request::builder().method(Method::DELETE).uri(path);
        let request = request.body(Vec::new()).unwrap();
        self.client(user).request(request).await
    }

    /// Removes everything of a database; the rest is collected by itself.
    pub(crate) async fn clear(&self, world: &World) {
        for path in world.paths() {
            let request = Request::builder()
                .method(Method::DELETE)
                .uri(path)
                .header("Impersonate-User", COLLECTOR)
                .header("Impersonate-Group", "system:masters")
                .body(Vec::new())
                .unwrap();
            // That it has gone meanwhile is as good.
            let _ = self.harness.request::<Value>(request).await;
        }
    }
}
