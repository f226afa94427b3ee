//! What goes wrong on demand, as the ConfigMap `faults` of namespace `daap-sandbox` says, and what
//! goes wrong by itself: images and storage classes whose names ask for it.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    runtime::{WatchStreamExt as _, watcher},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Shared, error};

/// Namespace of the ConfigMap.
const NAMESPACE: &str = "daap-sandbox";
/// Name of the ConfigMap; keys are `{namespace}.{cluster or pooler}`.
const NAME: &str = "faults";

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Images cannot be pulled.
    ImagePull,
    /// Volumes are not bound.
    VolumeUnbound,
    /// `PgBouncer` ends as soon as it is started.
    PoolerCrash,
    /// `PostgreSQL` never accepts connections.
    NeverHealthy,
}

impl Fault {
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "image-pull" => Some(Self::ImagePull),
            "volume-unbound" => Some(Self::VolumeUnbound),
            "pooler-crash" => Some(Self::PoolerCrash),
            "never-healthy" => Some(Self::NeverHealthy),
            _ => None,
        }
    }
}

/// The faults that are asked for now.
#[derive(Debug, Clone)]
pub(super) struct Faults(Arc<watch::Sender<BTreeMap<String, Fault>>>);

impl Faults {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// Whether this fault is asked for, for the Cluster or Pooler of this name.
    pub(super) fn has(&self, namespace: &str, name: &str, fault: Fault) -> bool {
        self.0.borrow().get(&format!("{namespace}.{name}")) == Some(&fault)
    }

    /// Tells of every change.
    pub(super) fn changes(&self) -> watch::Receiver<BTreeMap<String, Fault>> {
        self.0.subscribe()
    }

    /// Why an image cannot be pulled, in the words of containerd, if it cannot.
    pub(super) fn pull_error(&self, namespace: &str, name: &str, image: &str) -> Option<String> {
        let (repository, tag) = match image.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, tag),
            _ => (image, "latest"),
        };
        let missing = tag == "missing"
            || repository.rsplit('/').next() == Some("missing")
            || self.has(namespace, name, Fault::ImagePull);
        missing.then(|| {
            format!(
                "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
            )
        })
    }
}

/// Keeps the faults in step with the ConfigMap.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let api: Api<ConfigMap> = Api::namespaced(shared.client.clone(), NAMESPACE);
    let only = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
    let mut maps = std::pin::pin!(watcher(api, only).default_backoff());
    loop {
        let event = tokio::select! {
            event = maps.try_next() => event,
            () = stop.cancelled() => return,
        };
        match event {
            Ok(Some(watcher::Event::Apply(map) | watcher::Event::InitApply(map))) => {
                set(&shared.faults, map.data.unwrap_or_default());
            }
            Ok(Some(watcher::Event::Delete(_))) => set(&shared.faults, BTreeMap::new()),
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => tracing::debug!("{}", error::chain(&error)),
        }
    }
}

fn set(faults: &Faults, asked: BTreeMap<String, String>) {
    let mut known = BTreeMap::new();
    for (target, text) in asked {
        if let Some(fault) = Fault::parse(&text) {
            known.insert(target, fault);
        } else {
            tracing::warn!(
                "ConfigMap {NAMESPACE}/{NAME}, key {target}: \"{text}\" is no fault; known are image-pull, volume-unbound, pooler-crash, never-healthy"
            );
        }
    }
    tracing::info!(?known, "faults");
    faults.0.send_if_modified(|now| {
        let changed = *now != known;
        *now = known;
        changed
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_ask_for_it_cannot_be_pulled() {
        let faults = Faults::new();
        for image in [
            "registry.test/missing:17",
            "a/postgresql:missing",
            "missing",
        ] {
            assert!(faults.pull_error("apps", "x", image).is_some(), "{image}");
        }
        for image in [
            "registry.test:5000/postgresql",
            "a/postgresql:17.6",
            "a/missing/b:1",
        ] {
            assert!(faults.pull_error("apps", "x", image).is_none(), "{image}");
        }
    }
}
