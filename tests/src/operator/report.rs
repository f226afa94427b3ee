//! What the operator reports in the status of a Cluster: of its claims, and of its instances.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use serde_json::{Map, Value, json};

use super::{
    cluster::Pass,
    contract::label,
    error::Error,
    kubelet,
    objects::{is_ready, label},
    secrets,
    status::{now_precisely, set, set_condition},
    view::is_filled,
};

impl Pass {
    /// The instance manager of the primary writes that it is.
    pub(super) async fn report_primary(&mut self) -> Result<(), Error> {
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

    pub(super) async fn report_resources(&mut self) -> Result<(), Error> {
        let cluster = &self.cluster;
        let name = &cluster.name;
        let names = |keep: &dyn Fn(&str, &PersistentVolumeClaim) -> bool| -> Vec<String> {
            let claims = self.view.all_claims();
            claims
                .filter(|claim| keep(label(*claim, label::INSTANCE), claim))
                .map(ResourceExt::name_any)
                .collect()
        };
        let has_pod = |name: &str| self.view.pod(name).is_some();
        let instances: Vec<String> = self.view.claims.iter().map(ResourceExt::name_any).collect();
        let volumes = self.view.all_claims().count();
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
                .filter(|name| instances.contains(*name))
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
                if !instances.is_empty() {
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
                set(status, "instances", instances.len().into());
                set(status, "pvcCount", volumes.into());
                set(status, "jobCount", jobs.into());
                set(status, "readyInstances", ready.into());
                set(status, "instancesStatus", states);
                for (field, names) in [
                    ("instanceNames", instances),
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
    pub(super) async fn report_instances(&mut self) -> Result<(), Error> {
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
                if report.is_primary || system.is_none() {
                    system = Some(report);
                }
            }
        }
        self.status
            .update(|status| {
                set(status, "instancesReportedState", reported);
                if let Some(report) = system {
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
                } else {
                    let message = "No instances are present in the cluster to report a system ID.";
                    set_condition(status, "ConsistentSystemID", "False", "NotFound", message);
                    status.remove("systemID");
                }
            })
            .await
    }

    /// What the instance manager of a pod reports.
    pub(super) fn reported(&self, pod: &Pod) -> Option<kubelet::Report> {
        self.shared.kubelet.report(&pod.uid().unwrap_or_default())
    }
}

fn has_condition(status: &Map<String, Value>, type_: &str) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions
            .iter()
            .any(|condition| condition["type"] == type_)
    })
}
