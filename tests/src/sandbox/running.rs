//! The programs of a sandbox while they run.

use std::{collections::BTreeMap, env, fs, process::ExitStatus, time::Duration};

use anyhow::{Context, Result, bail};
use futures::future::{pending, select_all};
use kube::{Client, Config};
use rustix::process::Signal;
use tokio::{process::Child, time::timeout};

use super::{
    component::{Component, Plan, free_port},
    identity::User,
    kubeconfig,
    process::Identity,
    wait::wait_for,
};

/// How long a program may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(45);
/// How long a webhook that is measured may drain.
const MEASURED_LIMIT: Duration = Duration::from_secs(20);
/// How often another port is tried when someone took the one that was free.
const PORT_ATTEMPTS: usize = 5;
/// Lines of a program's log that an error shows.
const TAIL: usize = 15;

/// The programs that run, and how they were started.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) plan: Plan,
    children: BTreeMap<Component, Child>,
}

impl Running {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            children: BTreeMap::new(),
        }
    }

    /// Starts a component and waits until it answers.
    pub(super) async fn start(&mut self, component: Component) -> Result<()> {
        if self.children.contains_key(&component) {
            return Ok(());
        }
        let program = self.plan.program(component)?;
        let mut child = program
            .spawn()
            .await
            .with_context(|| format!("failed to start {component}"))?;
        let answered = tokio::select! {
            status = child.wait() => Err(self.ended(component, status?)),
            answered = answers(&self.plan, component) => answered,
        };
        self.children.insert(component, child);
        if answered.is_err() {
            self.kill(component).await?;
        }
        answered
    }

    /// Starts a component that listens, on a port that is free.
    pub(super) async fn start_on_free_port(&mut self, component: Component) -> Result<()> {
        let mut last = None;
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port()?;
            if component == Component::Webhook {
                self.plan.webhook_port = port;
            } else {
                self.plan.api_port = port;
                let server = self.plan.server();
                kubeconfig::write_all(&self.plan.layout, &server, &self.plan.authority)?;
            }
            match self.start(component).await {
                Err(error) if is_about_the_port(&error) => last = Some(error),
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no free port for {component}")))
    }

    /// Kills a component as a crash would, and waits until it is gone.
    pub(super) async fn kill(&mut self, component: Component) -> Result<()> {
        if let Some(mut child) = self.children.remove(&component) {
            child.kill().await?;
        }
        Ok(())
    }

    /// Ends everything, in the reverse order of the start. Nothing of it is needed again, so it is
    /// killed; but a program that is measured writes down which lines it ran only when it ends.
    pub(super) async fn end_all(&mut self) {
        if env::var_os("LLVM_PROFILE_FILE").is_some()
            && let Some(webhook) = self.children.get_mut(&Component::Webhook)
        {
            let process = webhook.id().and_then(Identity::of);
            if process.is_some_and(|process| process.signal(Signal::TERM).is_ok()) {
                let _ = timeout(MEASURED_LIMIT, webhook.wait()).await;
            }
        }
        for component in Component::ALL.into_iter().rev() {
            if let Err(error) = self.kill(component).await {
                tracing::warn!("failed to kill {component}: {error:#}");
            }
        }
    }

    /// Whether nobody has ended this component, nor it itself.
    pub(super) fn has(&self, component: Component) -> bool {
        self.children.contains_key(&component)
    }

    /// Waits until a component ends that nobody ended, and forgets it.
    pub(super) async fn lost(&mut self) -> (Component, anyhow::Error) {
        let waits: Vec<_> = self
            .children
            .iter_mut()
            .map(|(component, child)| Box::pin(async { (*component, child.wait().await) }))
            .collect();
        if waits.is_empty() {
            return pending().await;
        }
        let ((component, status), ..) = select_all(waits).await;
        self.children.remove(&component);
        let error = match status {
            Ok(status) => self.ended(component, status),
            Err(error) => error.into(),
        };
        (component, error)
    }

    fn ended(&self, component: Component, status: ExitStatus) -> anyhow::Error {
        let log = self.plan.layout.log(component.name());
        let log = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.split_at(lines.len().saturating_sub(TAIL)).1;
        anyhow::anyhow!("{component} ended ({status}):\n{}", tail.join("\n"))
    }
}

fn is_about_the_port(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}").to_lowercase();
    text.contains("address already in use") || text.contains("address in use")
}

async fn answers(plan: &Plan, component: Component) -> Result<()> {
    let what = format!("{component} answers");
    let ask = async || match component {
        Component::Etcd => {
            let there = plan.layout.etcd().join("client.sock").exists();
            Ok(there.then_some(()))
        }
        Component::ApiServer => {
            let client = kubeconfig::client(&plan.layout.kubeconfig_of(User::Harness)).await?;
            readyz(&client).await.map(Some)
        }
        // It serves nothing.
        Component::ControllerManager => Ok(Some(())),
        Component::Webhook => readyz(&webhook_client(plan)?).await.map(Some),
    };
    wait_for(&what, START_LIMIT, ask).await
}

async fn readyz(client: &Client) -> Result<()> {
    let request = http::Request::get("/readyz").body(Vec::new())?;
    client.request_text(request).await?;
    Ok(())
}

/// A client for the webhook's port that trusts this sandbox's authority only: whoever else may
/// have taken the port does not pass for the webhook.
fn webhook_client(plan: &Plan) -> Result<Client> {
    let url = format!("https://127.0.0.1:{}", plan.webhook_port);
    let Ok(url) = url.parse() else {
        bail!("not an address: {url}");
    };
    let mut config = Config::new(url);
    config.root_cert = Some(vec![plan.authority.certificate_der()]);
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
