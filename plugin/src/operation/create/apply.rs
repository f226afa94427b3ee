//! What a creation writes: Cluster and Pooler, or what brings those of an earlier run to what is
//! asked. Each gives back what the API server has stored.

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::object::{View, map_at, set_annotation, set_label};
use daap_crds::policy::Defaults;
use serde_json::Value;

use super::step::Step;
use super::{Create, plan};
use crate::failure::{Class, Failure};
use crate::kubernetes::Kind;
use crate::operation::{policy, pooler};

impl Create {
    /// The Cluster as it is first written. A dry run tells whether a webhook fills in the storage;
    /// where none does, our default goes in.
    async fn first_cluster(&self) -> Result<Value, Failure> {
        let mut cluster = self.asked.cluster(self.k8s.namespace(), self.id);
        set_annotation(
            &mut cluster,
            annotation::PENDING,
            self.pending(Step::ApplyPooler).to_annotation(),
        );
        if self.asked.storage.is_none() {
            let tried = match self.k8s.dry_run().create(Kind::Cluster, &cluster).await {
                Ok(tried) => Some(tried),
                // What is wrong with it is told when it is written.
                Err(failure) if failure.is_hard() => None,
                Err(failure) => return Err(failure),
            };
            let size = tried
                .and_then(|tried| View(&tried).text("/spec/storage/size").map(str::to_owned))
                .unwrap_or_else(|| Defaults::default().storage.to_string());
            map_at(&mut cluster, &["spec", "storage"]).insert("size".into(), size.into());
        }
        Ok(cluster)
    }

    /// Admission judges before the API server sees that the name is taken: what another creation has
    /// just made is refused as lying under our names, and is no reason that helps anybody.
    async fn faster(&self, failure: Failure, cluster: &Value) -> Failure {
        let name = self.asked.name.cluster();
        match self.k8s.get(Kind::Cluster, &name).await {
            Ok(Some(_)) => failure.class(Class::Exists),
            _ => policy::and_complaints(&self.k8s, failure, cluster).await,
        }
    }

    pub(super) async fn resume(&mut self, cluster: &Value) -> Result<Value, Failure> {
        let mut patch = plan::cluster_patch(&self.asked, cluster);
        set_annotation(
            &mut patch,
            annotation::PENDING,
            self.pending(Step::ApplyPooler).to_annotation(),
        );
        if View(cluster).annotation(cnpg::HIBERNATION).is_some() {
            map_at(&mut patch, &["metadata", "annotations"])
                .insert(cnpg::HIBERNATION.into(), Value::Null);
        }
        let resumed = self
            .k8s
            .merge(Kind::Cluster, View(cluster).name(), &patch)
            .await?;
        self.reconciled = true;
        Ok(resumed)
    }

    pub(super) async fn apply_cluster(&mut self) -> Result<Value, Failure> {
        let object = self.first_cluster().await?;
        // A creation whose answer was lost is found by its id when the world is read again.
        let cluster = match self.k8s.create(Kind::Cluster, &object).await {
            Err(failure) if failure.is_hard() => return Err(self.faster(failure, &object).await),
            result => result?,
        };
        (self.ours, self.reconciled) = (true, true);
        Ok(cluster)
    }

    pub(super) async fn apply_pooler(&mut self, cluster: View<'_>) -> Result<Value, Failure> {
        let desired = self.asked.desired(self.k8s.namespace(), self.id);
        let mut pooler = desired.pooler(cluster.uid());
        // The Cluster's team, should the webhook have had another opinion than we.
        if let Some(team) = cluster.label(label::OWNER_TEAM) {
            set_label(&mut pooler, label::OWNER_TEAM, team);
        }
        let pooler = self.k8s.create(Kind::Pooler, &pooler).await?;
        self.pooler_reconciled = true;
        Ok(pooler)
    }

    pub(super) async fn adopt_pooler(
        &mut self,
        cluster: &Value,
        pooler: &Value,
    ) -> Result<Value, Failure> {
        let mut patch = plan::pooler_patch(&self.asked, pooler);
        if View(pooler).owner_references().is_empty() {
            json_patch::merge(&mut patch, &pooler::owned(View(cluster)));
        }
        let adopted = self
            .k8s
            .merge(Kind::Pooler, View(pooler).name(), &patch)
            .await?;
        self.pooler_reconciled = true;
        Ok(adopted)
    }
}
