//! Everything that belongs to a database: one request a kind, at once.

use daap_crds::contract::cnpg;
use daap_crds::names::DatabaseName;
use futures::future::try_join5;
use serde_json::Value;

use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// Objects of a kind, or why they cannot be seen.
pub(super) type Seen<T> = Result<T, String>;

/// What belongs to a database, beside what tells its state.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) pods: Seen<Vec<Value>>,
    pub(super) volumes: Seen<Vec<Value>>,
    pub(super) services: Seen<Vec<Value>>,
    /// The app Secret and the authority's; their metadata.
    pub(super) secrets: Seen<[Option<Value>; 2]>,
    /// Not labelled with its Cluster by every CNPG.
    pub(super) pooler_service: Seen<Option<Value>>,
}

impl Parts {
    pub(super) async fn read(k8s: &Kubernetes, name: &DatabaseName) -> Result<Self, Failure> {
        let of_cluster = format!("{}={}", cnpg::CLUSTER, name.cluster());
        let (app, authority, pooler) = (name.app_secret(), name.ca_secret(), name.pooler());
        let secrets = futures::future::try_join(
            k8s.get_metadata(Kind::Secret, &app),
            k8s.get_metadata(Kind::Secret, &authority),
        );
        // On the heap: five requests at once are much for a stack.
        let all = Box::pin(try_join5(
            async { seen(k8s.list(Kind::Pod, &of_cluster).await) },
            async { seen(k8s.list(Kind::Volume, &of_cluster).await) },
            async { seen(k8s.list(Kind::Service, &of_cluster).await) },
            async { seen(secrets.await.map(|(app, authority)| [app, authority])) },
            async { seen(k8s.get(Kind::Service, &pooler).await) },
        ));
        let (pods, volumes, services, secrets, pooler_service) = all.await?;
        Ok(Self {
            pods,
            volumes,
            services,
            secrets,
            pooler_service,
        })
    }
}

/// What the caller may not see is a line, no failure.
pub(super) fn seen<T>(answer: Result<T, Failure>) -> Result<Seen<T>, Failure> {
    match answer {
        Ok(found) => Ok(Ok(found)),
        Err(failure) if failure.classification() == Class::Forbidden => {
            Ok(Err(failure.to_string()))
        }
        Err(failure) => Err(failure),
    }
}

/// Warnings of the namespace, the newest last: only they say why a volume is not bound, or why a Job
/// gets no pod.
pub(super) async fn warnings(k8s: &Kubernetes) -> Result<Vec<Value>, Failure> {
    let path = format!(
        "/api/v1/namespaces/{}/events?fieldSelector=type%3DWarning&limit=500",
        k8s.namespace()
    );
    let mut list = match k8s.raw(&path).await {
        Ok(list) => list,
        // They only explain.
        Err(failure) if failure.classification() == Class::Forbidden => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let mut events = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(events)) => events,
        _ => Vec::new(),
    };
    events.sort_by_key(|event| {
        let text = |key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
        text("lastTimestamp").or_else(|| text("eventTime"))
    });
    Ok(events)
}
