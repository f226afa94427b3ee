//! What every container goes through: its image is pulled, it runs, it is started again or ends.

use std::{path::PathBuf, sync::Arc};

use futures::channel::mpsc;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret};
use kube::{Api, ResourceExt as _};
use tokio::sync::watch;

use super::{
    Equipment, bootstrap,
    container::{Container, Ending, Orders, Report, Run, State},
    instance, pgbouncer,
};
use crate::operator::{
    addresses::Address,
    contract::label,
    error::{Error, chain},
    objects::{claims_of, label},
    pods::Filling,
    resources::{self, Cluster},
    secrets,
    status::now,
    traffic::Traffic,
    volumes,
};

/// A container that is to be run.
pub(super) struct Work {
    pub(super) equipment: Arc<Equipment>,
    pub(super) traffic: Traffic,
    pub(super) pod: Arc<Pod>,
    pub(super) folder: PathBuf,
    pub(super) pod_changed: mpsc::UnboundedSender<()>,
    pub(super) reported: mpsc::UnboundedSender<()>,
}

/// A container that runs: what its task works with.
pub(super) struct Bench {
    pub(super) work: Work,
    pub(super) address: Address,
    pub(super) orders: watch::Receiver<Orders>,
    pub(super) state: watch::Sender<State>,
}

impl Work {
    /// Begins to run it.
    pub(super) fn begin(self) -> Result<Container, Error> {
        let address = self.equipment.addresses.take(None)?;
        let (state, states) = watch::channel(State::new());
        let (orders, orders_in) = watch::channel(Orders::default());
        let (ip, sockets) = (address.ip, self.folder.clone());
        let mut bench = Bench {
            work: self,
            address,
            orders: orders_in,
            state,
        };
        let task = tokio::spawn(async move { bench.run().await });
        Ok(Container {
            ip,
            sockets,
            state: states,
            orders,
            task,
        })
    }
}

impl Bench {
    async fn run(&mut self) {
        tracing::info!(pod = %self.name(), ip = %self.address.ip, "started");
        let outcome = self.live().await;
        let code = match outcome {
            Ok(code) => code,
            Err(error) => {
                tracing::warn!(pod = %self.name(), "{}", chain(&error));
                1
            }
        };
        if let Err(error) = std::fs::remove_dir_all(&self.work.folder) {
            tracing::debug!(%error, "failed to remove the folder of a pod");
        }
        self.change(|state| {
            let since = since(&state.run);
            state.run = Run::Terminated(Ending {
                code,
                since,
                until: now(),
            });
            state.report = None;
            state.ended = true;
        });
        tracing::info!(pod = %self.name(), code, "ended");
    }

    async fn live(&mut self) -> Result<i32, Error> {
        self.work
            .equipment
            .programs
            .make_folder(&self.work.folder)?;
        if !self.pull().await {
            return Ok(0);
        }
        let role = label(&*self.work.pod, label::JOB_ROLE).to_owned();
        if role == Filling::Initdb.name() {
            return self.once(Filling::Initdb).await;
        }
        if role == Filling::Join.name() {
            return self.once(Filling::Join).await;
        }
        loop {
            let result = if label(&*self.work.pod, label::POD_ROLE) == "pooler" {
                pgbouncer::run(self).await
            } else {
                instance::run(self).await
            };
            let code = match result {
                Ok(code) => code,
                Err(error) => {
                    tracing::warn!(pod = %self.name(), "{}", chain(&error));
                    1
                }
            };
            if self.is_stopping() || !self.pause_after(code).await {
                return Ok(code);
            }
        }
    }

    /// Runs the container of a Job: it ends, well or not, and is not started again.
    async fn once(&mut self, filling: Filling) -> Result<i32, Error> {
        self.running(false);
        match bootstrap::run(self, filling).await {
            Ok(()) => Ok(0),
            Err(error) => {
                tracing::warn!(pod = %self.name(), "{}", chain(&error));
                Ok(1)
            }
        }
    }

    /// Waits until the container is asked to stop.
    pub(super) async fn stopping(&self) {
        let mut orders = self.orders.clone();
        // That nobody is there to ask any more means the same.
        let _ = orders.wait_for(|orders| orders.stop.is_some()).await;
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.orders.borrow().stop.is_some() || self.orders.has_changed().is_err()
    }

    /// The process runs; whether it accepts work.
    pub(super) fn running(&self, is_ready: bool) {
        self.change(|state| match &mut state.run {
            Run::Running { ready, .. } => *ready = is_ready,
            run => {
                *run = Run::Running {
                    since: now(),
                    ready: is_ready,
                }
            }
        });
    }

    pub(super) fn waiting(&self, reason: &str, message: &str) {
        self.change(|state| {
            state.run = Run::Waiting {
                reason: reason.to_owned(),
                message: message.to_owned(),
            };
        });
    }

    /// Tells what `PostgreSQL` says of itself; whether that is news.
    pub(super) fn report(&self, report: Option<Report>) -> bool {
        let changed = self.state.send_if_modified(|state| {
            let changed = state.report != report;
            state.report = report;
            changed
        });
        if changed {
            // Nobody listens only while everything ends.
            let _ = self.work.reported.unbounded_send(());
        }
        changed
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut State)) {
        let changed = self.state.send_if_modified(|state| {
            let before = state.clone();
            change(state);
            *state != before
        });
        if changed {
            let _ = self.work.pod_changed.unbounded_send(());
        }
    }

    /// The Cluster of the pod, as it is now.
    pub(super) async fn cluster(&self) -> Result<Cluster, Error> {
        let name = label(&*self.work.pod, label::CLUSTER).to_owned();
        let api = resources::clusters(&self.work.equipment.client, &self.namespace());
        Cluster::parse(api.get(&name).await?)
    }

    /// The folder of the volume with the data.
    pub(super) async fn volume(&self) -> Result<PathBuf, Error> {
        let first = self.volumes().await?.into_iter().next();
        first.ok_or_else(|| Error::Other("the pod has no volume".to_owned()))
    }

    /// The folder for the WAL, where it has a volume of its own.
    pub(super) async fn wal_folder(&self) -> Result<Option<PathBuf>, Error> {
        let second = self.volumes().await?.into_iter().nth(1);
        Ok(second.map(|volume| volume.join("pg_wal")))
    }

    async fn volumes(&self) -> Result<Vec<PathBuf>, Error> {
        let api: Api<PersistentVolumeClaim> =
            Api::namespaced(self.work.equipment.client.clone(), &self.namespace());
        let mut folders = Vec::new();
        for claim in claims_of(&self.work.pod) {
            let uid = api.get(claim).await?.uid().unwrap_or_default();
            folders.push(volumes::folder(&self.work.equipment.state_dir, &uid));
        }
        Ok(folders)
    }

    /// Writes keys of a Secret of the Cluster into files of the pod.
    pub(super) async fn unpack(&self, secret: &str, files: &[(&str, &str)]) -> Result<(), Error> {
        let api: Api<Secret> =
            Api::namespaced(self.work.equipment.client.clone(), &self.namespace());
        let secret = api.get(secret).await?;
        for (key, file) in files {
            self.work
                .equipment
                .programs
                .write(&self.work.folder.join(file), &secrets::text(&secret, key))?;
        }
        Ok(())
    }

    /// A file of the pod.
    pub(super) fn path(&self, file: &str) -> String {
        self.work.folder.join(file).display().to_string()
    }

    /// Where the container's process writes to. It outlives the pod, as the logs of a node do.
    pub(super) fn log(&self) -> PathBuf {
        let file = format!("{}_{}.log", self.namespace(), self.work.pod.name_any());
        self.work.equipment.state_dir.join("pods").join(file)
    }

    pub(super) fn namespace(&self) -> String {
        self.work.pod.namespace().unwrap_or_default()
    }

    /// The Pooler or Cluster that the pod is of; faults are asked for by its name.
    pub(super) fn owner(&self) -> String {
        let pooler = label(&*self.work.pod, label::POOLER);
        let owner = if pooler.is_empty() {
            label(&*self.work.pod, label::CLUSTER)
        } else {
            pooler
        };
        owner.to_owned()
    }

    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.namespace(), self.work.pod.name_any())
    }
}

/// Since when it runs; now, if it does not.
pub(super) fn since(run: &Run) -> String {
    match run {
        Run::Running { since, .. } => since.clone(),
        _ => now(),
    }
}
