//! Services of a Cluster and of a Pooler.

use k8s_openapi::api::core::v1::Service;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::{
    Shared,
    contract::{PORT, STAND_IN, STAND_IN_SAYS, label},
    error::Error,
    objects::{annotate, create},
    resources::{Cluster, Pooler},
};

/// Makes the three Services of a Cluster.
pub(super) async fn ensure(shared: &Shared, cluster: &Cluster) -> Result<(), Error> {
    let api: Api<Service> = Api::namespaced(shared.client.clone(), &cluster.namespace);
    for (suffix, key, value) in [
        ("r", label::POD_ROLE, "instance"),
        ("ro", label::INSTANCE_ROLE, "replica"),
        ("rw", label::INSTANCE_ROLE, "primary"),
    ] {
        let name = format!("{}-{suffix}", cluster.name);
        if let Some(service) = api.get_opt(&name).await? {
            let inherited = &cluster.spec.inherited_metadata;
            annotate(&api, &service, &inherited.labels, &inherited.annotations).await?;
            continue;
        }
        let labels = json!({
            "app.kubernetes.io/component": "database",
            "app.kubernetes.io/instance": cluster.name,
            "app.kubernetes.io/managed-by": "cloudnative-pg",
            "app.kubernetes.io/name": "postgresql",
            "app.kubernetes.io/version": cluster.major().to_string(),
            label::CLUSTER: cluster.name,
        });
        let service = json!({
            "metadata": cluster.metadata(&name, &labels),
            "spec": {
                "type": "ClusterIP",
                "selector": { label::CLUSTER: cluster.name, key: value },
                "ports": [{ "name": "postgres", "protocol": "TCP", "port": PORT, "targetPort": PORT }],
            },
        });
        create(&api, service).await?;
    }
    Ok(())
}

/// Makes the Service of a Pooler.
///
/// It always is of type `LoadBalancer`: the API server refuses loopback addresses as external IPs
/// and keeps a load balancer's ingress for that type only, and how else should it say where it is?
pub(super) async fn ensure_pooler(shared: &Shared, pooler: &Pooler) -> Result<(), Error> {
    let api: Api<Service> = Api::namespaced(shared.client.clone(), &pooler.namespace);
    if let Some(service) = api.get_opt(&pooler.name).await? {
        let ours = service
            .owner_references()
            .iter()
            .any(|owner| owner.uid == pooler.uid);
        if ours {
            return Ok(());
        }
        return Err(Error::Other(format!(
            "Service {} belongs to something else than Pooler {}",
            pooler.name, pooler.name
        )));
    }
    let mut service = json!({
        "metadata": {
            "name": pooler.name, "namespace": pooler.namespace,
            "labels": pooler_labels(pooler),
            "annotations": { STAND_IN: STAND_IN_SAYS },
            "ownerReferences": pooler.owner_reference(),
        },
        "spec": pooler.spec.service_template.get("spec").cloned().unwrap_or_else(|| json!({})),
    });
    for part in ["labels", "annotations"] {
        let extra = pooler.spec.service_template["metadata"][part]
            .as_object()
            .cloned();
        if let Some(target) = service["metadata"][part].as_object_mut() {
            target.extend(extra.into_iter().flatten());
        }
    }
    let spec = &mut service["spec"];
    spec["type"] = "LoadBalancer".into();
    // There is no node that such ports could lead to.
    spec["allocateLoadBalancerNodePorts"] = false.into();
    spec["selector"] = json!({ label::POOLER: pooler.name });
    spec["ports"] = json!([{ "name": "pgbouncer", "protocol": "TCP", "port": PORT, "targetPort": "pgbouncer" }]);
    create(&api, service).await.map(drop)
}

/// Labels of everything that a Pooler has.
pub(super) fn pooler_labels(pooler: &Pooler) -> Value {
    json!({
        "app.kubernetes.io/component": "pooler",
        "app.kubernetes.io/instance": pooler.spec.cluster.name,
        "app.kubernetes.io/managed-by": "cloudnative-pg",
        "app.kubernetes.io/name": "postgresql",
        label::CLUSTER: pooler.spec.cluster.name,
        label::POD_ROLE: "pooler",
        label::POOLER: pooler.name,
    })
}
