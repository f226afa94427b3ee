//! Pods and Jobs as the operator makes them: which image, which claim, which labels.

use serde_json::{Value, json};

use super::{
    contract::{PORT, annotation, label},
    resources::Cluster,
};

/// Which role an instance has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Primary,
    Replica,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

/// How the volume of a new instance is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filling {
    /// The first: by `initdb`.
    Initdb,
    /// A replica: by a copy of the primary.
    Join,
}

impl Filling {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Initdb => "initdb",
            Self::Join => "join",
        }
    }
}

/// The pod of an instance.
pub(super) fn instance(cluster: &Cluster, name: &str, serial: &str, role: Role) -> Value {
    let mut labels = common_labels(cluster, name);
    labels[label::INSTANCE_ROLE] = role.name().into();
    labels["role"] = role.name().into();
    labels[label::POD_ROLE] = "instance".into();
    let mut metadata = cluster.metadata(name, &labels);
    metadata["annotations"][annotation::SERIAL] = serial.into();
    metadata["ownerReferences"][0]["blockOwnerDeletion"] = true.into();
    json!({
        "metadata": metadata,
        "spec": pod_spec(cluster, name, "postgres", &["/controller/manager", "instance", "run"]),
    })
}

/// The Job that fills the volume of a new instance.
pub(super) fn job(cluster: &Cluster, instance: &str, filling: Filling) -> Value {
    let mut labels = common_labels(cluster, instance);
    labels[label::JOB_ROLE] = filling.name().into();
    let mut metadata = cluster.metadata(&format!("{instance}-{}", filling.name()), &labels);
    metadata["ownerReferences"][0]["blockOwnerDeletion"] = true.into();
    let mut spec = pod_spec(
        cluster,
        instance,
        filling.name(),
        &["/controller/manager", "instance", filling.name()],
    );
    spec["restartPolicy"] = "Never".into();
    let template = json!({ "labels": metadata["labels"], "annotations": metadata["annotations"] });
    json!({
        "metadata": metadata,
        "spec": { "template": { "metadata": template, "spec": spec } },
    })
}

/// The claim of a new instance.
pub(super) fn claim(cluster: &Cluster, name: &str, serial: usize) -> Value {
    let labels = json!({
        "app.kubernetes.io/component": "database",
        "app.kubernetes.io/managed-by": "cloudnative-pg",
        "app.kubernetes.io/name": "postgresql",
        label::CLUSTER: cluster.name,
        label::INSTANCE: name,
        "cnpg.io/pvcRole": "PG_DATA",
    });
    let mut metadata = cluster.metadata(name, &labels);
    metadata["annotations"][annotation::SERIAL] = serial.to_string().into();
    metadata["annotations"][annotation::VOLUME_STATUS] = "initializing".into();
    let storage = &cluster.spec.storage;
    let mut spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "resources": { "requests": { "storage": storage.size.as_deref().unwrap_or("1Gi") } },
    });
    if let Some(class) = &storage.storage_class {
        spec["storageClassName"] = class.as_str().into();
    }
    json!({ "metadata": metadata, "spec": spec })
}

fn common_labels(cluster: &Cluster, instance: &str) -> Value {
    json!({
        "app.kubernetes.io/component": "database",
        "app.kubernetes.io/instance": cluster.name,
        "app.kubernetes.io/managed-by": "cloudnative-pg",
        "app.kubernetes.io/name": "postgresql",
        "app.kubernetes.io/version": cluster.major().to_string(),
        label::CLUSTER: cluster.name,
        label::INSTANCE: instance,
    })
}

fn pod_spec(cluster: &Cluster, claim: &str, container: &str, command: &[&str]) -> Value {
    json!({
        "serviceAccountName": cluster.name,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 1800,
        "volumes": [{ "name": "pgdata", "persistentVolumeClaim": { "claimName": claim } }],
        "containers": [{
            "name": container,
            "image": cluster.image(),
            "imagePullPolicy": "IfNotPresent",
            "command": command,
            "env": [
                { "name": "PGDATA", "value": "/var/lib/postgresql/data/pgdata" },
                { "name": "POD_NAME", "value": claim },
                { "name": "NAMESPACE", "value": cluster.namespace },
                { "name": "CLUSTER_NAME", "value": cluster.name },
            ],
            "ports": [{ "name": "postgresql", "containerPort": PORT, "protocol": "TCP" }],
            "resources": cluster.spec.resources.as_object().cloned().unwrap_or_default(),
            "volumeMounts": [{ "name": "pgdata", "mountPath": "/var/lib/postgresql/data" }],
        }],
    })
}
