//! What names a Cluster in its spec.

use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use daap_crds::admission::Resource;
use daap_crds::contract::cnpg;
use futures::future::try_join_all;
use kube::Client;
use kube::api::{Api, ApiResource, ListParams, NotUsed, Object};
use serde::Deserialize;
use serde_json::Value;

use super::api_server::shown;
use super::{LookupError, within};

const VERSION: &str = "v1";
/// Objects of one answer: what is read at once stays small in a namespace that is large.
const PAGE: u32 = 250;
/// Many creations a second ask alike, and operators are seldom upgraded.
const KEPT_FOR: Duration = Duration::from_secs(3);

/// What is read of them. A spec is not required: one object without it must not keep everyone from
/// creating.
type Naming = Object<Option<Spec>, NotUsed>;

/// Of a spec, the Cluster's name.
#[derive(Clone, Debug, Deserialize)]
struct Spec {
    cluster: Option<Reference>,
}

#[derive(Clone, Debug, Deserialize)]
struct Reference {
    name: Option<String>,
}

/// Looks for what names a Cluster.
#[derive(Default)]
pub(super) struct Namers {
    served: Mutex<Option<(Instant, Vec<Resource>)>>,
}

impl Namers {
    /// Poolers and dependents of the Cluster of that name, whether it exists or not.
    pub(super) async fn of(
        &self,
        client: &Client,
        namespace: &str,
        cluster: &str,
    ) -> Result<Vec<Value>, LookupError> {
        let served = self.served(client).await?;
        let asked =
            { served.into_iter() }.map(|resource| of_kind(client, namespace, cluster, resource));
        Ok(try_join_all(asked).await?.concat())
    }

    /// What this version of the operator has. That a list is not found says less: a CRD may be being
    /// replaced.
    async fn served(&self, client: &Client) -> Result<Vec<Resource>, LookupError> {
        let known = self.known().clone();
        if let Some((asked, served)) = known
            && asked.elapsed() < KEPT_FOR
        {
            return Ok(served);
        }
        let asked = Instant::now();
        let version = format!("{}/{VERSION}", cnpg::GROUP);
        let listed = client.list_api_group_resources(&version);
        let listed = within("what the operator has", listed).await?.resources;
        let mut kinds: Vec<Resource> = iter::once(Resource::Pooler)
            .chain(Resource::DEPENDENTS)
            .collect();
        kinds.retain(|kind| listed.iter().any(|one| one.name == kind.resource()));
        *self.known() = Some((asked, kinds.clone()));
        Ok(kinds)
    }

    fn known(&self) -> MutexGuard<'_, Option<(Instant, Vec<Resource>)>> {
        // What is in it is whole, whoever panicked.
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(object: &Naming) -> Option<&str> {
    let cluster = object.spec.as_ref()?.cluster.as_ref()?;
    cluster.name.as_deref()
}

async fn of_kind(
    client: &Client,
    namespace: &str,
    cluster: &str,
    resource: Resource,
) -> Result<Vec<Value>, LookupError> {
    let served_as = ApiResource {
        group: resource.group().to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{}/{VERSION}", resource.group()),
        kind: resource.kind().to_owned(),
        plural: resource.resource().to_owned(),
    };
    let api: Api<Naming> = Api::namespaced_with(client.clone(), namespace, &served_as);
    let mut found = Vec::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = within(resource.resource(), api.list(&params)).await?;
        let of_it = { page.items.iter() }.filter(|object| named(object) == Some(cluster));
        found.extend(of_it.map(|object| shown(resource.kind(), &object.metadata)));
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params = params.continue_token(&token),
            _ => break,
        }
    }
    Ok(found)
}
