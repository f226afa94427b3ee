//! Pods and Jobs as the operator makes them: which image, which claim, which labels.

use serde_json::{Value, json};

use super::{
    contract::{PORT, annotation, label},
    resources::{Cluster, Storage},
};

/// What the operator calls the role of a claim for WAL.
pub(super) const WAL: &str = "PG_WAL";

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

/// The claims of a new instance: for its data, and for its WAL where that is wanted apart.
pub(super) fn claims(cluster: &Cluster, instance: &str, serial: usize) -> Vec<Value> {
    let claim = |name: &str, role: &str, storage: &Storage| {
        let labels = json!({
            "app.kubernetes.io/component": "database",
            "app.kubernetes.io/managed-by": "cloudnative-pg",
            "app.kubernetes.io/name": "postgresql",
            label::CLUSTER: cluster.name,
            label::INSTANCE: instance,
            label::CLAIM_ROLE: role,
        });
        let mut metadata = cluster.metadata(name, &labels);
        metadata["annotations"][annotation::SERIAL] = serial.to_string().into();
        metadata["annotations"][annotation::VOLUME_STATUS] = "initializing".into();
        let mut spec = json!({
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": storage.size.as_deref().unwrap_or("1Gi") } },
        });
        if let Some(class) = &storage.storage_class {
            spec["storageClassName"] = class.as_str().into();
        }
        json!({ "metadata": metadata, "spec": spec })
    };
    let wal = cluster.spec.wal_storage.as_ref();
    let wal = wal.map(|storage| claim(&wal_claim(instance), WAL, storage));
    let data = claim(instance, "PG_DATA", &cluster.spec.storage);
    [data].into_iter().chain(wal).collect()
}

/// Name of the claim for the WAL of an instance.
fn wal_claim(instance: &str) -> String {
    format!("{instance}-wal")
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
    let volume = |name, claim: &str| json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } });
    let mut volumes = vec![volume("pgdata", claim)];
    let mut mounts = vec![json!({ "name": "pgdata", "mountPath": "/var/lib/postgresql/data" })];
    if cluster.spec.wal_storage.is_some() {
        volumes.push(volume("pg-wal", &wal_claim(claim)));
        mounts.push(json!({ "name": "pg-wal", "mountPath": "/var/lib/postgresql/wal" }));
    }
    json!({
        "serviceAccountName": cluster.name,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 1800,
        "volumes": volumes,
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
            "volumeMounts": mounts,
        }],
    })
}
