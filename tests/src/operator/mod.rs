//! The sandbox operator: a stand-in for `CloudNativePG` on a control plane without nodes.
//!
//! It does for Clusters and Poolers what daap can observe of the real operator, with real
//! `PostgreSQL` and `PgBouncer` processes, and plays those parts of Kubernetes that a control plane
//! alone lacks. It is held to recordings of the real operator, and says that it is a stand-in
//! wherever it speaks: in its log, its events and an annotation on what it makes.
//!
//! | part | plays |
//! |---|---|
//! | `cluster`, `view`, `report`, `status` | the operator, for Clusters |
//! | `hibernation`, `adoption`, `instances`, `failover`, `growth` | its steps |
//! | `pooler` | the operator, for Poolers |
//! | `secrets`, `certificates`, `access`, `services`, `pods` | what it makes for them |
//! | `kubelet` | scheduler, kubelet, and the instance manager in each pod |
//! | `jobs`, `deployments`, `rollout` | the controllers of Jobs and Deployments |
//! | `claims`, `volumes` | the provisioner: a directory for each claim |
//! | `traffic` | kube-proxy: an address of its own for each Service |
//! | `addresses`, `postgres`, `postmaster` | this machine: addresses, programs |
//! | `faults` | what goes wrong on demand |

mod access;
mod addresses;
mod adoption;
mod certificates;
mod claims;
mod cluster;
mod contract;
mod deployments;
mod error;
mod events;
mod failover;
mod faults;
mod growth;
mod hibernation;
mod instances;
mod jobs;
mod kubelet;
mod objects;
mod pods;
mod pooler;
mod postgres;
mod postmaster;
mod report;
mod resources;
mod rollout;
mod secrets;
mod services;
mod status;
mod traffic;
mod view;
mod volumes;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context as _;
use futures::StreamExt as _;
use kube::{
    Api, Client,
    runtime::{Controller, WatchStreamExt as _, controller::Action, watcher},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::{
    addresses::Addresses, events::Announcer, faults::Faults, kubelet::Kubelet, postgres::Programs,
    traffic::Traffic,
};

/// Where the stand-in works, and how patient it is.
#[derive(Clone)]
pub struct Config {
    /// Client with every right on the control plane.
    pub client: Client,
    /// Folder for volumes and what pods write. Every folder above it has to be passable (mode x)
    /// for the unprivileged user that `PostgreSQL` runs as.
    pub state_dir: PathBuf,
    /// How long an instance that is asked to stop waits for its sessions to end before it cuts
    /// them. The real one waits for minutes; seconds show the same.
    pub shutdown_patience: Duration,
}

impl Config {
    /// The defaults for this control plane and folder.
    #[must_use]
    pub fn new(client: Client, state_dir: PathBuf) -> Self {
        Self {
            client,
            state_dir,
            shutdown_patience: Duration::from_secs(20),
        }
    }
}

/// What all parts share.
struct Shared {
    client: Client,
    events: Announcer,
    faults: Faults,
    kubelet: Arc<Kubelet>,
    traffic: Traffic,
    programs: Arc<Programs>,
    state_dir: PathBuf,
    /// Version of the app Secret whose password the role of a Cluster (by uid) has.
    passwords: Mutex<HashMap<String, String>>,
}

/// Plays the operator until told to stop, then stops every process that it started.
///
/// # Errors
/// `PostgreSQL` or `PgBouncer` is not installed (the message says what to install), the state folder
/// cannot be used, or the control plane does not answer.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let programs = Arc::new(Programs::find().await?);
    volumes::prepare_folder(&config.state_dir)
        .with_context(|| format!("failed to prepare {}", config.state_dir.display()))?;
    tracing::info!(
        postgres = %programs.version(),
        "the sandbox operator plays CloudNativePG; it is a stand-in"
    );
    let faults = Faults::new();
    let addresses = Arc::new(Addresses::new());
    let (kubelet, pod_changes, reports) = Kubelet::new(kubelet::Equipment {
        client: config.client.clone(),
        programs: programs.clone(),
        addresses: addresses.clone(),
        faults: faults.clone(),
        events: Announcer::new(config.client.clone()),
        state_dir: config.state_dir.clone(),
        patience: config.shutdown_patience,
    });
    let shared = Arc::new(Shared {
        events: Announcer::new(config.client.clone()),
        traffic: Traffic::new(addresses),
        client: config.client,
        faults,
        kubelet: Arc::new(kubelet),
        programs,
        state_dir: config.state_dir,
        passwords: Mutex::default(),
    });
    shared.kubelet.set_traffic(shared.traffic.clone());
    volumes::register_classes(&shared.client).await?;
    kubelet::register_node(&shared, &stop).await?;

    let mut parts = JoinSet::new();
    parts.spawn(faults::follow(shared.clone(), stop.clone()));
    parts.spawn(cluster::follow(shared.clone(), stop.clone(), reports));
    parts.spawn(pooler::follow(shared.clone(), stop.clone()));
    parts.spawn(deployments::follow(shared.clone(), stop.clone()));
    parts.spawn(jobs::follow(shared.clone(), stop.clone()));
    parts.spawn(claims::follow(shared.clone(), stop.clone()));
    parts.spawn(volumes::follow(shared.clone(), stop.clone()));
    parts.spawn(traffic::follow(shared.clone(), stop.clone()));
    parts.spawn(kubelet::follow(shared.clone(), stop.clone(), pod_changes));
    // A part ends early only when it panicked; the others would wait for it in vain.
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            stop.cancel();
            shared.kubelet.stop_all().await;
            return Err(error).context("a part of the sandbox operator panicked");
        }
    }
    shared.kubelet.stop_all().await;
    Ok(())
}

/// Runs a controller until `stop`, logging what goes wrong; a failed object is tried again soon.
async fn drive<K, F, R>(
    controller: Controller<K>,
    stop: CancellationToken,
    shared: Arc<Shared>,
    reconcile: F,
) where
    K: kube::Resource
        + Clone
        + serde::de::DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
    K::DynamicType: Eq + std::hash::Hash + Clone + std::fmt::Debug + Unpin,
    F: FnMut(Arc<K>, Arc<Shared>) -> R,
    R: Future<Output = Result<Action, error::Error>> + Send + 'static,
{
    controller
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, retry, shared)
        .for_each(|outcome| async move {
            if let Err(error) = outcome {
                tracing::debug!("{}", error::chain(&error));
            }
        })
        .await;
}

/// Tells of every object that is gone; a controller only tells of those that are there.
async fn on_deleted<K>(
    api: Api<K>,
    config: watcher::Config,
    stop: CancellationToken,
    tell: impl Fn(K),
) where
    K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let mut events = std::pin::pin!(watcher(api, config).default_backoff());
    while let Some(Some(event)) = stop.run_until_cancelled(events.next()).await {
        if let Ok(watcher::Event::Delete(object)) = event {
            tell(object);
        }
    }
}

fn retry<K>(_object: Arc<K>, error: &error::Error, _shared: Arc<Shared>) -> Action {
    if !error.is_transient() {
        tracing::warn!("{}", error::chain(error));
    }
    Action::requeue(Duration::from_millis(500))
}

/// Watches that survive an API server that comes and goes.
fn everything() -> watcher::Config {
    watcher::Config::default().any_semantic()
}

/// Watches of what the operator (or its stand-in for Deployments) made for a Cluster.
fn of_clusters() -> watcher::Config {
    everything().labels(contract::label::CLUSTER)
}
