//! The Cluster and the Pooler that a database is made of, written out in full.

use serde_json::{Value, json};

use crate::contract::{annotation, label};
use crate::names::{DatabaseId, DatabaseName, Team};
use crate::object::{map_at, set_annotation, set_label};
use crate::policy::PoolMode;
use crate::purpose::Purpose;
use crate::size::Size;

/// What a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// Logical name.
    pub name: DatabaseName,
    /// Namespace.
    pub namespace: String,
    /// The team that owns it.
    pub team: Team,
    /// What it is for.
    pub purpose: Purpose,
    /// Its id.
    pub id: DatabaseId,
    /// PostgreSQL instances.
    pub instances: u32,
    /// Size of each instance's volume.
    pub storage: Size,
    /// `StorageClass`; the cluster's default one where none is named.
    pub storage_class: Option<String>,
    /// Image of PostgreSQL; the policy's where none is named.
    pub image: Option<String>,
    /// How `PgBouncer` hands out connections.
    pub pool_mode: PoolMode,
    /// `PgBouncer` instances.
    pub pool_instances: u32,
    /// Why it is created.
    pub change_reason: Option<String>,
}

impl Desired {
    /// As little as a database can be: one instance, one gibibyte, and of all else what is usual.
    #[must_use]
    pub fn smallest(
        name: DatabaseName,
        namespace: &str,
        team: Team,
        purpose: Purpose,
        id: DatabaseId,
    ) -> Self {
        Self {
            name,
            namespace: namespace.to_owned(),
            team,
            purpose,
            id,
            instances: 1,
            storage: Size::gibibyte(),
            storage_class: None,
            image: None,
            pool_mode: PoolMode::Transaction,
            pool_instances: 1,
            change_reason: None,
        }
    }

    /// The Cluster. Instances and storage are written out: a CRD default would look to the webhook
    /// as if the user had set it.
    #[must_use]
    pub fn cluster(&self) -> Value {
        let mut cluster = json!({
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Cluster",
            "metadata": {"name": self.name.cluster(), "namespace": self.namespace},
            "spec": {
                "instances": self.instances,
                "storage": {"size": self.storage.as_str()},
            },
        });
        self.label(&mut cluster);
        set_annotation(&mut cluster, annotation::PURPOSE, self.purpose.as_str());
        if let Some(reason) = &self.change_reason {
            set_annotation(&mut cluster, annotation::CHANGE_REASON, reason);
        }
        let spec = map_at(&mut cluster, &["spec"]);
        if let Some(image) = &self.image {
            spec.insert("imageName".into(), image.as_str().into());
        }
        if let Some(class) = &self.storage_class {
            map_at(&mut cluster, &["spec", "storage"])
                .insert("storageClass".into(), class.as_str().into());
        }
        complete_cluster(&mut cluster, &self.name, &self.namespace);
        cluster
    }

    /// The Pooler. It belongs to the Cluster with `cluster_uid`: CNPG leaves Poolers behind that
    /// have no owner.
    #[must_use]
    pub fn pooler(&self, cluster_uid: &str) -> Value {
        let mut pooler = json!({
            "apiVersion": "postgresql.cnpg.io/v1",
            "kind": "Pooler",
            "metadata": {
                "name": self.name.pooler(),
                "namespace": self.namespace,
                "ownerReferences": [owner_reference(&self.name.cluster(), cluster_uid)],
            },
            "spec": {
                "cluster": {"name": self.name.cluster()},
                "instances": self.pool_instances,
                "type": "rw",
                "pgbouncer": {"poolMode": self.pool_mode.as_str()},
            },
        });
        self.label(&mut pooler);
        pooler
    }

    fn label(&self, object: &mut Value) {
        set_label(object, label::NAME, self.name.as_str());
        set_label(object, label::OWNER_TEAM, self.team.as_str());
        set_label(object, label::ID, self.id.to_string());
        set_label(object, label::MANAGED_BY, label::MANAGED_BY_VALUE);
    }
}

/// The reference by which a Pooler belongs to its Cluster. A plain one, no controller: the garbage
/// collector removes the Pooler with the Cluster, and nothing waits for it.
#[must_use]
pub fn owner_reference(cluster: &str, uid: &str) -> Value {
    json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "name": cluster,
        "uid": uid,
    })
}

/// Sets what follows from the record: `spec.inheritedMetadata` carries its labels to pods, volumes
/// and the app Secret, and the server certificate has the Pooler's names (CNPG's own do not
/// include them, and `sslmode=verify-full` would fail).
pub fn complete_cluster(cluster: &mut Value, name: &DatabaseName, namespace: &str) {
    let record: Vec<(String, Value)> = label::RECORD
        .iter()
        .filter_map(|key| {
            let value = crate::object::View(cluster).label(key)?;
            Some(((*key).to_owned(), value.into()))
        })
        .collect();
    let inherited = map_at(cluster, &["spec", "inheritedMetadata", "labels"]);
    inherited.retain(|key, _| !key.starts_with(crate::contract::PREFIX));
    inherited.extend(record);
    let certificates = map_at(cluster, &["spec", "certificates"]);
    let names = certificates
        .entry("serverAltDNSNames")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(names) = names {
        for pooler_name in name.pooler_dns_names(namespace) {
            let pooler_name = Value::String(pooler_name);
            if !names.contains(&pooler_name) {
                names.push(pooler_name);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::object::View;

    pub(crate) fn orders() -> Desired {
        Desired {
            name: DatabaseName::parse("orders").unwrap(),
            namespace: "apps".into(),
            team: Team::parse("payments").unwrap(),
            purpose: Purpose::parse("order intake").unwrap(),
            id: DatabaseId::parse("67e55044-10b1-426f-9247-bb680e5fe0c8").unwrap(),
            instances: 1,
            storage: Size::parse("1Gi").unwrap(),
            storage_class: Some("standard".into()),
            image: Some("registry.example/postgresql:17.6".into()),
            pool_mode: PoolMode::Transaction,
            pool_instances: 1,
            change_reason: Some("new shop".into()),
        }
    }

    #[test]
    fn a_cluster_passes_its_record_on_and_serves_the_poolers_names() {
        let cluster = orders().cluster();
        let spec = &cluster["spec"];
        assert_eq!(
            spec["inheritedMetadata"]["labels"]["daap.dev/owner-team"],
            "payments"
        );
        assert_eq!(
            spec["certificates"]["serverAltDNSNames"][3],
            "daap-orders-pooler.apps.svc.cluster.local"
        );
        assert_eq!(spec["storage"]["storageClass"], "standard");
        let mut again = cluster.clone();
        complete_cluster(&mut again, &orders().name, "apps");
        assert_eq!(again, cluster);
    }

    #[test]
    fn a_pooler_belongs_to_its_cluster() {
        let pooler = orders().pooler("some-uid");
        assert!(View(&pooler).is_owned_by("some-uid"));
        assert_eq!(pooler["spec"]["pgbouncer"]["poolMode"], "transaction");
        assert_eq!(View(&pooler).label(label::NAME), Some("orders"));
    }
}
