//! What the rules ask of the world, answered by the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use daap_crds::admission::{Access, Answer, Caller, Question};
use daap_crds::contract::{label, rbac};
use daap_crds::names::Team;
use daap_crds::resources::{Cluster, Pooler};
use futures::future::{BoxFuture, FutureExt};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use kube::api::{ListParams, ObjectMeta, PartialObjectMeta, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

use crate::rbac_cache::{Key, RbacCache};

/// Below the API server's time-out for us (5 s), so that an answer still reaches it.
const CALL_LIMIT: Duration = Duration::from_secs(2);
/// Secrets that CNPG trusts by their names, after the Cluster's.
const TRUSTED_SECRETS: [&str; 6] = ["app", "ca", "server", "replication", "superuser", "pooler"];

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The API server refused, or could not be reached.
    #[error("{0}: {1}")]
    Api(&'static str, #[source] Box<kube::Error>),
    /// The API server did not answer in time.
    #[error("{0}: no answer within 2 s")]
    TimedOut(&'static str),
    /// An object could not be read.
    #[error("{0}: {1}")]
    Unreadable(&'static str, #[source] serde_json::Error),
}

/// Answers the questions of rules.
pub trait Lookup: Send + Sync {
    /// The answer to `question`, as it is for `caller`.
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>>;
}

/// Asks the API server.
pub struct KubeLookup {
    client: Client,
    rights: RbacCache,
}

impl KubeLookup {
    /// Asks by this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            rights: RbacCache::default(),
        }
    }

    async fn may(
        &self,
        caller: &Caller,
        namespace: &str,
        verb: &'static str,
        resource: &'static str,
        name: &str,
    ) -> Result<Answer, LookupError> {
        let key = Key::new(caller, namespace, resource, name);
        if let Some(known) = self.rights.get(&key) {
            return Ok(Answer::Access(known));
        }
        let review = access_review(caller, namespace, verb, resource, name);
        let api: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answered = within("subjectaccessreviews", api.create(&params, &review)).await?;
        let status = answered.status.unwrap_or_default();
        let access = Access {
            // An error of the authorizer is no permission.
            allowed: status.allowed && status.evaluation_error.is_none(),
            reason: status.reason.unwrap_or_default(),
        };
        self.rights.put(key, access.clone());
        Ok(Answer::Access(access))
    }

    async fn object<K>(
        &self,
        what: &'static str,
        namespace: &str,
        name: &str,
    ) -> Result<Answer, LookupError>
    where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned
            + serde::Serialize,
    {
        if name.is_empty() {
            return Ok(Answer::Object(None));
        }
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let found = within(what, api.get_opt(name)).await?;
        let found = found.map(serde_json::to_value).transpose();
        Ok(Answer::Object(
            found.map_err(|error| LookupError::Unreadable(what, error))?,
        ))
    }

    async fn tombstone(&self, namespace: &str, id: &str) -> Result<Answer, LookupError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        let selector = format!("{}={id},{}=true", label::ID, label::DELETED);
        let list = within(
            "configmaps",
            api.list(&ListParams::default().labels(&selector)),
        )
        .await?;
        let found = list
            .items
            .into_iter()
            .next()
            .map(serde_json::to_value)
            .transpose();
        Ok(Answer::Object(found.map_err(|error| {
            LookupError::Unreadable("configmaps", error)
        })?))
    }

    async fn clusters_with(&self, namespace: &str, id: &str) -> Result<Answer, LookupError> {
        let api: Api<Cluster> = Api::namespaced(self.client.clone(), namespace);
        let selector = format!("{}={id}", label::ID);
        let params = ListParams::default().labels(&selector);
        let list = within("clusters", api.list_metadata(&params)).await?;
        Ok(Answer::Objects(
            list.items
                .iter()
                .map(|item| shown("Cluster", &item.metadata))
                .collect(),
        ))
    }

    async fn volumes(
        &self,
        namespace: &str,
    ) -> Result<Vec<PartialObjectMeta<PersistentVolumeClaim>>, LookupError> {
        let api: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), namespace);
        let list = within(
            "persistentvolumeclaims",
            api.list_metadata(&ListParams::default()),
        )
        .await?;
        Ok(list.items)
    }

    async fn owned_volumes(&self, namespace: &str, uid: &str) -> Result<Answer, LookupError> {
        let volumes = self.volumes(namespace).await?;
        let owned = volumes
            .iter()
            .filter(|volume| {
                volume
                    .owner_references()
                    .iter()
                    .any(|owner| owner.uid == uid)
            })
            .map(|volume| shown("PersistentVolumeClaim", &volume.metadata));
        Ok(Answer::Objects(owned.collect()))
    }

    async fn under_names(&self, namespace: &str, cluster: &str) -> Result<Answer, LookupError> {
        let volumes = self.volumes(namespace).await?;
        let mut found: Vec<Value> = volumes
            .iter()
            .filter(|volume| is_instance_volume(&volume.name_any(), cluster))
            .map(|volume| shown("PersistentVolumeClaim", &volume.metadata))
            .collect();
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        for suffix in TRUSTED_SECRETS {
            let name = format!("{cluster}-{suffix}");
            if let Some(secret) = within("secrets", secrets.get_metadata_opt(&name)).await? {
                found.push(shown("Secret", &secret.metadata));
            }
        }
        Ok(Answer::Objects(found))
    }
}

impl Lookup for KubeLookup {
    fn answer<'a>(
        &'a self,
        caller: &'a Caller,
        question: &'a Question,
    ) -> BoxFuture<'a, Result<Answer, LookupError>> {
        async move {
            match question {
                Question::MayOwn { team, .. } if Team::parse(team).is_err() => {
                    // An empty name would ask for the right to every team.
                    Ok(refused())
                }
                Question::MayOwn { namespace, team } => {
                    self.may(caller, namespace, rbac::OWN, rbac::TEAMS, team)
                        .await
                }
                Question::MayAdminister { namespace } => {
                    self.may(caller, namespace, rbac::ADMINISTER, rbac::POLICIES, "")
                        .await
                }
                Question::Cluster { namespace, name } => {
                    self.object::<Cluster>("clusters", namespace, name).await
                }
                Question::Pooler { namespace, name } => {
                    self.object::<Pooler>("poolers", namespace, name).await
                }
                Question::Tombstone { namespace, id } => self.tombstone(namespace, id).await,
                Question::ClustersWithId { namespace, id } => {
                    self.clusters_with(namespace, id).await
                }
                Question::VolumesOwnedBy { namespace, uid } => {
                    self.owned_volumes(namespace, uid).await
                }
                Question::UnderNames { namespace, cluster } => {
                    self.under_names(namespace, cluster).await
                }
            }
        }
        .boxed()
    }
}

fn refused() -> Answer {
    Answer::Access(Access {
        allowed: false,
        reason: String::new(),
    })
}

fn access_review(
    caller: &Caller,
    namespace: &str,
    verb: &str,
    resource: &str,
    name: &str,
) -> SubjectAccessReview {
    let Caller {
        user,
        uid,
        groups,
        extra,
    } = caller.clone();
    SubjectAccessReview {
        metadata: ObjectMeta::default(),
        spec: SubjectAccessReviewSpec {
            user: Some(user),
            uid: (!uid.is_empty()).then_some(uid),
            groups: Some(groups),
            extra: Some(extra.into_iter().collect::<BTreeMap<_, _>>()),
            resource_attributes: Some(ResourceAttributes {
                group: Some(rbac::GROUP.into()),
                version: Some("v1".into()),
                resource: Some(resource.into()),
                name: (!name.is_empty()).then(|| name.to_owned()),
                namespace: Some(namespace.into()),
                verb: Some(verb.into()),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        status: None,
    }
}

async fn within<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, LookupError> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(answer) => answer.map_err(|error| LookupError::Api(what, Box::new(error))),
        Err(_) => Err(LookupError::TimedOut(what)),
    }
}

/// `{cluster}-N`, `{cluster}-N-wal`, `{cluster}-N-tbs-…`: CNPG names volumes after instances.
fn is_instance_volume(name: &str, cluster: &str) -> bool {
    let Some(rest) = name
        .strip_prefix(cluster)
        .and_then(|rest| rest.strip_prefix('-'))
    else {
        return false;
    };
    let serial = rest.split('-').next().unwrap_or_default();
    !serial.is_empty() && serial.chars().all(|c| c.is_ascii_digit())
}

fn shown(kind: &str, metadata: &ObjectMeta) -> Value {
    json!({
        "kind": kind,
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "labels": metadata.labels,
            "ownerReferences": metadata.owner_references,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_volumes_of_a_cluster() {
        assert!(is_instance_volume("daap-a-1", "daap-a"));
        assert!(is_instance_volume("daap-a-12-wal", "daap-a"));
        assert!(!is_instance_volume("daap-a-b-1", "daap-a"));
        assert!(!is_instance_volume("daap-a-", "daap-a"));
        assert!(!is_instance_volume("daap-ab-1", "daap-a"));
    }
}
