//! The state of a pod's only container, and the handle on the task that runs it.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

/// What the instance manager says of its `PostgreSQL`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Report {
    pub(in super::super) is_primary: bool,
    pub(in super::super) timeline: u64,
    pub(in super::super) system_id: String,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) code: i32,
    pub(super) since: String,
    pub(super) until: String,
}

/// What a container does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Run {
    /// It waits for something, in the words of the kubelet.
    Waiting { reason: String, message: String },
    /// Its process runs.
    Running { since: String, ready: bool },
    /// Its process has ended for good.
    Terminated(Ending),
}

/// The state of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) run: Run,
    pub(super) restarts: u32,
    pub(super) last: Option<Ending>,
    pub(super) report: Option<Report>,
    /// Nothing of it runs any more, and nothing will.
    pub(super) ended: bool,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            run: Run::Waiting {
                reason: "ContainerCreating".to_owned(),
                message: String::new(),
            },
            restarts: 0,
            last: None,
            report: None,
            ended: false,
        }
    }
}

/// What is asked of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// Stop, after having waited so long for sessions to end.
    pub(super) stop: Option<Duration>,
    /// Keep `PostgreSQL` stopped.
    pub(super) fenced: bool,
    /// It is the primary and is not to be it any more.
    pub(super) demoted: bool,
    /// Lines for `PostgreSQL`'s configuration.
    pub(super) parameters: Option<String>,
}

/// The handle on a container.
pub(super) struct Container {
    pub(super) ip: Ipv4Addr,
    pub(super) sockets: PathBuf,
    pub(super) state: watch::Receiver<State>,
    pub(super) orders: watch::Sender<Orders>,
    pub(super) task: JoinHandle<()>,
}

impl Container {
    pub(super) fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    pub(super) fn sockets(&self) -> &Path {
        &self.sockets
    }

    pub(super) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub(super) fn fence(&self, fenced: bool) {
        self.order(|orders| orders.fenced = fenced);
    }

    pub(super) fn demote(&self, demoted: bool) {
        self.order(|orders| orders.demoted = demoted);
    }

    pub(super) fn configure(&self, parameters: &str) {
        self.order(|orders| orders.parameters = Some(parameters.to_owned()));
    }

    /// Asks it to stop; says whether this was the first time. A later, shorter patience counts.
    pub(super) fn stop(&self, patience: Duration) -> bool {
        let first = self.orders.borrow().stop.is_none();
        self.order(|orders| {
            orders.stop = Some(
                orders
                    .stop
                    .map_or(patience, |earlier| earlier.min(patience)),
            );
        });
        first
    }

    /// Asks it to stop and waits until it has.
    pub(super) async fn stop_and_wait(self, patience: Duration) {
        self.stop(patience);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a container's task panicked");
        }
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        self.orders.send_if_modified(|orders| {
            let before = orders.clone();
            change(orders);
            *orders != before
        });
    }
}
