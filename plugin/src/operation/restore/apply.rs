//! What a restore writes: the objects of the tombstone, and what an earlier run left of them.

use daap_crds::contract::{annotation, cnpg};
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::tombstone::Tombstone;
use serde_json::Value;

use super::step::Step;
use super::{Restore, World, plan};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, annotate};
use crate::operation::pooler;
use crate::output::stderr_line;

impl Restore {
    /// The Cluster as it is applied.
    pub(super) async fn first_cluster(&self, world: &World) -> Result<Value, Failure> {
        let unreadable = || {
            Failure::new(format!(
                "the tombstone of database/{} is not readable",
                self.name
            ))
        };
        let config_map = self.tombstone(world)?.ok_or_else(unreadable)?;
        let mut cluster = Tombstone::restored_cluster(View(config_map)).ok_or_else(unreadable)?;
        plan::fit_storage(&self.k8s, &mut cluster, &world.kept.volumes).await?;
        if let Some(image) = &self.wish.image {
            map_at(&mut cluster, &["spec"]).insert("imageName".into(), image.as_str().into());
        }
        if let Some(reason) = &self.wish.reason {
            set_annotation(&mut cluster, annotation::CHANGE_REASON, reason.as_str());
        }
        set_annotation(
            &mut cluster,
            annotation::PENDING,
            self.pending(Step::ApplyPooler).to_annotation(),
        );
        Ok(cluster)
    }

    pub(super) async fn resume(
        &mut self,
        cluster: View<'_>,
        pods: &[Value],
    ) -> Result<Value, Failure> {
        let pending = self.pending(Step::ApplyPooler).to_annotation();
        let mut patch = annotate(&[(annotation::PENDING, pending.into())]);
        if cluster.annotation(cnpg::HIBERNATION).is_some() {
            map_at(&mut patch, &["metadata", "annotations"])
                .insert(cnpg::HIBERNATION.into(), Value::Null);
        }
        if let Some(image) = &self.wish.image {
            map_at(&mut patch, &["spec"]).insert("imageName".into(), image.as_str().into());
        }
        let resumed = self
            .k8s
            .merge(Kind::Cluster, cluster.name(), &patch)
            .await?;
        if let Some(image) = &self.wish.image {
            for pod in pods.iter().map(View).filter(|pod| waits(*pod, image)) {
                self.remove_pod(pod).await?;
            }
        }
        self.resumed = true;
        Ok(resumed)
    }

    /// CNPG leaves a pod alone that waits for an image which cannot be pulled.
    async fn remove_pod(&self, pod: View<'_>) -> Result<(), Failure> {
        match self.k8s.delete(Kind::Pod, pod.name(), pod.uid()).await {
            Err(failure) if failure.classification() == Class::Forbidden => {
                stderr_line(&format!(
                    "Warning: pod {0} still waits for the image that it had, and you may not delete it; let somebody do it who may: `kubectl delete pod {0} -n {1}`",
                    pod.name(),
                    self.k8s.namespace()
                ));
                Ok(())
            }
            other => other,
        }
    }

    pub(super) async fn apply_pooler(
        &self,
        world: &World,
        cluster: View<'_>,
    ) -> Result<Value, Failure> {
        let kept = self
            .tombstone(world)?
            .and_then(|map| Tombstone::restored_pooler(View(map), cluster.uid()));
        let pooler = match kept {
            Some(pooler) => pooler,
            None => pooler::with_defaults(cluster, &self.name)?,
        };
        self.k8s.create(Kind::Pooler, &pooler).await
    }
}

/// Whether a pod has not come up, with another image than the one that is wanted.
fn waits(pod: View<'_>, image: &str) -> bool {
    let list = |pointer| pod.at(pointer).and_then(Value::as_array);
    let has_image = list("/spec/containers")
        .into_iter()
        .chain(list("/spec/initContainers"))
        .flatten()
        .any(|container| View(container).text("/image") == Some(image));
    let ready = list("/status/conditions")
        .into_iter()
        .flatten()
        .any(|condition| {
            let condition = View(condition);
            condition.text("/type") == Some("Ready") && condition.text("/status") == Some("True")
        });
    !has_image && !ready
}
