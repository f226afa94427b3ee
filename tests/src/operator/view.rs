//! What a Cluster has: claims, pods, Jobs.

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{Api, Resource, ResourceExt, api::ListParams};

use super::{
    Shared,
    contract::{annotation, label},
    error::Error,
    objects::label,
    resources::Cluster,
};

/// What a Cluster has.
pub(super) struct View {
    /// Claims of its instances, by serial.
    pub(super) claims: Vec<PersistentVolumeClaim>,
    /// Pods of its instances, by name.
    pub(super) pods: Vec<Pod>,
    /// Jobs that fill its claims.
    pub(super) jobs: Vec<Job>,
}

impl View {
    pub(super) async fn read(shared: &Shared, cluster: &Cluster) -> Result<Self, Error> {
        let (client, namespace) = (&shared.client, &cluster.namespace);
        let ours = ListParams::default().labels(&format!("{}={}", label::CLUSTER, cluster.name));
        let claims = Api::<PersistentVolumeClaim>::namespaced(client.clone(), namespace)
            .list(&ours)
            .await?;
        let pods = Api::<Pod>::namespaced(client.clone(), namespace)
            .list(&ours)
            .await?;
        let jobs = Api::<Job>::namespaced(client.clone(), namespace)
            .list(&ours)
            .await?;
        let mut view = Self {
            claims: owned(claims.items, cluster),
            pods: owned(pods.items, cluster),
            jobs: owned(jobs.items, cluster),
        };
        // A deleted claim is there only as long as its pod.
        view.claims
            .retain(|claim| claim.metadata.deletion_timestamp.is_none());
        view.claims.sort_by_key(serial);
        view.pods.sort_by_key(ResourceExt::name_any);
        Ok(view)
    }

    /// The pod on a claim.
    pub(super) fn pod(&self, instance: &str) -> Option<&Pod> {
        self.pods.iter().find(|pod| pod.name_any() == instance)
    }

    /// The Job that fills a claim.
    pub(super) fn job(&self, instance: &str) -> Option<&Job> {
        self.jobs
            .iter()
            .find(|job| label(*job, label::INSTANCE) == instance)
    }
}

fn owned<K: Resource>(objects: Vec<K>, cluster: &Cluster) -> Vec<K> {
    objects
        .into_iter()
        .filter(|object| {
            object
                .owner_references()
                .iter()
                .any(|owner| owner.uid == cluster.uid)
        })
        .collect()
}

/// The number of an instance.
pub(super) fn serial(claim: &PersistentVolumeClaim) -> usize {
    claim
        .annotations()
        .get(annotation::SERIAL)
        .and_then(|text| text.parse().ok())
        .unwrap_or(usize::MAX)
}

/// Whether a claim's volume is filled.
pub(super) fn is_filled(claim: &PersistentVolumeClaim) -> bool {
    claim
        .annotations()
        .get(annotation::VOLUME_STATUS)
        .map(String::as_str)
        == Some("ready")
}
