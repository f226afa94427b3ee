//! Clusters and Poolers as the operator reads them.

use std::collections::BTreeMap;

use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    contract::{
        DEFAULT_IMAGE, DEFAULT_POOLER_IMAGE, OPERATOR_VERSION, STAND_IN, STAND_IN_SAYS, annotation,
    },
    error::Error,
    objects::extend,
};

/// The type Cluster.
pub(super) fn cluster_type() -> ApiResource {
    let kind = GroupVersionKind::gvk("postgresql.cnpg.io", "v1", "Cluster");
    ApiResource::from_gvk_with_plural(&kind, "clusters")
}

/// The type Pooler.
pub(super) fn pooler_type() -> ApiResource {
    let kind = GroupVersionKind::gvk("postgresql.cnpg.io", "v1", "Pooler");
    ApiResource::from_gvk_with_plural(&kind, "poolers")
}

/// A Cluster.
pub(super) struct Cluster {
    pub(super) object: DynamicObject,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) spec: ClusterSpec,
}

/// What the stand-in heeds of a Cluster's spec; what is unset gets the operator's defaults.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ClusterSpec {
    pub(super) instances: Option<i64>,
    pub(super) image_name: Option<String>,
    pub(super) storage: Storage,
    pub(super) wal_storage: Option<Storage>,
    pub(super) bootstrap: Bootstrap,
    pub(super) certificates: Certificates,
    pub(super) inherited_metadata: Inherited,
    pub(super) postgresql: Postgresql,
    pub(super) resources: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Storage {
    pub(super) size: Option<String>,
    pub(super) storage_class: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Bootstrap {
    pub(super) initdb: Initdb,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Initdb {
    pub(super) database: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) locale_collate: Option<String>,
    #[serde(rename = "localeCType")]
    pub(super) locale_ctype: Option<String>,
    pub(super) data_checksums: Option<bool>,
    #[serde(rename = "postInitSQL")]
    pub(super) post_init_sql: Vec<String>,
    #[serde(rename = "postInitApplicationSQL")]
    pub(super) post_init_application_sql: Vec<String>,
    pub(super) secret: Option<NamedReference>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Certificates {
    #[serde(rename = "serverAltDNSNames")]
    pub(super) server_alt_dns_names: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Inherited {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Postgresql {
    pub(super) parameters: BTreeMap<String, String>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct NamedReference {
    pub(super) name: String,
}

impl Cluster {
    /// Reads a Cluster.
    pub(super) fn parse(object: DynamicObject) -> Result<Self, Error> {
        let spec = object.data.get("spec").cloned().unwrap_or_default();
        Ok(Self {
            name: object.name_any(),
            namespace: object.namespace().unwrap_or_default(),
            uid: object.uid().unwrap_or_default(),
            spec: serde_json::from_value(spec)?,
            object,
        })
    }

    /// How many instances are wanted.
    pub(super) fn instances(&self) -> usize {
        self.spec
            .instances
            .and_then(|n| n.try_into().ok())
            .unwrap_or(1)
    }

    /// The image, the operator's default when none is named.
    pub(super) fn image(&self) -> &str {
        self.spec.image_name.as_deref().unwrap_or(DEFAULT_IMAGE)
    }

    /// `PostgreSQL`'s major version, which the operator reads from the image's tag.
    pub(super) fn major(&self) -> u64 {
        let tag = self.image().rsplit(':').next().unwrap_or_default();
        let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(17)
    }

    /// The database that is made at the start.
    pub(super) fn database(&self) -> &str {
        self.spec
            .bootstrap
            .initdb
            .database
            .as_deref()
            .unwrap_or("app")
    }

    /// The role that owns it.
    pub(super) fn owner(&self) -> &str {
        self.spec
            .bootstrap
            .initdb
            .owner
            .as_deref()
            .unwrap_or_else(|| self.database())
    }

    /// Name of the Secret with the owner's password.
    pub(super) fn app_secret(&self) -> String {
        match &self.spec.bootstrap.initdb.secret {
            Some(named) if !named.name.is_empty() => named.name.clone(),
            _ => format!("{}-app", self.name),
        }
    }

    /// The value of an annotation, empty when there is none.
    pub(super) fn annotation(&self, key: &str) -> &str {
        self.object
            .annotations()
            .get(key)
            .map_or("", String::as_str)
    }

    /// Whether an instance is fenced, alone or with all.
    pub(super) fn is_fenced(&self, instance: &str) -> bool {
        let fenced: Vec<String> =
            serde_json::from_str(self.annotation(annotation::FENCED)).unwrap_or_default();
        fenced.iter().any(|name| name == "*" || name == instance)
    }

    /// The reference that makes the garbage collector take an object along with the Cluster.
    pub(super) fn owner_reference(&self) -> Value {
        json!([{
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "controller": true,
            "name": self.name, "uid": self.uid,
        }])
    }

    /// Labels and annotations that the operator puts on what it makes, the inherited ones included.
    pub(super) fn metadata(&self, name: &str, labels: &Value) -> Value {
        let mut metadata = json!({
            "name": name,
            "namespace": self.namespace,
            "labels": labels,
            "annotations": { STAND_IN: STAND_IN_SAYS, annotation::VERSION: OPERATOR_VERSION },
            "ownerReferences": self.owner_reference(),
        });
        extend(
            &mut metadata["labels"],
            &self.spec.inherited_metadata.labels,
        );
        extend(
            &mut metadata["annotations"],
            &self.spec.inherited_metadata.annotations,
        );
        metadata
    }
}

/// A Pooler.
pub(super) struct Pooler {
    pub(super) object: DynamicObject,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) uid: String,
    pub(super) spec: PoolerSpec,
}

/// What the stand-in heeds of a Pooler's spec.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PoolerSpec {
    pub(super) cluster: NamedReference,
    pub(super) instances: Option<i64>,
    #[serde(rename = "type")]
    pub(super) type_: Option<String>,
    pub(super) pgbouncer: PgBouncer,
    pub(super) template: Value,
    pub(super) service_template: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PgBouncer {
    pub(super) pool_mode: Option<String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) paused: bool,
}

impl Pooler {
    /// Reads a Pooler.
    pub(super) fn parse(object: DynamicObject) -> Result<Self, Error> {
        let spec = object.data.get("spec").cloned().unwrap_or_default();
        Ok(Self {
            name: object.name_any(),
            namespace: object.namespace().unwrap_or_default(),
            uid: object.uid().unwrap_or_default(),
            spec: serde_json::from_value(spec)?,
            object,
        })
    }

    /// The image of the container `pgbouncer`, the operator's default when none is named.
    pub(super) fn image(&self) -> &str {
        self.spec.template["spec"]["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|container| container["name"] == "pgbouncer")
            .and_then(|container| container["image"].as_str())
            .unwrap_or(DEFAULT_POOLER_IMAGE)
    }

    /// The Service of the Cluster that connections go to.
    pub(super) fn target_service(&self) -> String {
        let suffix = self.spec.type_.as_deref().unwrap_or("rw");
        format!("{}-{suffix}", self.spec.cluster.name)
    }

    /// The reference that makes the garbage collector take an object along with the Pooler.
    pub(super) fn owner_reference(&self) -> Value {
        json!([{
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler", "controller": true,
            "blockOwnerDeletion": true, "name": self.name, "uid": self.uid,
        }])
    }
}

/// Clusters of a namespace.
pub(super) fn clusters(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &cluster_type())
}

/// Poolers of a namespace.
pub(super) fn poolers(client: &Client, namespace: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), namespace, &pooler_type())
}
