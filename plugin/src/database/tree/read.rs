//! Everything that belongs to a database: one request a kind, at once.

use daap_crds::contract::cnpg;
use daap_crds::names::DatabaseName;
use futures::future::try_join5;
use serde_json::Value;

use crate::database::events::{self, Which};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// Objects of a kind, or why they cannot be seen.
pub(crate) type Seen<T> = Result<T, String>;

/// What belongs to a database, beside what tells its state.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) pods: Seen<Vec<Value>>,
    pub(crate) volumes: Seen<Vec<Value>>,
    pub(super) services: Seen<Vec<Value>>,
    /// The app Secret and the authority's; their metadata.
    pub(super) secrets: Seen<[Option<Value>; 2]>,
    /// Not labelled with its Cluster by every CNPG.
    pub(super) pooler_service: Seen<Option<Value>>,
}

impl Parts {
    pub(crate) async fn read(k8s: &Kubernetes, name: &DatabaseName) -> Result<Self, Failure> {
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

#[cfg(test)]
impl Parts {
    /// Where nothing was found.
    pub(crate) fn nothing() -> Self {
        Self {
            pods: Ok(Vec::new()),
            volumes: Ok(Vec::new()),
            services: Ok(Vec::new()),
            secrets: Ok([None, None]),
            pooler_service: Ok(None),
        }
    }
}

/// What the caller may not see is a line, no failure.
pub(crate) fn seen<T>(answer: Result<T, Failure>) -> Result<Seen<T>, Failure> {
    match answer {
        Ok(found) => Ok(Ok(found)),
        Err(failure) if failure.classification() == Class::Forbidden => {
            Ok(Err(failure.to_string()))
        }
        Err(failure) => Err(failure),
    }
}

/// Warnings about the database, the newest last: only they say why a volume is not bound, or why a
/// Job gets no pod.
pub(super) async fn warnings(k8s: &Kubernetes, name: &DatabaseName) -> Result<Vec<Value>, Failure> {
    let read = events::read(k8s, Some(name), Which::Warnings).await;
    // They only explain: who may not see them is shown the rest.
    Ok(seen(read)?.unwrap_or_default())
}
