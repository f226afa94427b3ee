//! Scheduler and kubelet of the only node, `sandbox`: what pods ask for runs as processes here.

mod bootstrap;
mod container;
mod instance;
mod node;
mod pgbouncer;
mod pod_status;
mod portforward;
mod work;

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, channel::mpsc, future::join_all};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, PostParams},
    runtime::{Controller, controller::Action},
};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(super) use self::{bootstrap::identifier, container::Report, node::register as register_node};
use self::{container::Container, work::Work};
use super::{
    Shared,
    addresses::Addresses,
    contract::NODE,
    drive,
    error::Error,
    events::Announcer,
    faults::Faults,
    objects::{claim_of, delete, is_bound},
    of_clusters, on_deleted,
    postgres::Programs,
    traffic::Traffic,
};

/// What the kubelet works with.
pub(super) struct Equipment {
    pub(super) client: Client,
    pub(super) programs: Arc<Programs>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) faults: Faults,
    pub(super) events: Announcer,
    pub(super) state_dir: PathBuf,
    pub(super) patience: Duration,
}

/// The pods of the node.
pub(super) struct Kubelet {
    equipment: Arc<Equipment>,
    traffic: OnceLock<Traffic>,
    containers: Mutex<HashMap<String, Container>>,
    /// The state of a container changed.
    pod_changed: mpsc::UnboundedSender<()>,
    /// What an instance reports changed.
    reported: mpsc::UnboundedSender<()>,
}

impl Kubelet {
    /// A kubelet, and what tells of changes of containers and of reports.
    pub(super) fn new(
        equipment: Equipment,
    ) -> (
        Self,
        mpsc::UnboundedReceiver<()>,
        mpsc::UnboundedReceiver<()>,
    ) {
        let (pod_changed, pod_changes) = mpsc::unbounded();
        let (reported, reports) = mpsc::unbounded();
        let kubelet = Self {
            equipment: Arc::new(equipment),
            traffic: OnceLock::new(),
            containers: Mutex::default(),
            pod_changed,
            reported,
        };
        (kubelet, pod_changes, reports)
    }

    /// Tells where Services are.
    pub(super) fn set_traffic(&self, traffic: Traffic) {
        // Once, while the parts are put together.
        let _ = self.traffic.set(traffic);
    }

    /// What the instance manager in a pod reports, once `PostgreSQL` answers.
    pub(super) fn report(&self, pod_uid: &str) -> Option<Report> {
        self.with(pod_uid, |container| container.state().report)?
    }

    /// Fences an instance, or lets it go on.
    pub(super) fn fence(&self, pod_uid: &str, fenced: bool) {
        self.with(pod_uid, |container| container.fence(fenced));
    }

    /// Has an instance run with these parameters.
    pub(super) fn configure(&self, pod_uid: &str, parameters: &str) {
        self.with(pod_uid, |container| container.configure(parameters));
    }

    /// Address of a pod, while it is here.
    pub(super) fn address(&self, pod_uid: &str) -> Option<Ipv4Addr> {
        self.with(pod_uid, |container| container.ip())
    }

    /// Runs SQL in an instance.
    pub(super) async fn sql(
        &self,
        pod_uid: &str,
        database: &str,
        sql: &str,
    ) -> Result<String, Error> {
        let sockets = self.with(pod_uid, |container| container.sockets().to_owned());
        let sockets =
            sockets.ok_or_else(|| Error::Other("the instance does not run".to_owned()))?;
        Ok(self.equipment.programs.sql(&sockets, database, sql).await?)
    }

    /// Stops everything, cutting sessions.
    pub(super) async fn stop_all(&self) {
        let all: Vec<Container> = {
            let mut containers = self
                .containers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            containers.drain().map(|(_, container)| container).collect()
        };
        join_all(
            all.into_iter()
                .map(|container| container.stop_and_wait(Duration::ZERO)),
        )
        .await;
    }

    fn with<T>(&self, pod_uid: &str, then: impl FnOnce(&Container) -> T) -> Option<T> {
        let containers = self
            .containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        containers.get(pod_uid).map(then)
    }

    fn forget(&self, pod_uid: &str) -> Option<Container> {
        let mut containers = self
            .containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        containers.remove(pod_uid)
    }

    /// The pod's container, started if it is not there yet.
    fn start(&self, pod: &Arc<Pod>) -> Result<(), Error> {
        let uid = pod.uid().unwrap_or_default();
        let Some(traffic) = self.traffic.get().cloned() else {
            return Err(Error::Other(
                "the sandbox operator is still starting".to_owned(),
            ));
        };
        let mut containers = self
            .containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if containers.contains_key(&uid) {
            return Ok(());
        }
        let work = Work {
            equipment: self.equipment.clone(),
            traffic,
            pod: pod.clone(),
            folder: pod_folder(&self.equipment.state_dir, &uid),
            pod_changed: self.pod_changed.clone(),
            reported: self.reported.clone(),
        };
        containers.insert(uid, work.begin()?);
        Ok(())
    }
}

/// Folder of a pod. Short, since the path of a socket in it may have 107 bytes only.
fn pod_folder(state: &Path, uid: &str) -> PathBuf {
    state
        .join("pods")
        .join(uid.split('-').next().unwrap_or_default())
}

/// A stream that ticks at every change of a watched value.
pub(super) fn ticks<T: Send + Sync + 'static>(
    receiver: watch::Receiver<T>,
) -> impl futures::Stream<Item = ()> + Send + 'static {
    futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.changed().await.ok()?;
        Some(((), receiver))
    })
}

/// Runs pods and keeps their status truthful.
pub(super) async fn follow(
    shared: Arc<Shared>,
    stop: CancellationToken,
    changes: mpsc::UnboundedReceiver<()>,
) {
    let pods = || Api::<Pod>::all(shared.client.clone());
    let controller = Controller::new(pods(), of_clusters())
        .with_config(kube::runtime::controller::Config::default().concurrency(0))
        // Endless streams only: one that ends would stop the controller.
        .reconcile_all_on(changes.chain(futures::stream::pending()));
    let kubelet = shared.kubelet.clone();
    let gone = on_deleted(pods(), of_clusters(), stop.clone(), move |pod: Pod| {
        if let Some(container) = kubelet.forget(&pod.uid().unwrap_or_default()) {
            tokio::spawn(container.stop_and_wait(Duration::ZERO));
        }
    });
    tokio::join!(drive(controller, stop, shared.clone(), reconcile), gone);
}

async fn reconcile(pod: Arc<Pod>, shared: Arc<Shared>) -> Result<Action, Error> {
    let uid = pod.uid().unwrap_or_default();
    let api: Api<Pod> =
        Api::namespaced(shared.client.clone(), &pod.namespace().unwrap_or_default());
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    match node {
        None => return schedule(&shared, &api, &pod).await,
        Some(NODE) => {}
        Some(_) => return Ok(Action::await_change()),
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return end(&shared, &api, &pod, &uid).await;
    }
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) {
        shared.kubelet.forget(&uid);
        return Ok(Action::await_change());
    }
    shared.kubelet.start(&pod)?;
    let Some((state, ip)) = shared
        .kubelet
        .with(&uid, |container| (container.state(), container.ip()))
    else {
        return Ok(Action::await_change());
    };
    let status = pod_status::of(&pod, &state, ip);
    pod_status::write(&api, &pod, status).await?;
    Ok(Action::await_change())
}

/// Gives a pod to the node as soon as its volume is there.
async fn schedule(shared: &Shared, api: &Api<Pod>, pod: &Pod) -> Result<Action, Error> {
    if let Some(claim) = claim_of(pod) {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(shared.client.clone(), &pod.namespace().unwrap_or_default());
        let bound = claims.get_opt(claim).await?.as_ref().is_some_and(is_bound);
        if !bound {
            let message = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
            let written = pod_status::write(api, pod, pod_status::unschedulable(message)).await?;
            if written {
                shared
                    .events
                    .warning(pod, &(), "FailedScheduling", message.to_owned())
                    .await;
            }
            // Claims are bound within moments or never.
            return Ok(Action::requeue(Duration::from_millis(300)));
        }
    }
    let name = pod.name_any();
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": { "name": name },
        "target": { "apiVersion": "v1", "kind": "Node", "name": NODE },
    });
    let _: kube::core::Status = api
        .create_subresource("binding", &name, &PostParams::default(), &binding)
        .await?;
    let note = format!(
        "Successfully assigned {}/{name} to {NODE}",
        pod.namespace().unwrap_or_default()
    );
    shared.events.normal(pod, &(), "Scheduled", note).await;
    Ok(Action::await_change())
}

/// Stops what a deleted pod runs, then lets the object go.
async fn end(shared: &Shared, api: &Api<Pod>, pod: &Pod, uid: &str) -> Result<Action, Error> {
    let grace = pod
        .metadata
        .deletion_grace_period_seconds
        .and_then(|seconds| seconds.try_into().ok());
    let patience = grace.map_or(shared.kubelet.equipment.patience, Duration::from_secs);
    let patience = patience.min(shared.kubelet.equipment.patience);
    let stopping = shared
        .kubelet
        .with(uid, |container| container.stop(patience));
    match stopping {
        Some(first) => {
            if first {
                let name = container_name(pod);
                shared
                    .events
                    .normal(pod, &(), "Killing", format!("Stopping container {name}"))
                    .await;
            }
            let Some((state, ip)) = shared
                .kubelet
                .with(uid, |container| (container.state(), container.ip()))
            else {
                return Ok(Action::await_change());
            };
            if !state.ended {
                pod_status::write(api, pod, pod_status::of(pod, &state, ip)).await?;
                return Ok(Action::await_change());
            }
        }
        // Nothing of it runs here, for instance after a restart of the sandbox operator.
        None => tracing::debug!(pod = %pod.name_any(), "deleted before it ran"),
    }
    shared.kubelet.forget(uid);
    delete(api, pod, DeleteParams::default().grace_period(0)).await?;
    Ok(Action::await_change())
}

fn container_name(pod: &Pod) -> String {
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    containers
        .first()
        .map(|container| container.name.clone())
        .unwrap_or_default()
}

fn container_image(pod: &Pod) -> String {
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    containers
        .first()
        .and_then(|container| container.image.clone())
        .unwrap_or_default()
}
