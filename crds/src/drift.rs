//! Where a database is not what its record says: changed behind the back of admission.
//!
//! Every admitted change of a tracked field is a version, so that the last version says what the
//! Cluster should be. All else that is compared follows from the record.

use serde_json::{Value, json};

use crate::contract::{annotation, label};
use crate::desired::{complete_cluster, owner_reference};
use crate::history::{History, Tracked};
use crate::names::DatabaseName;
use crate::object::{View, map_at, set_annotation, set_label};

/// A field that is not what the record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// As in `spec.instances`; of the Pooler as in `pooler spec.type`.
    pub field: String,
    /// What the record says, as JSON.
    pub recorded: String,
    /// What is there, as JSON.
    pub found: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} is {}, the record says {}",
            self.field, self.found, self.recorded
        )
    }
}

const CLUSTER_FIELDS: [(&str, &str); 7] = [
    (
        "metadata.labels[daap.dev/owner-team]",
        "/metadata/labels/daap.dev~1owner-team",
    ),
    (
        "metadata.annotations[daap.dev/purpose]",
        "/metadata/annotations/daap.dev~1purpose",
    ),
    ("metadata.ownerReferences", "/metadata/ownerReferences"),
    ("spec.instances", "/spec/instances"),
    ("spec.storage.size", "/spec/storage/size"),
    ("spec.inheritedMetadata", "/spec/inheritedMetadata"),
    (
        "spec.certificates.serverAltDNSNames",
        "/spec/certificates/serverAltDNSNames",
    ),
];

const POOLER_FIELDS: [(&str, &str); 6] = [
    (
        "pooler metadata.labels[daap.dev/name]",
        "/metadata/labels/daap.dev~1name",
    ),
    (
        "pooler metadata.labels[daap.dev/owner-team]",
        "/metadata/labels/daap.dev~1owner-team",
    ),
    (
        "pooler metadata.labels[daap.dev/id]",
        "/metadata/labels/daap.dev~1id",
    ),
    (
        "pooler metadata.ownerReferences",
        "/metadata/ownerReferences",
    ),
    ("pooler spec.cluster.name", "/spec/cluster/name"),
    ("pooler spec.type", "/spec/type"),
];

/// What of a Pooler is compared.
const POOLER_COMPARED: [(&str, &str); 4] = [
    ("metadata", "labels"),
    ("metadata", "ownerReferences"),
    ("spec", "cluster"),
    ("spec", "type"),
];

/// The Cluster as its record says it should be; none where it has no record to go by.
#[must_use]
pub fn recorded_cluster(cluster: View<'_>) -> Option<Value> {
    recorded_in(cluster.0.clone(), cluster)
}

/// Makes `part` of a Cluster what the record says.
fn recorded_in(mut part: Value, cluster: View<'_>) -> Option<Value> {
    let name = DatabaseName::parse(cluster.label(label::NAME)?).ok()?;
    let history = History::parse(cluster.annotation(annotation::HISTORY)?).ok()?;
    if history.version() == 0 {
        return None;
    }
    let record = history.current();
    if record != Tracked::of(cluster) {
        set_label(&mut part, label::OWNER_TEAM, record.owner_team);
        set_annotation(&mut part, annotation::PURPOSE, record.purpose);
        map_at(&mut part, &["spec"]).insert("instances".into(), record.instances.into());
        map_at(&mut part, &["spec", "storage"]).insert("size".into(), record.storage.into());
    }
    map_at(&mut part, &["metadata"]).remove("ownerReferences");
    complete_cluster(&mut part, &name, cluster.namespace());
    Some(part)
}

/// The same, of no more than is compared: a list compares every Cluster, and most of one is something
/// else.
fn recorded_fields(cluster: View<'_>) -> Option<Value> {
    const COMPARED: [(&str, &str); 7] = [
        ("metadata", "name"),
        ("metadata", "uid"),
        ("metadata", "labels"),
        ("spec", "instances"),
        ("spec", "storage"),
        ("spec", "inheritedMetadata"),
        ("spec", "certificates"),
    ];
    let mut part = copied(cluster, &COMPARED);
    if let Some(purpose) = cluster.annotation(annotation::PURPOSE) {
        set_annotation(&mut part, annotation::PURPOSE, purpose);
    }
    recorded_in(part, cluster)
}

/// These fields of these sections.
fn copied(object: View<'_>, fields: &[(&str, &str)]) -> Value {
    let mut part = json!({});
    for (section, key) in fields {
        if let Some(value) = object.0.get(section).and_then(|fields| fields.get(key)) {
            map_at(&mut part, &[section]).insert((*key).to_owned(), value.clone());
        }
    }
    part
}

/// The Pooler as the record of its Cluster says it should be.
#[must_use]
pub fn recorded_pooler(cluster: View<'_>, pooler: View<'_>) -> Value {
    recorded_pooler_in(pooler.0.clone(), cluster, pooler)
}

/// Makes `recorded`, a part of the Pooler, what the record says.
fn recorded_pooler_in(mut recorded: Value, cluster: View<'_>, pooler: View<'_>) -> Value {
    for key in label::RECORD {
        if let Some(value) = cluster.label(key) {
            set_label(&mut recorded, key, value);
        }
    }
    if !pooler.is_owned_by(cluster.uid()) || pooler.owner_references().len() > 1 {
        map_at(&mut recorded, &["metadata"]).insert(
            "ownerReferences".into(),
            json!([owner_reference(cluster.name(), cluster.uid())]),
        );
    }
    let spec = map_at(&mut recorded, &["spec"]);
    spec.insert("type".into(), "rw".into());
    map_at(&mut recorded, &["spec", "cluster"]).insert("name".into(), cluster.name().into());
    recorded
}

/// What of the Cluster is not as recorded.
#[must_use]
pub fn of_cluster(cluster: View<'_>) -> Vec<Difference> {
    of_database(cluster, None).0
}

/// What of the Cluster, and what of its Pooler, is not as the Cluster's record says; nothing where it
/// has none.
#[must_use]
pub fn of_database(
    cluster: View<'_>,
    pooler: Option<View<'_>>,
) -> (Vec<Difference>, Vec<Difference>) {
    let Some(record) = recorded_fields(cluster) else {
        return (Vec::new(), Vec::new());
    };
    let of_pooler = pooler.map_or_else(Vec::new, |pooler| {
        let part = copied(pooler, &POOLER_COMPARED);
        let recorded = recorded_pooler_in(part, View(&record), pooler);
        differences(&POOLER_FIELDS, pooler, View(&recorded))
    });
    let of_cluster = differences(&CLUSTER_FIELDS, cluster, View(&record));
    (of_cluster, of_pooler)
}

fn differences(fields: &[(&str, &str)], found: View<'_>, recorded: View<'_>) -> Vec<Difference> {
    let shown = |value: Option<&Value>| match value {
        None => "missing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    fields
        .iter()
        .filter(|(_, pointer)| found.at(pointer) != recorded.at(pointer))
        .map(|(field, pointer)| Difference {
            field: (*field).to_owned(),
            recorded: shown(recorded.at(pointer)),
            found: shown(found.at(pointer)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::orders;
    use crate::history::Action;

    fn cluster() -> Value {
        let mut cluster = orders().cluster();
        cluster["metadata"]["uid"] = "uid".into();
        let history = History::default().with(
            Action::Created,
            "2026-11-21T08:00:00Z".parse().unwrap(),
            "ada",
            None,
            &Tracked::of(View(&cluster)),
        );
        set_annotation(&mut cluster, annotation::HISTORY, history.to_annotation());
        cluster
    }

    fn found(cluster: &Value) -> Vec<String> {
        let found = of_cluster(View(cluster));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_admitted_has_not_drifted() {
        let cluster = cluster();
        assert_eq!(of_cluster(View(&cluster)), []);
        let pooler = orders().pooler("uid");
        let both = of_database(View(&cluster), Some(View(&pooler)));
        assert_eq!(both, (vec![], vec![]));
    }

    #[test]
    fn a_change_behind_the_back_of_admission_is_named() {
        let mut drifted = cluster();
        drifted["spec"]["instances"] = 5.into();
        drifted["metadata"]["ownerReferences"] = json!([{"uid": "bogus"}]);
        assert_eq!(
            found(&drifted),
            [
                r#"metadata.ownerReferences is [{"uid":"bogus"}], the record says missing"#,
                "spec.instances is 5, the record says 1"
            ]
        );
        let recorded = recorded_cluster(View(&drifted)).unwrap();
        assert_eq!(recorded, cluster());
    }

    #[test]
    fn a_pooler_is_its_clusters() {
        let cluster = cluster();
        let mut pooler = orders().pooler("another");
        set_label(&mut pooler, label::OWNER_TEAM, "billing");
        let found: Vec<String> = of_database(View(&cluster), Some(View(&pooler)))
            .1
            .into_iter()
            .map(|difference| difference.field)
            .collect();
        assert_eq!(
            found,
            [
                "pooler metadata.labels[daap.dev/owner-team]",
                "pooler metadata.ownerReferences"
            ]
        );
        assert_eq!(
            recorded_pooler(View(&cluster), View(&pooler)),
            orders().pooler("uid")
        );
    }

    #[test]
    fn nothing_is_said_of_a_cluster_without_a_history() {
        assert_eq!(of_cluster(View(&orders().cluster())), []);
    }
}
