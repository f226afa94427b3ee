//! Answers of the API server.

use daap_crds::admission::{Access, Answer, Caller, Question};
use daap_crds::contract::cnpg::TRUSTED_SECRETS;
use daap_crds::contract::label;
use daap_crds::names::{DatabaseId, DatabaseName, Team, is_instance_volume};
use daap_crds::resources::{Cluster, Pooler};
use futures::future::{BoxFuture, FutureExt, try_join_all};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectMeta};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

use super::naming::Namers;
use super::rights::{Right, Rights};
use super::{Lookup, LookupError, within};

/// Asks the API server.
pub struct KubeLookup {
    client: Client,
    rights: Rights,
    namers: Namers,
}

impl KubeLookup {
    /// Asks by this client, which should not retry by itself: a decision has a deadline.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            rights: Rights::default(),
            namers: Namers::default(),
        }
    }

    async fn may(
        &self,
        caller: &Caller,
        namespace: &str,
        right: Right,
    ) -> Result<Answer, LookupError> {
        let access = self.rights.ask(&self.client, caller, namespace, right);
        Ok(Answer::Access(access.await?))
    }

    /// As it is stored: a type of ours would fail on, or drop, what it does not know.
    async fn object<K: Resource<DynamicType = ()>>(
        &self,
        what: &'static str,
        namespace: &str,
        name: &str,
    ) -> Result<Answer, LookupError> {
        if !is_object_name(name) {
            return Ok(Answer::Object(None));
        }
        let resource = ApiResource::erase::<K>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &resource);
        let found = within(what, async { if_exists(name, api.get(name).await) }).await?;
        let found = found.map(serde_json::to_value).transpose();
        let found = found.map_err(|error| LookupError::Unreadable(what, error))?;
        Ok(Answer::Object(found))
    }

    async fn tombstone(&self, namespace: &str, id: DatabaseId) -> Result<Answer, LookupError> {
        let what = "the tombstone among configmaps";
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let selector = format!("{}={id},{}=true", label::ID, label::DELETED);
        let params = ListParams::default().labels(&selector);
        let mut found = within(what, api.list(&params)).await?.items;
        // A forged one must not be taken for the real one: whose it is decides who may restore.
        if found.len() > 1 {
            let names: Vec<String> = found.iter().map(ResourceExt::name_any).collect();
            return Err(LookupError::Ambiguous(what, names.join(", ")));
        }
        let found = found.pop().map(serde_json::to_value).transpose();
        let found = found.map_err(|error| LookupError::Unreadable(what, error))?;
        Ok(Answer::Object(found))
    }

    /// Tombstones of the databases whose Cluster is called so: a Cluster's name may be shorter than
    /// what its label says, so that no selector can tell.
    async fn tombstones_of(&self, namespace: &str, cluster: &str) -> Result<Answer, LookupError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default().labels(&format!("{}=true", label::DELETED));
        let list = within("tombstones among configmaps", api.list_metadata(&params)).await?;
        let is_of = |metadata: &ObjectMeta| {
            let name = metadata.labels.as_ref()?.get(label::NAME)?;
            Some(DatabaseName::parse(name).ok()?.cluster() == cluster)
        };
        let found = list.items.iter().map(|item| &item.metadata);
        let found = found.filter(|metadata| is_of(metadata) == Some(true));
        Ok(Answer::Objects(
            found.map(|metadata| shown("ConfigMap", metadata)).collect(),
        ))
    }

    async fn clusters_with(&self, namespace: &str, id: DatabaseId) -> Result<Answer, LookupError> {
        let api: Api<Cluster> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default().labels(&format!("{}={id}", label::ID));
        let list = within("clusters", api.list_metadata(&params)).await?;
        let shown = list
            .items
            .iter()
            .map(|item| shown("Cluster", &item.metadata));
        Ok(Answer::Objects(shown.collect()))
    }

    /// Volumes whose metadata says that they are `wanted`.
    async fn volumes(
        &self,
        namespace: &str,
        wanted: impl Fn(&ObjectMeta) -> bool,
    ) -> Result<Vec<Value>, LookupError> {
        let api: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default();
        let list = within("persistentvolumeclaims", api.list_metadata(&params)).await?;
        let metadata = list.items.iter().map(|item| &item.metadata);
        Ok(metadata
            .filter(|metadata| wanted(metadata))
            .map(|metadata| shown("PersistentVolumeClaim", metadata))
            .collect())
    }

    async fn trusted_secrets(
        &self,
        namespace: &str,
        cluster: &str,
    ) -> Result<Vec<Value>, LookupError> {
        let api: &Api<Secret> = &Api::namespaced(self.client.clone(), namespace);
        let asked = TRUSTED_SECRETS.map(|suffix| async move {
            let name = format!("{cluster}-{suffix}");
            let call = async { if_exists(&name, api.get_metadata(&name).await) };
            within("secrets", call).await
        });
        let found = try_join_all(asked).await?.into_iter().flatten();
        Ok(found
            .map(|secret| shown("Secret", &secret.metadata))
            .collect())
    }

    async fn under_names(&self, namespace: &str, cluster: &str) -> Result<Answer, LookupError> {
        if !is_object_name(cluster) {
            return Ok(Answer::Objects(Vec::new()));
        }
        let is_its_volume = |metadata: &ObjectMeta| {
            let name = metadata.name.as_deref().unwrap_or_default();
            is_instance_volume(name, cluster)
        };
        let (mut found, secrets) = futures::try_join!(
            self.volumes(namespace, is_its_volume),
            self.trusted_secrets(namespace, cluster)
        )?;
        found.extend(secrets);
        Ok(Answer::Objects(found))
    }

    async fn ask(&self, caller: &Caller, question: &Question) -> Result<Answer, LookupError> {
        match question {
            Question::MayOwn { namespace, team } => match Team::parse(team) {
                Ok(team) => {
                    let right = Right::Own(team.as_str().to_owned());
                    self.may(caller, namespace, right).await
                }
                // An empty name would ask for the right to every team.
                Err(_) => Ok(refused()),
            },
            Question::MayAdminister { namespace } => {
                self.may(caller, namespace, Right::Administer).await
            }
            Question::Cluster { namespace, name } => {
                self.object::<Cluster>("clusters", namespace, name).await
            }
            Question::Pooler { namespace, name } => {
                self.object::<Pooler>("poolers", namespace, name).await
            }
            // Labels are not yet validated when the mutating half sees them: what is no id would
            // be a selector of the user's own making.
            Question::Tombstone { namespace, id } => match DatabaseId::parse(id) {
                Ok(id) => self.tombstone(namespace, id).await,
                Err(_) => Ok(Answer::Object(None)),
            },
            Question::TombstonesOfCluster { namespace, cluster } => {
                self.tombstones_of(namespace, cluster).await
            }
            Question::ClustersWithId { namespace, id } => match DatabaseId::parse(id) {
                Ok(id) => self.clusters_with(namespace, id).await,
                Err(_) => Ok(Answer::Objects(Vec::new())),
            },
            Question::VolumesOwnedBy { namespace, uid } => {
                let owned = |metadata: &ObjectMeta| {
                    let owners = metadata.owner_references.iter().flatten();
                    owners.into_iter().any(|owner| owner.uid == *uid)
                };
                let volumes = self.volumes(namespace, owned).await?;
                Ok(Answer::Objects(volumes))
            }
            Question::UnderNames { namespace, cluster } => {
                self.under_names(namespace, cluster).await
            }
            Question::Naming { namespace, cluster } => {
                let found = self.namers.of(&self.client, namespace, cluster).await?;
                Ok(Answer::Objects(found))
            }
        }
    }
}

impl Lookup for KubeLookup {
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>> {
        self.ask(caller, question).boxed()
    }
}

fn refused() -> Answer {
    Answer::Access(Access {
        allowed: false,
        reason: String::new(),
    })
}

/// None where the API server says that *this object* does not exist. While a type is not served
/// (its CRD is being replaced) it says 404 as well, and that must not be read as "no match".
fn if_exists<T>(name: &str, answer: Result<T, kube::Error>) -> Result<Option<T>, kube::Error> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status))
            if status.is_not_found()
                && status.details.as_ref().is_some_and(|of| of.name == name) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Whether there can be an object of that name (DNS-1123 subdomain). A reference in a spec may say
/// anything: `../../secrets/x` would be another path.
fn is_object_name(name: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 253
        && name.starts_with(alphanumeric)
        && name.ends_with(alphanumeric)
        && name
            .chars()
            .all(|c| alphanumeric(c) || c == '-' || c == '.')
}

/// What the rules see of an object.
pub(super) fn shown(kind: &str, metadata: &ObjectMeta) -> Value {
    json!({
        "kind": kind,
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "labels": metadata.labels,
            "annotations": metadata.annotations,
            "ownerReferences": metadata.owner_references,
            "creationTimestamp": metadata.creation_timestamp,
        },
    })
}

#[cfg(test)]
mod tests;
