//! Following objects as they change; a watch that breaks off is begun again.

use futures::{Stream, StreamExt as _};
use kube::Api;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{Config, Error, Event};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::Value;

use super::error::{ApiError, Request};
use super::{Kind, Kubernetes};
use crate::failure::Failure;

/// What a watch tells.
#[derive(Debug)]
pub(crate) enum Change {
    /// Everything is told again from here on.
    Began,
    /// The object is there, or is so now.
    Seen(Value),
    /// The object is gone, or no longer selected.
    Gone(Value),
    /// Everything has been told: what was not is gone.
    Complete,
}

impl Kubernetes {
    /// Follows the objects that the selector matches, in one namespace or all. After a failure it
    /// goes on by itself, with pauses that grow.
    pub(crate) fn watch(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        selector: &str,
    ) -> impl Stream<Item = Result<Change, Failure>> + Send + use<> {
        let resource = ApiResource {
            group: kind.group().to_owned(),
            version: "v1".to_owned(),
            api_version: match kind.group() {
                "" => "v1".to_owned(),
                group => format!("{group}/v1"),
            },
            // Only paths are made of it.
            kind: String::new(),
            plural: kind.plural().to_owned(),
        };
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client(), namespace, &resource),
            None => Api::all_with(self.client(), &resource),
        };
        let request = self.asked(&format!("watch {kind}"), namespace.unwrap_or_default());
        tracing::info!(%kind, "watch");
        watcher(api, Config::default().labels(selector))
            .default_backoff()
            .map(move |event| match event {
                Ok(event) => Ok(change(event)),
                Err(error) => Err(failure(error, &request)),
            })
    }
}

fn change(event: Event<DynamicObject>) -> Change {
    let value = |object: DynamicObject| serde_json::to_value(object).unwrap_or_default();
    match event {
        Event::Init => Change::Began,
        Event::Apply(object) | Event::InitApply(object) => Change::Seen(value(object)),
        Event::Delete(object) => Change::Gone(value(object)),
        Event::InitDone => Change::Complete,
    }
}

fn failure(error: Error, request: &Request) -> Failure {
    match error {
        Error::InitialListFailed(error)
        | Error::WatchStartFailed(error)
        | Error::WatchFailed(error) => ApiError::from_kube(&error, request).into(),
        other => Failure::new(format!("failed to {}: {other}", request.what)).transient(),
    }
}
