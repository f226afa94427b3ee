//! Scheduler and kubelet of the only node, `sandbox`: what pods ask for runs as processes here.

mod bootstrap;
mod configuration;
mod container;
mod instance;
mod node;
mod pgbouncer;
mod pod_status;
mod pods;
mod portforward;
mod rejoin;
mod waiting;
mod work;

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::{channel::mpsc, future::join_all};
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, ResourceExt as _};
use tokio::sync::watch;

pub(super) use self::{
    bootstrap::identifier, container::Report, node::register as register_node, pods::follow,
};
use self::{container::Container, work::Work};
use super::{
    addresses::Addresses, error::Error, events::Announcer, faults::Faults, postgres::Programs,
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
        let (pod_changed, changes) = mpsc::unbounded();
        let (news, reports) = mpsc::unbounded();
        let kubelet = Self {
            equipment: Arc::new(equipment),
            traffic: OnceLock::new(),
            containers: Mutex::default(),
            pod_changed,
            reported: news,
        };
        (kubelet, changes, reports)
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

    /// Has an instance end what it does as the primary.
    pub(super) fn demote(&self, pod_uid: &str, demoted: bool) {
        self.with(pod_uid, |container| container.demote(demoted));
    }

    /// Has an instance run with these parameters.
    pub(super) fn configure(&self, pod_uid: &str, parameters: &str) {
        self.with(pod_uid, |container| container.configure(parameters));
    }

    /// Address of a pod, while it is here.
    pub(super) fn address(&self, pod_uid: &str) -> Option<Ipv4Addr> {
        self.with(pod_uid, Container::ip)
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

fn container_name(pod: &Pod) -> String {
    container(pod)
        .map(|container| container.name.clone())
        .unwrap_or_default()
}

fn container_image(pod: &Pod) -> String {
    container(pod)
        .and_then(|container| container.image.clone())
        .unwrap_or_default()
}

/// Each pod has one that counts: its first.
fn container(pod: &Pod) -> Option<&k8s_openapi::api::core::v1::Container> {
    pod.spec.as_ref()?.containers.first()
}
