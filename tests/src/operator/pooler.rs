//! The operator's work on a Pooler: a Service, a Deployment, and a status that says little.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Secret},
};
use kube::{
    Api, ResourceExt as _,
    api::{DynamicObject, ListParams},
    runtime::{Controller, controller::Action, reflector::ObjectRef},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::{
    Shared, access,
    contract::{PORT, STAND_IN, STAND_IN_SAYS, label},
    drive,
    error::Error,
    everything,
    objects::{create, label, merge},
    of_clusters,
    resources::{self, Pooler, pooler_type},
    services,
    status::{Status, set},
};

/// A Pooler without its Cluster is looked at again after this long, as the real one does.
const RETRY: Duration = Duration::from_secs(30);

/// Follows Poolers and what they have.
pub(super) async fn follow(shared: Arc<Shared>, stop: CancellationToken) {
    let client = &shared.client;
    let poolers = Api::<DynamicObject>::all_with(client.clone(), &pooler_type());
    let controller = Controller::new_with(poolers, everything(), pooler_type());
    let store = controller.store();
    let controller = controller
        .owns(Api::<Deployment>::all(client.clone()), of_clusters())
        // Secrets of a Cluster come and go with it.
        .watches(
            Api::<Secret>::all(client.clone()),
            of_clusters(),
            move |secret| {
                let cluster = label(&secret, label::CLUSTER).to_owned();
                let namespace = secret.namespace();
                let concerned = store.state().into_iter().filter(move |pooler| {
                    pooler.namespace() == namespace
                        && pooler.data["spec"]["cluster"]["name"] == cluster.as_str()
                });
                concerned
                    .map(|pooler| ObjectRef::from_obj_with(&*pooler, pooler_type()))
                    .collect::<Vec<_>>()
            },
        );
    drive(controller, stop, shared, reconcile).await;
}

async fn reconcile(object: Arc<DynamicObject>, shared: Arc<Shared>) -> Result<Action, Error> {
    let (name, namespace) = (object.name_any(), object.namespace().unwrap_or_default());
    let api = resources::poolers(&shared.client, &namespace);
    // The real one does not look at the deletion timestamp (its issue 11360), and nor do we.
    let Some(object) = api.get_opt(&name).await? else {
        return Ok(Action::await_change());
    };
    let pooler = Pooler::parse(object)?;
    let mut status = Status::of(api, &name, &pooler.object);
    let cluster = &pooler.spec.cluster.name;
    if resources::clusters(&shared.client, &namespace)
        .get_opt(cluster)
        .await?
        .is_none()
    {
        inactive(&mut status, &format!("Cluster \"{cluster}\" not found")).await?;
        return Ok(Action::requeue(RETRY));
    }
    let secrets: Api<Secret> = Api::namespaced(shared.client.clone(), &namespace);
    let mut versions = Vec::new();
    for suffix in ["ca", "server", "pooler"] {
        let secret = format!("{cluster}-{suffix}");
        let Some(found) = secrets.get_metadata_opt(&secret).await? else {
            let reason = format!("AuthUserSecret \"{cluster}-pooler\" not found");
            inactive(&mut status, &reason).await?;
            return Ok(Action::requeue(RETRY));
        };
        versions.push(json!({ "name": secret, "version": found.resource_version() }));
    }
    access::ensure_pooler(&shared, &pooler).await?;
    services::ensure_pooler(&shared, &pooler).await?;
    ensure_deployment(&shared, &pooler).await?;
    steer(&shared, &pooler).await?;
    report(&shared, &pooler, &mut status, &versions).await?;
    Ok(Action::await_change())
}

async fn inactive(status: &mut Status, reason: &str) -> Result<(), Error> {
    status
        .update(|status| {
            set(status, "phase", "inactive".into());
            set(status, "phaseReason", reason.into());
        })
        .await
}

/// Writes what the real one does: `active`, whatever its pods do, and replicas, ready or not.
async fn report(
    shared: &Shared,
    pooler: &Pooler,
    status: &mut Status,
    versions: &[Value],
) -> Result<(), Error> {
    let [ca, server, auth] = versions else {
        return Ok(());
    };
    status
        .update(|status| {
            set(status, "phase", "active".into());
            status.remove("phaseReason");
            set(status, "image", pooler.image().into());
            set(
                status,
                "secrets",
                json!({
                    "clientCA": ca, "serverCA": ca, "clientTLS": server, "serverTLS": {},
                    "pgBouncerSecrets": { "authQuery": auth },
                }),
            );
        })
        .await?;
    let deployments: Api<Deployment> = Api::namespaced(shared.client.clone(), &pooler.namespace);
    let deployment = deployments.get(&pooler.name).await?;
    let replicas = deployment
        .status
        .and_then(|status| status.replicas)
        .unwrap_or_default();
    status
        .update(|status| set(status, "instances", replicas.into()))
        .await
}

/// Tells running `PgBouncer`s what the Pooler says.
async fn steer(shared: &Shared, pooler: &Pooler) -> Result<(), Error> {
    let pods: Api<Pod> = Api::namespaced(shared.client.clone(), &pooler.namespace);
    let ours = ListParams::default().labels(&format!("{}={}", label::POOLER, pooler.name));
    // The real one asks DNS, so that it finds the Service again when it was made anew.
    let target = shared
        .traffic
        .address(&pooler.namespace, &pooler.target_service())?;
    let parameters = format!("{:?} {target}", pooler.spec.pgbouncer);
    for pod in pods.list(&ours).await? {
        shared
            .kubelet
            .configure(&pod.uid().unwrap_or_default(), &parameters);
    }
    Ok(())
}

async fn ensure_deployment(shared: &Shared, pooler: &Pooler) -> Result<(), Error> {
    let api: Api<Deployment> = Api::namespaced(shared.client.clone(), &pooler.namespace);
    let replicas = pooler.spec.instances.unwrap_or(1);
    let template = template(pooler);
    let hash = short_hash(&json!([template, replicas]));
    match api.get_opt(&pooler.name).await? {
        None => create(
            &api,
            json!({
                "metadata": {
                    "name": pooler.name, "namespace": pooler.namespace,
                    "labels": services::pooler_labels(pooler),
                    "annotations": { STAND_IN: STAND_IN_SAYS, "cnpg.io/poolerSpecHash": hash },
                    "ownerReferences": pooler.owner_reference(),
                },
                "spec": {
                    "replicas": replicas,
                    "selector": { "matchLabels": { label::POOLER: pooler.name } },
                    "template": template,
                },
            }),
        )
        .await
        .map(drop),
        Some(deployment)
            if deployment.annotations().get("cnpg.io/poolerSpecHash") != Some(&hash) =>
        {
            merge(
                &api,
                &pooler.name,
                json!({
                    "metadata": { "annotations": { "cnpg.io/poolerSpecHash": hash } },
                    "spec": { "replicas": replicas, "template": template },
                }),
            )
            .await
            .map(drop)
        }
        Some(_) => Ok(()),
    }
}

fn template(pooler: &Pooler) -> Value {
    let mut metadata = json!({ "labels": services::pooler_labels(pooler), "annotations": { STAND_IN: STAND_IN_SAYS } });
    for part in ["labels", "annotations"] {
        let extra = pooler.spec.template["metadata"][part].as_object().cloned();
        if let Some(target) = metadata[part].as_object_mut() {
            target.extend(extra.into_iter().flatten());
        }
    }
    json!({
        "metadata": metadata,
        "spec": {
            "serviceAccountName": pooler.name,
            "containers": [{
                "name": "pgbouncer",
                "image": pooler.image(),
                "imagePullPolicy": "IfNotPresent",
                "command": ["/controller/manager", "pgbouncer", "run"],
                "ports": [{ "name": "pgbouncer", "containerPort": PORT, "protocol": "TCP" }],
                "readinessProbe": { "tcpSocket": { "port": PORT }, "timeoutSeconds": 5 },
            }],
        },
    })
}

/// Ten hexadecimal digits that say whether something changed.
pub(super) fn short_hash(value: &Value) -> String {
    let digest = Sha256::digest(value.to_string());
    let number = digest
        .iter()
        .take(5)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:010x}")
}
