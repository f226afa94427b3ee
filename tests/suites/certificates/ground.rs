//! A sandbox without the webhook, the shipped rights and rules, and replicas behind one address.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use daap_tests::sandbox::{Sandbox, SandboxOptions, User, wait_for};
use kube::Client;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::SOON;
use crate::balancer::Balancer;
use crate::replica::Replica;

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";
const KINDS: [&str; 2] = [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
];
const SECRET: &str = "/api/v1/namespaces/daap-system/secrets/daap-webhook-ca";
const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/daap-system/leases/daap-webhook-ca";

pub(crate) struct Ground {
    pub(crate) replicas: Vec<Replica>,
    pub(crate) balancer: Balancer,
    pub(crate) sandbox: Sandbox,
    client: Client,
    kubeconfig: PathBuf,
    flags: Vec<String>,
}

impl Ground {
    /// With certificates that replicas make themselves.
    pub(crate) async fn new(flags: &[&str]) -> Self {
        let own = ["--own-certificates", "--dns-name=127.0.0.1"];
        let flags = own.iter().chain(flags);
        Self::with(flags.map(|flag| (*flag).to_owned()).collect()).await
    }

    /// With certificates that somebody else writes into files.
    pub(crate) async fn with_files(certificate: &Path, key: &Path) -> Self {
        let flag = |name: &str, file: &Path| format!("--{name}={}", file.display());
        Self::with(vec![flag("tls-cert", certificate), flag("tls-key", key)]).await
    }

    async fn with(flags: Vec<String>) -> Self {
        let sandbox = Sandbox::start_with(SandboxOptions::bare()).await.unwrap();
        let client = sandbox.client(User::Harness).await;
        let balancer = Balancer::new().await;
        for document in documents("overlays/own-certificates/rbac.yaml") {
            apply(&client, &document).await;
        }
        for mut document in documents("base/webhooks.yaml") {
            for webhook in document["webhooks"].as_array_mut().unwrap() {
                let path = webhook["clientConfig"]["service"]["path"].as_str().unwrap();
                let url = format!("https://{}{path}", balancer.address);
                webhook["clientConfig"] = json!({"url": url});
            }
            apply(&client, &document).await;
        }
        let ground = Self {
            replicas: Vec::new(),
            balancer,
            kubeconfig: sandbox.kubeconfig_of(User::Webhook),
            sandbox,
            client,
            flags,
        };
        ground.write_policy("{}");
        ground
    }

    /// From now on replicas reach the API server by this kubeconfig.
    pub(crate) fn reach_by(&mut self, kubeconfig: &str) {
        self.kubeconfig = self.sandbox.folder().join("kubeconfig-of-replicas");
        std::fs::write(&self.kubeconfig, kubeconfig).unwrap();
    }

    fn policy(&self) -> PathBuf {
        self.sandbox.folder().join("policy-of-replicas.yaml")
    }

    /// Replaces the policy of all replicas, at once as a `ConfigMap` volume does.
    pub(crate) fn write_policy(&self, policy: &str) {
        let new = self.policy().with_extension("new");
        std::fs::write(&new, policy).unwrap();
        std::fs::rename(new, self.policy()).unwrap();
    }

    async fn replica(&self, name: &str) -> Replica {
        let (kubeconfig, policy) = (&self.kubeconfig, &self.policy());
        Replica::start(&self.sandbox, name, kubeconfig, policy, &self.flags).await
    }

    /// As a Deployment with `maxUnavailable: 0` replaces a pod: the new one first. That the old one
    /// ends reaches whoever sends requests a moment later than the old one itself.
    pub(crate) async fn replace_first(&mut self, name: &str) {
        self.replicas.push(self.replica(name).await);
        self.until_ready().await;
        let mut old = self.replicas.remove(0);
        let address = old.address;
        let withdrawn = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let mut served = self.balancer.replicas.lock().unwrap();
            served.retain(|served| *served != address);
        };
        futures::join!(old.end(), withdrawn);
    }

    /// Starts them all at once, and waits until they are ready.
    pub(crate) async fn start_replicas(&mut self, count: usize) {
        let names: Vec<String> = (0..count).map(|at| format!("replica-{at}")).collect();
        let started = names.iter().map(|name| self.replica(name));
        self.replicas = futures::future::join_all(started).await;
        self.until_ready().await;
    }

    /// Until all are ready, which are then served to.
    pub(crate) async fn until_ready(&self) {
        self.until("every replica is ready", SOON, async |ground| {
            let ready = ground.replicas.iter().map(Replica::is_ready);
            futures::future::join_all(ready)
                .await
                .iter()
                .all(|ready| *ready)
        })
        .await;
        let addresses = self.replicas.iter().map(|replica| replica.address);
        *self.balancer.replicas.lock().unwrap() = addresses.collect();
    }

    pub(crate) async fn until(
        &self,
        what: &str,
        limit: Duration,
        holds: impl AsyncFn(&Self) -> bool,
    ) {
        let waited = wait_for(what, limit, async || Ok(holds(self).await.then_some(()))).await;
        let mistakes: Vec<String> = self.replicas.iter().flat_map(Replica::mistakes).collect();
        waited.unwrap_or_else(|error| panic!("{error:#}\n{}", mistakes.join("\n")));
    }

    /// How often all replicas together said that.
    pub(crate) fn said(&self, text: &str) -> usize {
        self.replicas.iter().map(|replica| replica.said(text)).sum()
    }

    /// What the Secret holds under a key.
    pub(crate) async fn stored(&self, key: &str) -> Option<String> {
        let secret = get(&self.client, SECRET).await?;
        let value = BASE64_STANDARD
            .decode(secret["data"][key].as_str()?)
            .unwrap();
        Some(String::from_utf8(value).unwrap())
    }

    /// Until another CA signs, and replicas serve what it signed; returns that CA.
    pub(crate) async fn another_ca(&self, before: &str) -> String {
        self.until("another CA signs", Duration::from_mins(1), async |ground| {
            let current = ground.stored("ca.crt").await;
            let next = ground.stored("next.crt").await;
            next.is_none() && current.is_some_and(|current| current != before)
        })
        .await;
        self.stored("ca.crt").await.unwrap()
    }

    pub(crate) async fn bundles(&self) -> Vec<String> {
        bundles(&self.client).await
    }

    pub(crate) async fn overwrite_bundles(&self) {
        self.publish(include_str!("other-ca.pem")).await;
    }

    /// Puts certificates (PEM) into every webhook.
    pub(crate) async fn publish(&self, bundle: &str) {
        let bundle = BASE64_STANDARD.encode(bundle);
        for kind in KINDS {
            let path = format!("{CONFIGURATIONS}/{kind}/admission.daap.dev");
            let found = get(&self.client, &path).await.unwrap();
            let count = found["webhooks"].as_array().unwrap().len();
            let change: Vec<Value> = (0..count)
                .map(|at| json!({"op": "add", "path": format!("/webhooks/{at}/clientConfig/caBundle"), "value": bundle}))
                .collect();
            patched(
                &self.client,
                &path,
                "application/json-patch+json",
                &json!(change),
            )
            .await;
        }
    }

    pub(crate) async fn delete_secret(&self) {
        let request = http::Request::delete(SECRET).body(Vec::new()).unwrap();
        let _: Value = self.client.request(request).await.unwrap();
    }

    pub(crate) async fn break_secret(&self, key: &str, value: &str) {
        let patch = json!({"data": {key: BASE64_STANDARD.encode(value)}});
        patched(&self.client, SECRET, "application/merge-patch+json", &patch).await;
    }

    pub(crate) async fn holder(&self) -> String {
        let lease = get(&self.client, LEASE).await.unwrap();
        lease["spec"]["holderIdentity"].as_str().unwrap().to_owned()
    }

    /// Kills whoever holds the Lease; nothing is sent there any more.
    pub(crate) fn kill(&mut self, holder: &str) {
        let held = |replica: &Replica| holder.starts_with(&replica.name);
        let at = self.replicas.iter().position(held).unwrap();
        let gone = self.replicas.remove(at);
        let mut served = self.balancer.replicas.lock().unwrap();
        served.retain(|address| *address != gone.address);
    }

    /// Stops every replica, as a clock that jumps does for them.
    pub(crate) async fn stop_for(&self, time: Duration) {
        for replica in &self.replicas {
            replica.signal(Signal::STOP);
        }
        tokio::time::sleep(time).await;
        for replica in &self.replicas {
            replica.signal(Signal::CONT);
        }
    }
}

/// The `caBundle` of every webhook, as PEM.
pub(crate) async fn bundles(client: &Client) -> Vec<String> {
    let mut found = Vec::new();
    for kind in KINDS {
        let path = format!("{CONFIGURATIONS}/{kind}/admission.daap.dev");
        let configuration = get(client, &path).await.unwrap();
        for webhook in configuration["webhooks"].as_array().unwrap() {
            let bundle = webhook["clientConfig"]["caBundle"]
                .as_str()
                .unwrap_or_default();
            let bundle = BASE64_STANDARD.decode(bundle).unwrap();
            found.push(String::from_utf8(bundle).unwrap());
        }
    }
    found
}

async fn get(client: &Client, path: &str) -> Option<Value> {
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    match client.request(request).await {
        Ok(found) => Some(found),
        Err(kube::Error::Api(status)) if status.code == 404 => None,
        Err(error) => panic!("{path}: {error}"),
    }
}

async fn patched(client: &Client, path: &str, kind: &str, change: &Value) {
    let request = http::Request::patch(path)
        .header(http::header::CONTENT_TYPE, kind)
        .body(change.to_string().into_bytes())
        .unwrap();
    let patched: Result<Value, _> = client.request(request).await;
    patched.unwrap_or_else(|error| panic!("{path}: {error}"));
}

fn documents(file: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

async fn apply(client: &Client, document: &Value) {
    let text = |pointer| document.pointer(pointer).and_then(Value::as_str);
    let namespace = text("/metadata/namespace").map(|namespace| format!("namespaces/{namespace}/"));
    let path = format!(
        "/apis/{}/{}{}s/{}?fieldManager=suite&force=true",
        text("/apiVersion").unwrap(),
        namespace.unwrap_or_default(),
        text("/kind").unwrap().to_lowercase(),
        text("/metadata/name").unwrap()
    );
    patched(client, &path, "application/apply-patch+yaml", document).await;
}
