//! The namespace that the reviews are decided in: a live database `orders` of team payments, and
//! `archive`, whose deletion has come to its last step.

use daap_crds::admission::{Answer, Caller, Facts, Operation, Resource, Unanswered, Write, mutate};
use daap_crds::contract::{cnpg, label};
use daap_crds::desired::Desired;
use daap_crds::names::{DatabaseId, DatabaseName, Team};
use daap_crds::object::View;
use daap_crds::policy::{Policy, PoolMode};
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::objects::{cluster_status, defaulted, merge, pooler_status, store};

pub(super) const NAMESPACE: &str = "apps";
pub(super) const OWNER: &str = "payments-dev";
pub(super) const STRANGER: &str = "billing-dev";
const ORDERS_UID: &str = "0b3b1c7a-5f0e-4a86-9d53-2e4c8a3b7d11";
const ARCHIVE_UID: &str = "5a0c7f3e-3c0b-47b0-8f0e-94a1d7b8c922";

/// What exists.
pub(super) struct World {
    pub(super) orders: Value,
    pub(super) archive: Value,
    pub(super) pooler: Value,
    tombstone: Value,
}

pub(super) fn desired(name: &str, id: &str) -> anyhow::Result<Desired> {
    Ok(Desired {
        name: DatabaseName::parse(name)?,
        namespace: NAMESPACE.into(),
        team: Team::parse("payments")?,
        purpose: Purpose::parse("order intake of the shop, with its baskets")?,
        id: DatabaseId::parse(id)?,
        instances: 1,
        storage: Size::parse("10Gi")?,
        storage_class: Some("standard".into()),
        image: None,
        pool_mode: PoolMode::Transaction,
        pool_instances: 1,
        change_reason: Some("SHOP-4711: the new shop".into()),
    })
}

/// What the mutating half makes of a Cluster.
pub(super) fn mutated(old: Option<&Value>, object: &Value, at: Timestamp) -> Value {
    let operation = if old.is_some() {
        Operation::Update
    } else {
        Operation::Create
    };
    let write = Write {
        resource: Resource::Cluster,
        operation,
        namespace: NAMESPACE.into(),
        request_name: String::new(),
        object: Some(object.clone()),
        old: old.cloned(),
        caller: Caller {
            user: OWNER.into(),
            ..Caller::default()
        },
        at,
    };
    let mut facts = Facts::default();
    loop {
        match mutate(&write, &Policy::default(), &facts) {
            Ok(mutation) => return mutation.object,
            Err(Unanswered(questions)) => {
                for question in questions {
                    facts.learn(question, Answer::Object(None));
                }
            }
        }
    }
}

fn stored(desired: &Desired, uid: &str, created: Timestamp) -> Value {
    let mut cluster = mutated(None, &desired.cluster(), created);
    defaulted(&mut cluster);
    // Some versions, as a database has that lives.
    let changes = [
        json!({"metadata": {"annotations": {"daap.dev/change-reason": "SHOP-4802: christmas"}}, "spec": {"instances": 2}}),
        json!({"metadata": {"annotations": {"daap.dev/change-reason": "SHOP-4901: christmas is over"}}, "spec": {"instances": 1}}),
    ];
    for (change, hours) in changes.iter().zip([100, 400]) {
        let mut next = cluster.clone();
        merge(&mut next, change);
        let later = jiff::SignedDuration::from_hours(hours);
        cluster = mutated(
            Some(&cluster),
            &next,
            created.checked_add(later).unwrap_or(created),
        );
    }
    store(&mut cluster, uid, cluster_status(&desired.name.cluster()));
    cluster
}

impl World {
    pub(super) fn make() -> anyhow::Result<Self> {
        let created: Timestamp = "2026-01-01T00:00:00Z".parse()?;
        let orders = desired("orders", "67e55044-10b1-426f-9247-bb680e5fe0c8")?;
        let archive = desired("archive", "1b4e28ba-2fa1-4d2a-8f3c-b9a1f0f5c0de")?;
        let mut pooler = orders.pooler(ORDERS_UID);
        store(
            &mut pooler,
            "9d1f6c55-3f0c-4d2e-8b1b-0f0a2f8c6e44",
            pooler_status(),
        );
        let archived = stored(&archive, ARCHIVE_UID, created);
        let deletion = Deletion {
            by: OWNER,
            reason: None,
            at: "2026-02-01T00:00:00Z".parse()?,
            retention_days: 30,
        };
        let mut tombstone = Tombstone::of(View(&archived), None, deletion);
        tombstone.stage = Stage::Detached;
        tombstone.retained.volumes = vec!["daap-archive-1".into()];
        let tombstone = tombstone.config_map(View(&archived), &archive.name, &archive.id, deletion);
        Ok(Self {
            orders: stored(&orders, ORDERS_UID, created),
            archive: archived,
            pooler,
            tombstone,
        })
    }

    /// Who may what, and what exists: the form that `daap-webhook review --facts` reads.
    pub(super) fn facts(&self) -> Value {
        let mut objects = vec![
            self.orders.clone(),
            self.archive.clone(),
            self.pooler.clone(),
            self.tombstone.clone(),
        ];
        for (database, owner) in [("orders", Some(ORDERS_UID)), ("archive", None)] {
            let cluster = format!("daap-{database}");
            objects.push(volume(&cluster, database, owner));
            objects.extend(cnpg::TRUSTED_SECRETS.map(|suffix| {
                json!({"apiVersion": "v1", "kind": "Secret",
                    "metadata": {"name": format!("{cluster}-{suffix}"), "namespace": NAMESPACE}})
            }));
        }
        json!({
            "grants": [{"user": OWNER, "teams": ["payments"]}, {"user": STRANGER, "teams": ["billing"]}],
            "objects": objects,
        })
    }
}

fn volume(cluster: &str, database: &str, owner: Option<&str>) -> Value {
    let owners = owner.map(|uid| json!({"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "name": cluster, "uid": uid, "controller": true}));
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": format!("{cluster}-1"), "namespace": NAMESPACE,
            "labels": {label::NAME: database, label::OWNER_TEAM: "payments", cnpg::CLUSTER: cluster},
            "ownerReferences": owners.into_iter().collect::<Vec<Value>>(),
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    })
}
