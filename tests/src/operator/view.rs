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
    pods::WAL,
    resources::Cluster,
};

/// What a Cluster has.
pub(super) struct View {
    /// Claims of its instances, by serial: those with the data.
    pub(super) claims: Vec<PersistentVolumeClaim>,
    /// Claims for WAL, where it has a volume of its own.
    pub(super) wal_claims: Vec<PersistentVolumeClaim>,
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
        let (wal_claims, claims) = owned(claims.items, cluster)
            .into_iter()
            // A deleted claim is there only as long as its pod.
            .filter(|claim| claim.metadata.deletion_timestamp.is_none())
            .partition(is_for_wal);
        let mut view = Self {
            claims,
            wal_claims,
            pods: owned(pods.items, cluster),
            jobs: owned(jobs.items, cluster),
        };
        view.claims.sort_by_key(serial);
        view.pods.sort_by_key(ResourceExt::name_any);
        Ok(view)
    }

    /// All claims, whatever they are for.
    pub(super) fn all_claims(&self) -> impl Iterator<Item = &PersistentVolumeClaim> {
        self.claims.iter().chain(&self.wal_claims)
    }

    /// The claim for the WAL of an instance.
    pub(super) fn wal_claim(&self, instance: &str) -> Option<&PersistentVolumeClaim> {
        let mut claims = self.wal_claims.iter();
        claims.find(|claim| label(*claim, label::INSTANCE) == instance)
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

/// Whether a claim is for WAL only.
pub(super) fn is_for_wal(claim: &PersistentVolumeClaim) -> bool {
    label(claim, label::CLAIM_ROLE) == WAL
}

/// Whether a claim's volume is filled.
pub(super) fn is_filled(claim: &PersistentVolumeClaim) -> bool {
    claim
        .annotations()
        .get(annotation::VOLUME_STATUS)
        .map(String::as_str)
        == Some("ready")
}
