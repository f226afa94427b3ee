//! A sandbox in the hands of a suite.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use kube::Client;
use tokio::{sync::OnceCell, task::spawn_blocking};

use super::{
    component::Component,
    identity::User,
    kubeconfig,
    layout::Layout,
    options::SandboxOptions,
    process::OWNER_VARIABLE,
    programs, seed,
    starter::{START_LIMIT, Supervisor, mandate},
    wire::{Order, Ready, Report},
};

/// A control plane with the webhook and the stand-in operator, for as long as this lives.
///
/// # Caveats
/// A process that is killed leaves nothing either: the sandbox's supervisor notices and takes
/// everything down. It does so *after* the process has ended.
///
/// # Usage
/// ```no_run
/// # use daap_tests::sandbox::{Sandbox, User};
/// # async fn suite() {
/// let sandbox = Sandbox::shared().await;
/// sandbox.fresh_namespace("my-test").await;
/// let client = sandbox.client(User::PaymentsDev).await;
/// let output = sandbox.plugin(User::PaymentsDev).args(["list", "-n", "my-test"]).output();
/// # }
/// ```
#[derive(Debug)]
pub struct Sandbox {
    layout: Layout,
    ready: Ready,
    supervisor: Arc<Mutex<Supervisor>>,
}

impl Sandbox {
    /// A sandbox with everything in it.
    ///
    /// # Errors
    /// A program is missing or did not start; the message shows the end of its log.
    pub async fn start() -> Result<Self> {
        Self::start_with(SandboxOptions::default()).await
    }

    /// A sandbox as these options want it.
    ///
    /// # Errors
    /// See [`Sandbox::start`].
    pub async fn start_with(options: SandboxOptions) -> Result<Self> {
        spawn_blocking(|| Self::start_blocking(options)).await?
    }

    /// The one sandbox of this test binary, started by the first who asks, with everything in it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
        let started = SHARED.get_or_try_init(Self::start).await;
        started.unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"))
    }

    fn start_blocking(options: SandboxOptions) -> Result<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("test-{}-{number}", process::id());
        let mandate = mandate(&name, options, true)?;
        let supervisor = Supervisor::start(&mandate)?;
        let ready = match supervisor.report(START_LIMIT)? {
            Report::Ready(ready) => ready,
            other => bail!("expected a sandbox, got {other:?}"),
        };
        Ok(Self {
            layout: Layout::of(&ready.folder),
            ready,
            supervisor: Arc::new(Mutex::new(supervisor)),
        })
    }

    /// Takes everything down. Dropping does the same, but blocks the thread.
    ///
    /// # Errors
    /// Something is left.
    pub async fn stop(self) -> Result<()> {
        spawn_blocking(move || self.stop_blocking()).await?
    }

    fn stop_blocking(&self) -> Result<()> {
        let mut supervisor = self
            .supervisor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        supervisor.stop(&self.ready.folder)
    }

    /// The kubeconfig that a user of the sandbox is given: contexts of [`User::PUBLISHED`].
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.layout.kubeconfig()
    }

    /// A kubeconfig in which this user's context is the current and only one.
    #[must_use]
    pub fn kubeconfig_of(&self, user: User) -> PathBuf {
        self.layout.kubeconfig_of(user)
    }

    /// Address of the API server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.ready.server
    }

    /// What is not as the options wanted it.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.ready.warnings
    }

    /// From the supervisor's start until it was ready.
    #[must_use]
    pub fn raised_in(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.ready.raised_in_ms)
    }

    /// The folder that everything lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.ready.folder
    }

    /// Process id of the supervisor.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn supervisor_pid(&self) -> u32 {
        self.supervisor.lock().expect("nobody panics").pid()
    }

    /// What a component has written so far; `sandbox` is the supervisor with the stand-in.
    #[must_use]
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.layout.log(name)).unwrap_or_default()
    }

    /// A new client that acts as this user. It belongs to the runtime that it is made in, and does
    /// not retry.
    ///
    /// # Panics
    /// When the kubeconfig is gone.
    pub async fn client(&self, user: User) -> Client {
        let client = kubeconfig::client(&self.kubeconfig_of(user)).await;
        client.unwrap_or_else(|error| panic!("failed to make a client for {user}: {error:#}"))
    }

    /// The real kubectl, as this user.
    #[must_use]
    pub fn kubectl(&self, user: User) -> Command {
        let mut command = Command::new(self.ready.assets.join("kubectl"));
        command
            .env("KUBECONFIG", self.kubeconfig_of(user))
            .env("KUBECACHEDIR", self.layout.cache())
            // What the plugin keeps for its user, and what psql reads of its user's.
            .env("HOME", self.layout.cache())
            // What hangs is killed with the sandbox.
            .env(OWNER_VARIABLE, self.folder());
        command
    }

    /// `kubectl daap` through the real kubectl, as this user.
    ///
    /// # Panics
    /// When the plugin is not built.
    #[must_use]
    pub fn plugin(&self, user: User) -> Command {
        let plugin = programs::built("kubectl-daap", Some("KUBECTL_DAAP"));
        let plugin = plugin.unwrap_or_else(|error| panic!("{error:#}"));
        let folders = plugin.parent().map(Path::to_path_buf);
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path: OsString =
            env::join_paths(folders.into_iter().chain(env::split_paths(&inherited)))
                .expect("a path of the build has no colon");
        let mut command = self.kubectl(user);
        command.env("PATH", path).arg("daap");
        command
    }

    /// The plugin without kubectl before it, as this user: what is killed then is the plugin.
    ///
    /// # Panics
    /// When the plugin is not built.
    #[must_use]
    pub fn plugin_alone(&self, user: User) -> Command {
        let plugin = programs::built("kubectl-daap", Some("KUBECTL_DAAP"));
        let mut command = Command::new(plugin.unwrap_or_else(|error| panic!("{error:#}")));
        command
            .env("KUBECONFIG", self.kubeconfig_of(user))
            .env("HOME", self.layout.cache())
            .env(OWNER_VARIABLE, self.folder());
        command
    }

    /// The program of the webhook, with the rights of this user.
    ///
    /// # Panics
    /// When it is not built.
    #[must_use]
    pub fn webhook(&self, user: User) -> Command {
        let webhook = programs::built("daap-webhook", Some("DAAP_WEBHOOK"));
        let mut command = Command::new(webhook.unwrap_or_else(|error| panic!("{error:#}")));
        command
            .env("KUBECONFIG", self.kubeconfig_of(user))
            .env(OWNER_VARIABLE, self.folder())
            .env_remove("RUST_LOG");
        command
    }

    /// Makes a namespace in which everyone has the rights that they have in `apps`.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub async fn fresh_namespace(&self, name: &str) {
        let client = self.client(User::Harness).await;
        let planted = seed::plant_namespace(&client, name).await;
        planted.unwrap_or_else(|error| panic!("failed to make namespace {name}: {error:#}"));
    }

    /// Kills a component as a crash would.
    ///
    /// # Errors
    /// It cannot be killed.
    pub async fn kill(&self, component: Component) -> Result<()> {
        self.order(Order::Kill(component)).await
    }

    /// Starts a component that was killed, with the address and data that it had, and waits until
    /// it answers.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn restart(&self, component: Component) -> Result<()> {
        self.order(Order::Start(component)).await
    }

    async fn order(&self, order: Order) -> Result<()> {
        let supervisor = self.supervisor.clone();
        let done = spawn_blocking(move || {
            let mut supervisor = supervisor.lock().unwrap_or_else(PoisonError::into_inner);
            supervisor.order(order)
        });
        done.await?.with_context(|| format!("failed: {order:?}"))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Err(error) = self.stop_blocking() {
            tracing::error!("failed to take the sandbox down: {error:#}");
        }
    }
}
