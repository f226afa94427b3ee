//! A sandbox that is measured in: a real API server and etcd, raised by `daap-sandbox` and taken down
//! with this value.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use http::{Method, Request, header};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

use super::load::output;

/// Namespace in which the developers of a sandbox work.
pub(super) const NAMESPACE: &str = "apps";
/// Who may everything, as the sandbox calls it.
pub(super) const ADMIN: &str = "admin";
/// A developer of the team `payments`.
pub(super) const DEVELOPER: &str = "payments-dev";
/// How a change is sent.
pub(super) const MERGE: &str = "application/merge-patch+json";

/// Where the programs of sandboxes are.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// `daap-sandbox`.
    pub(super) sandbox: PathBuf,
    /// The webhook and the plugin that are measured.
    pub(super) release: PathBuf,
}

/// A sandbox that is up.
#[derive(Debug)]
pub(super) struct Sandbox {
    program: PathBuf,
    name: String,
    /// With a context for everybody.
    pub(super) kubeconfig: PathBuf,
}

impl Sandbox {
    /// Raises one, and says how long that took.
    pub(super) fn up(
        programs: &Programs,
        what: &str,
        flags: &[&str],
    ) -> anyhow::Result<(Self, Duration)> {
        let name = format!("bench-{}-{what}", std::process::id());
        let began = Instant::now();
        let mut command = Command::new(&programs.sandbox);
        command
            .args(["up", "--name", &name])
            .args(flags)
            .env("DAAP_WEBHOOK", programs.release.join("daap-webhook"))
            .env("KUBECTL_DAAP", programs.release.join("kubectl-daap"))
            .stdin(Stdio::null());
        let said = output(command)?;
        let took = began.elapsed();
        let kubeconfig = { said.lines() }
            .find_map(|line| line.strip_prefix("export KUBECONFIG='")?.strip_suffix('\''))
            .with_context(|| format!("the sandbox said no KUBECONFIG: {said}"))?;
        let up = Self {
            program: programs.sandbox.clone(),
            name,
            kubeconfig: kubeconfig.into(),
        };
        Ok((up, took))
    }

    /// A client that acts as who has that context, and tries everything once.
    pub(super) async fn client(&self, context: &str) -> anyhow::Result<Client> {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.default_retry = false;
        Ok(Client::try_from(config)?)
    }

    /// Has etcd forget all history, and waits until the API server has noticed: what an API server does
    /// every five minutes. From then on it reads the pages of a list after the first from etcd.
    pub(super) fn compact(&self) -> anyhow::Result<()> {
        let folder = { self.kubeconfig.parent() }.context("a kubeconfig lies in a folder")?;
        let socket = folder.join("etcd/client.sock");
        let put = |key: &str, body: &Value| etcd(&socket, key, body);
        let revision = put("kv/range", &serde_json::json!({"key": "AA=="}))?;
        let revision = { revision.pointer("/header/revision").and_then(Value::as_str) }
            .context("etcd said no revision")?
            .to_owned();
        // By this key the API servers tell each other how far they have compacted.
        put(
            "kv/put",
            &serde_json::json!({"key": base64("compact_rev_key"), "value": base64(&revision)}),
        )?;
        put(
            "kv/compaction",
            &serde_json::json!({"revision": revision, "physical": true}),
        )?;
        // The API server looks every 15 s, and says nowhere that it has.
        std::thread::sleep(Duration::from_secs(17));
        Ok(())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let mut down = Command::new(&self.program);
        down.args(["down", "--name", &self.name]);
        let _ = {
            down.stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
        }
        .status();
    }
}

fn etcd(socket: &Path, what: &str, body: &Value) -> anyhow::Result<Value> {
    let mut command = Command::new("curl");
    command
        .args([
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--max-time",
            "60",
            "--unix-socket",
        ])
        .arg(socket)
        .args(["--data", &body.to_string()])
        .arg(format!("http://etcd/v3/{what}"));
    let said = output(command)?;
    serde_json::from_str(&said).with_context(|| format!("etcd said: {said}"))
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(text)
}

/// Path of the objects of a kind of CNPG's group.
pub(super) fn path(plural: &str) -> String {
    format!("/apis/postgresql.cnpg.io/v1/namespaces/{NAMESPACE}/{plural}")
}

/// Sends a request that has to work.
pub(super) async fn send(
    client: &Client,
    method: Method,
    path: &str,
    kind: &str,
    body: String,
) -> anyhow::Result<Value> {
    let request = Request::builder()
        .method(method.clone())
        .uri(path)
        .header(header::CONTENT_TYPE, kind)
        .body(body.into_bytes())?;
    { client.request(request).await }.with_context(|| format!("{method} {path}"))
}
