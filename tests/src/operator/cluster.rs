//! The operator's work on a Cluster, in its order: image, adoption, what is made beside the pods,
//! status, hibernation, instances, phase.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, channel::mpsc};
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{PersistentVolumeClaim, Pod, Secret},
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DynamicObject, ListParams},
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Shared, access, adoption,
    contract::{annotation, label, phase},
    drive,
    error::Error,
    everything, hibernation, instances,
    kubelet::identifier,
    objects::{annotate, is_ready, label, merge},
    of_clusters,
    resources::{self, Cluster, cluster_type, pooler_type},
    secrets, services,
    status::{Status, now_precisely, remove_condition, set},
    view::View,
};

/// One pass over one Cluster.
pub(super) struct Pass {
    pub(super) shared: Arc<Shared>,
    pub(super) cluster: Cluster,
    pub(super) status: Status,
    pub(super) view: View,
    pub(super) poolers: Vec<String>,
}

/// Follows Clusters and all that they have.
pub(super) async fn follow(
    shared: Arc<Shared>,
    stop: CancellationToken,
    reports: mpsc::UnboundedReceiver<()>,
) {
    let client = &shared.client;
    let clusters = Api::<DynamicObject>::all_with(client.clone(), &cluster_type());
    let poolers = Api::<DynamicObject>::all_with(client.clone(), &pooler_type());
    let controller = Controller::new_with(clusters, everything(), cluster_type())
        .watches(Api::<Pod>::all(client.clone()), of_clusters(), |pod| {
            by_label(&pod)
        })
        .watches(
            Api::<PersistentVolumeClaim>::all(client.clone()),
            of_clusters(),
            |claim| by_label(&claim),
        )
        .watches(Api::<Job>::all(client.clone()), of_clusters(), |job| {
            by_label(&job)
        })
        .watches(
            Api::<Secret>::all(client.clone()),
            of_clusters(),
            |secret| by_label(&secret),
        )
        .watches_with(poolers, pooler_type(), everything(), |pooler| {
            let cluster = pooler.data["spec"]["cluster"]["name"]
                .as_str()
                .map(str::to_owned);
            cluster.map(|cluster| reference(&cluster, &pooler.namespace().unwrap_or_default()))
        })
        .reconcile_all_on(reports.chain(futures::stream::pending()));
    drive(controller, stop, shared, reconcile).await;
}

fn by_label<K: Resource>(object: &K) -> Option<ObjectRef<DynamicObject>> {
    let cluster = label(object, label::CLUSTER);
    (!cluster.is_empty()).then(|| reference(cluster, &object.namespace().unwrap_or_default()))
}

fn reference(cluster: &str, namespace: &str) -> ObjectRef<DynamicObject> {
    ObjectRef::new_with(cluster, cluster_type()).within(namespace)
}

async fn reconcile(object: Arc<DynamicObject>, shared: Arc<Shared>) -> Result<Action, Error> {
    let name = object.name_any();
    let api = resources::clusters(&shared.client, &object.namespace().unwrap_or_default());
    // The watch may be behind what the last pass wrote.
    let Some(object) = api.get_opt(&name).await? else {
        return Ok(Action::await_change());
    };
    if object.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let cluster = Cluster::parse(object)?;
    if cluster.annotation(annotation::LOOP) == "disabled" {
        return Ok(Action::await_change());
    }
    let status = Status::of(api, &name, &cluster.object);
    let view = View::read(&shared, &cluster).await?;
    let poolers = resources::poolers(&shared.client, &cluster.namespace)
        .list(&ListParams::default())
        .await?;
    // In the recordings a Pooler has always been looked at, and found without the Secret, before its
    // Cluster's pass made that.
    let poolers = poolers
        .iter()
        .filter(|pooler| pooler.data["spec"]["cluster"]["name"] == name.as_str())
        .filter(|pooler| !pooler.data["status"]["phase"].is_null())
        .map(ResourceExt::name_any)
        .collect();
    Pass {
        shared,
        cluster,
        status,
        view,
        poolers,
    }
    .run()
    .await
}

impl Pass {
    async fn run(mut self) -> Result<Action, Error> {
        let (image, major) = (self.cluster.image().to_owned(), self.cluster.major());
        self.status
            .update(|status| {
                set(status, "image", image.as_str().into());
                set(
                    status,
                    "pgDataImageInfo",
                    json!({ "image": image, "majorVersion": major }),
                );
            })
            .await?;
        adoption::adopt(&mut self).await?;
        self.prepare().await?;
        self.steer_instances();
        self.report_primary().await?;
        self.report_resources().await?;
        self.report_instances().await?;
        if let Some(action) = hibernation::reconcile(&mut self).await? {
            return Ok(action);
        }
        if let Some(action) = instances::reconcile(&mut self).await? {
            return Ok(action);
        }
        self.settle().await
    }

    /// Makes what a Cluster has beside its instances.
    async fn prepare(&mut self) -> Result<(), Error> {
        access::ensure(&self.shared, &self.cluster).await?;
        secrets::ensure(&self.shared, &self.cluster).await?;
        if !self.poolers.is_empty() {
            secrets::ensure_pooler(&self.shared, &self.cluster).await?;
        }
        services::ensure(&self.shared, &self.cluster).await?;
        let inherited = &self.cluster.spec.inherited_metadata;
        let (client, namespace) = (&self.shared.client, &self.cluster.namespace);
        let pods = Api::namespaced(client.clone(), namespace);
        for pod in &self.view.pods {
            annotate(&pods, pod, &inherited.labels, &inherited.annotations).await?;
        }
        let claims = Api::namespaced(client.clone(), namespace);
        for claim in self.view.all_claims() {
            annotate(&claims, claim, &inherited.labels, &inherited.annotations).await?;
        }
        let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
        let secret = secrets.get(&self.cluster.app_secret()).await?;
        annotate(&secrets, &secret, &inherited.labels, &inherited.annotations).await
    }

    /// Tells the instance managers what the Cluster says.
    fn steer_instances(&self) {
        let parameters = format!(
            "{:?} {:?}",
            self.cluster.spec.postgresql,
            self.status.text("targetPrimary")
        );
        for pod in &self.view.pods {
            let uid = pod.uid().unwrap_or_default();
            self.shared
                .kubelet
                .fence(&uid, self.cluster.is_fenced(&pod.name_any()));
            let name = pod.name_any();
            let demoted = self.status.text("currentPrimary") == name
                && self.status.text("targetPrimary") != name;
            self.shared.kubelet.demote(&uid, demoted);
            self.shared.kubelet.configure(&uid, &parameters);
        }
    }

    /// Everything is as wanted: says so, and clears up.
    async fn settle(&mut self) -> Result<Action, Error> {
        self.synchronise_password().await?;
        self.status.enter_phase(phase::HEALTHY, "").await?;
        instances::remove_jobs(self).await?;
        Ok(Action::await_change())
    }

    /// Gives the owner of the database the password that its Secret says.
    pub(super) async fn synchronise_password(&self) -> Result<(), Error> {
        let target = self.status.text("targetPrimary");
        let Some(primary) = self.view.pod(target).filter(|pod| is_ready(pod)) else {
            return Ok(());
        };
        let api: Api<Secret> = Api::namespaced(self.shared.client.clone(), &self.cluster.namespace);
        let secret = api.get(&self.cluster.app_secret()).await?;
        let version = secret.resource_version().unwrap_or_default();
        let Some(report) = self.reported(primary) else {
            return Ok(());
        };
        // Whichever instance is the primary, it is the same system, and has the password. Written anew
        // it would have another salt, and whoever is logging in to the pooler just then would hang.
        let mark = format!("{} {version}", report.system_id);
        let known = |shared: &Shared| {
            shared
                .passwords
                .lock()
                .ok()
                .and_then(|known| known.get(&self.cluster.uid).cloned())
        };
        if known(&self.shared).as_ref() == Some(&mark) {
            return Ok(());
        }
        let password = secrets::text(&secret, "password").replace('\'', "''");
        let sql = format!(
            "ALTER ROLE {} LOGIN PASSWORD '{password}';",
            identifier(self.cluster.owner())
        );
        let uid = primary.uid().unwrap_or_default();
        self.shared.kubelet.sql(&uid, "postgres", &sql).await?;
        if let Ok(mut known) = self.shared.passwords.lock() {
            known.insert(self.cluster.uid.clone(), mark);
        }
        Ok(())
    }

    /// Removes a condition of the Cluster.
    pub(super) async fn clear_condition(&mut self, type_: &str) -> Result<(), Error> {
        self.status
            .update(|status| remove_condition(status, type_))
            .await
    }

    /// Says who the primary is to be.
    pub(super) async fn aim_at(&mut self, primary: &str) -> Result<(), Error> {
        if self.status.text("targetPrimary") == primary {
            return Ok(());
        }
        self.status
            .update(|status| {
                set(status, "targetPrimary", primary.into());
                set(status, "targetPrimaryTimestamp", now_precisely().into());
            })
            .await
    }

    /// Changes the claim of an instance.
    pub(super) async fn change_claim(&self, name: &str, patch: Value) -> Result<(), Error> {
        let api: Api<PersistentVolumeClaim> =
            Api::namespaced(self.shared.client.clone(), &self.cluster.namespace);
        merge(&api, name, patch).await.map(drop)
    }
}

/// How soon a Cluster that waits for something unseen is looked at again.
pub(super) const RETRY: Duration = Duration::from_secs(1);
