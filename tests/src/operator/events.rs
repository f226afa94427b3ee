//! Events, from a reporter whose name says that it is a stand-in.

use kube::{
    Client, Resource,
    runtime::events::{Event, EventType, Recorder, Reporter},
};

use super::{contract::REPORTER, error};

/// Publishes events; one that cannot be published is logged and forgotten, as Kubernetes does.
#[derive(Clone)]
pub(super) struct Announcer(Recorder);

impl Announcer {
    pub(super) fn new(client: Client) -> Self {
        let reporter = Reporter {
            controller: REPORTER.to_owned(),
            instance: None,
        };
        Self(Recorder::new(client, reporter))
    }

    /// Something went as it should.
    pub(super) async fn normal<K: Resource>(
        &self,
        object: &K,
        kind: &K::DynamicType,
        reason: &str,
        note: String,
    ) {
        self.publish(object, kind, EventType::Normal, reason, note)
            .await;
    }

    /// Something went wrong.
    pub(super) async fn warning<K: Resource>(
        &self,
        object: &K,
        kind: &K::DynamicType,
        reason: &str,
        note: String,
    ) {
        self.publish(object, kind, EventType::Warning, reason, note)
            .await;
    }

    async fn publish<K: Resource>(
        &self,
        object: &K,
        kind: &K::DynamicType,
        type_: EventType,
        reason: &str,
        note: String,
    ) {
        let event = Event {
            type_,
            reason: reason.to_owned(),
            note: Some(note),
            action: reason.to_owned(),
            secondary: None,
        };
        let published = self.0.publish(&event, &object.object_ref(kind)).await;
        if let Err(error) = published {
            tracing::debug!("event {reason}: {}", error::chain(&error));
        }
    }
}
