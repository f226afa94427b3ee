//! The `ServiceAccount`, Role and `PodDisruptionBudget` that the operator makes beside the pods.

use k8s_openapi::api::{
    core::v1::ServiceAccount,
    policy::v1::PodDisruptionBudget,
    rbac::v1::{Role, RoleBinding},
};
use kube::Api;
use serde_json::json;

use super::{
    Shared,
    contract::{STAND_IN, STAND_IN_SAYS, label},
    error::Error,
    objects::create,
    resources::{Cluster, Pooler, cluster_type},
};

/// Makes them for a Cluster.
pub(super) async fn ensure(shared: &Shared, cluster: &Cluster) -> Result<(), Error> {
    let (client, namespace) = (&shared.client, &cluster.namespace);
    let labels = || json!({ label::CLUSTER: cluster.name, "app.kubernetes.io/managed-by": "cloudnative-pg" });
    let budget = format!("{}-primary", cluster.name);
    let made = create(&Api::<PodDisruptionBudget>::namespaced(client.clone(), namespace), json!({
        "metadata": cluster.metadata(&budget, &labels()),
        "spec": {
            "minAvailable": 1,
            "selector": { "matchLabels": { label::CLUSTER: cluster.name, label::INSTANCE_ROLE: "primary" } },
        },
    })).await?;
    if made {
        announce(
            shared,
            cluster,
            "CreatingPodDisruptionBudget",
            format!("Creating PodDisruptionBudget {budget}"),
        )
        .await;
    }
    let made = create(
        &Api::<ServiceAccount>::namespaced(client.clone(), namespace),
        json!({
            "metadata": cluster.metadata(&cluster.name, &labels()),
        }),
    )
    .await?;
    if made {
        announce(
            shared,
            cluster,
            "CreatingServiceAccount",
            "Creating ServiceAccount".to_owned(),
        )
        .await;
    }
    let made = create(&Api::<Role>::namespaced(client.clone(), namespace), json!({
        "metadata": cluster.metadata(&cluster.name, &labels()),
        "rules": [{
            "apiGroups": ["postgresql.cnpg.io"], "resources": ["clusters", "clusters/status"],
            "resourceNames": [cluster.name], "verbs": ["get", "list", "watch", "update", "patch"],
        }],
    })).await?;
    if made {
        announce(
            shared,
            cluster,
            "CreatingRole",
            "Creating Cluster Role".to_owned(),
        )
        .await;
    }
    create(&Api::<RoleBinding>::namespaced(client.clone(), namespace), json!({
        "metadata": cluster.metadata(&cluster.name, &labels()),
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": cluster.name },
        "subjects": [{ "kind": "ServiceAccount", "name": cluster.name, "namespace": namespace }],
    })).await.map(drop)
}

/// Makes the `ServiceAccount` of a Pooler.
pub(super) async fn ensure_pooler(shared: &Shared, pooler: &Pooler) -> Result<(), Error> {
    let api: Api<ServiceAccount> = Api::namespaced(shared.client.clone(), &pooler.namespace);
    create(
        &api,
        json!({ "metadata": {
            "name": pooler.name, "namespace": pooler.namespace,
            "labels": super::services::pooler_labels(pooler),
            "annotations": { STAND_IN: STAND_IN_SAYS },
            "ownerReferences": pooler.owner_reference(),
        }}),
    )
    .await
    .map(drop)
}

async fn announce(shared: &Shared, cluster: &Cluster, reason: &str, note: String) {
    shared
        .events
        .normal(&cluster.object, &cluster_type(), reason, note)
        .await;
}
