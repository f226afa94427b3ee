//! The operator's work on a Cluster, in its order: image, adoption, what is made beside the pods,
//! status, hibernation, instances, phase.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

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
    Shared, access,
    contract::{annotation, label, phase},
    drive,
    error::Error,
    everything, hibernation, instances, kubelet,
    objects::{self, Cluster, annotate, cluster_type, is_ready, label, merge, pooler_type},
    of_clusters, secrets, services,
    status::{Status, now_precisely, remove_condition, set, set_condition},
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

/// One pass over one Cluster.
pub(super) struct Pass {
    pub(super) shared: Arc<Shared>,
    pub(super) cluster: Cluster,
    pub(super) status: Status,
    pub(super) view: View,
    poolers: Vec<String>,
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
    let api = objects::clusters(&shared.client, &object.namespace().unwrap_or_default());
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
    let poolers = objects::poolers(&shared.client, &cluster.namespace)
        .list(&ListParams::default())
        .await?;
    let poolers = poolers
        .iter()
        .filter(|pooler| pooler.data["spec"]["cluster"]["name"] == name.as_str())
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
        instances::adopt(&mut self).await?;
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
        for claim in &self.view.claims {
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
            self.shared.kubelet.configure(&uid, &parameters);
        }
    }

    /// The instance manager of the primary writes that it is.
    async fn report_primary(&mut self) -> Result<(), Error> {
        let target = self.status.text("targetPrimary").to_owned();
        let is_primary = self
            .view
            .pod(&target)
            .and_then(|pod| self.reported(pod))
            .is_some_and(|report| report.is_primary);
        if !is_primary || self.status.text("currentPrimary") == target {
            return Ok(());
        }
        self.status
            .update(|status| {
                set(status, "currentPrimary", target.into());
                set(status, "currentPrimaryTimestamp", now_precisely().into());
            })
            .await
    }

    async fn report_resources(&mut self) -> Result<(), Error> {
        let cluster = &self.cluster;
        let name = &cluster.name;
        let names = |keep: &dyn Fn(&str, &PersistentVolumeClaim) -> bool| -> Vec<String> {
            let claims = self.view.claims.iter();
            claims
                .map(|claim| (claim.name_any(), claim))
                .filter(|(name, claim)| keep(name, claim))
                .map(|(name, _)| name)
                .collect()
        };
        let has_pod = |name: &str| self.view.pod(name).is_some();
        let all = names(&|_, _| true);
        let healthy = names(&|name, _| has_pod(name));
        let dangling = names(&|name, claim| !has_pod(name) && is_filled(claim));
        let initializing = names(&|name, claim| !has_pod(name) && !is_filled(claim));
        let (states, ready) = self.instance_states();
        let nodes = usize::from(self.view.pods.iter().any(|pod| {
            pod.spec
                .as_ref()
                .is_some_and(|spec| spec.node_name.is_some())
        }));
        let jobs = self.view.jobs.len();
        let mut poolers: Vec<String> = Vec::new();
        if !self.poolers.is_empty() {
            poolers.push(format!("{name}-pooler"));
        }
        let certificates = json!({
            "clientCASecret": format!("{name}-ca"), "serverCASecret": format!("{name}-ca"),
            "serverTLSSecret": format!("{name}-server"), "replicationTLSSecret": format!("{name}-replication"),
            "serverAltDNSNames": secrets::server_names(cluster),
        });
        let mut topology = json!({ "successfullyExtracted": true });
        if nodes > 0 {
            topology["nodesUsed"] = nodes.into();
            topology["instances"] = healthy
                .iter()
                .map(|name| (name.clone(), json!({})))
                .collect::<serde_json::Map<_, _>>()
                .into();
        }
        let versions = secrets::versions(&self.shared, cluster).await?;
        let (reader, writer) = (format!("{name}-r"), format!("{name}-rw"));
        let selector = format!("{}={name},{}=instance", label::CLUSTER, label::POD_ROLE);
        self.status
            .update(|status| {
                set(status, "certificates", certificates);
                if !all.is_empty() {
                    set_condition(
                        status,
                        "Initialized",
                        "True",
                        "BootstrapCompleted",
                        "Cluster has been bootstrapped",
                    );
                } else if !has_condition(status, "Initialized") {
                    set_condition(
                        status,
                        "Initialized",
                        "False",
                        "BootstrapPending",
                        "Cluster has not been bootstrapped yet",
                    );
                }
                let integration = if poolers.is_empty() {
                    json!({})
                } else {
                    json!({ "secrets": poolers })
                };
                set(
                    status,
                    "poolerIntegrations",
                    json!({ "pgBouncerIntegration": integration }),
                );
                set(status, "readService", reader.into());
                set(status, "writeService", writer.into());
                set(status, "selector", selector.into());
                set(status, "topology", topology);
                set(status, "secretsResourceVersion", versions);
                set(status, "instances", all.len().into());
                set(status, "pvcCount", all.len().into());
                set(status, "jobCount", jobs.into());
                set(status, "readyInstances", ready.into());
                set(status, "instancesStatus", states);
                for (field, names) in [
                    ("instanceNames", all),
                    ("healthyPVC", healthy),
                    ("danglingPVC", dangling),
                    ("initializingPVC", initializing),
                ] {
                    set(status, field, names.into());
                }
            })
            .await
    }

    /// Instances by how they are, and how many are ready.
    fn instance_states(&self) -> (Value, usize) {
        let mut states: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for pod in self
            .view
            .pods
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        {
            let state = match self.reported(pod) {
                _ if is_ready(pod) => "healthy",
                Some(_) => "replicating",
                None => "failed",
            };
            states.entry(state).or_default().push(pod.name_any());
        }
        let ready = states.get("healthy").map_or(0, Vec::len);
        (json!(states), ready)
    }

    /// What the instance managers report of their systems.
    async fn report_instances(&mut self) -> Result<(), Error> {
        let mut reported = json!({});
        let mut system = None;
        for pod in self
            .view
            .pods
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        {
            let uid = pod.uid().unwrap_or_default();
            if let (Some(report), Some(ip)) =
                (self.reported(pod), self.shared.kubelet.address(&uid))
            {
                reported[pod.name_any()] = json!({ "ip": ip, "isPrimary": report.is_primary, "timeLineID": report.timeline });
                system = Some(report);
            }
        }
        self.status
            .update(|status| {
                set(status, "instancesReportedState", reported);
                match system {
                    Some(report) => {
                        set_condition(
                            status,
                            "ConsistentSystemID",
                            "True",
                            "Unique",
                            "A single, unique system ID was found across reporting instances.",
                        );
                        set_condition(
                            status,
                            "ContinuousArchiving",
                            "True",
                            "ContinuousArchivingSuccess",
                            "Continuous archiving is working",
                        );
                        set(status, "systemID", report.system_id.into());
                        set(status, "timelineID", report.timeline.into());
                    }
                    None => {
                        let message =
                            "No instances are present in the cluster to report a system ID.";
                        set_condition(status, "ConsistentSystemID", "False", "NotFound", message);
                        status.remove("systemID");
                    }
                }
            })
            .await
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
        let uid = primary.uid().unwrap_or_default();
        let mark = format!("{uid} {version}");
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
            instances::identifier(self.cluster.owner())
        );
        self.shared.kubelet.sql(&uid, "postgres", &sql).await?;
        if let Ok(mut known) = self.shared.passwords.lock() {
            known.insert(self.cluster.uid.clone(), mark);
        }
        Ok(())
    }

    /// What the instance manager of a pod reports.
    pub(super) fn reported(&self, pod: &Pod) -> Option<kubelet::Report> {
        self.shared.kubelet.report(&pod.uid().unwrap_or_default())
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

fn has_condition(status: &serde_json::Map<String, Value>, type_: &str) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == type_)
    })
}

/// How soon a Cluster that waits for something unseen is looked at again.
pub(super) const RETRY: Duration = Duration::from_secs(1);
