//! What nobody else may change, and what no owner may break.

use std::collections::BTreeMap;

use daap_crds::contract::{annotation, label};
use daap_crds::history::{History, verify_object};
use daap_crds::names::DatabaseId;
use daap_crds::object::View;
use serde_json::{Map, Value, json};

use daap_tests::ground::Ground;
use daap_tests::ground::{ARCHIVE_ID, CLUSTERS, CONFIG_MAPS, Kind, ORDERS_ID, POOLERS};

/// What the two databases of team payments are, object by object.
pub(crate) async fn databases(ground: &Ground) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for kind in Kind::all() {
        for object in ground.list(kind).await {
            if is_theirs(kind, View(&object)) {
                let key = format!("{}/{}", kind.plural, View(&object).name());
                all.insert(key, essence(kind, &object));
            }
        }
    }
    all
}

/// What lies under their names.
const PLANTED: [&str; 4] = [
    "daap-orders-1",
    "daap-orders-app",
    "daap-archive-1",
    "daap-archive-app",
];

fn is_theirs(kind: Kind, object: View<'_>) -> bool {
    let ours = |name: &str| name.starts_with("daap-orders") || name.starts_with("daap-archive");
    let of_id = [ORDERS_ID, ARCHIVE_ID]
        .map(Some)
        .contains(&object.label(label::ID));
    let works_on = object.text("/spec/cluster/name").is_some_and(ours);
    if kind == CONFIG_MAPS {
        return object.label(label::DELETED).is_some() && (of_id || ours(object.name()));
    }
    if kind.core {
        // A volume of an id that nobody has is nobody's, whatever it is called.
        return of_id || PLANTED.contains(&object.name());
    }
    ours(object.name()) || of_id || works_on
}

fn essence(kind: Kind, object: &Value) -> Value {
    let mut essence = object.clone();
    let root = essence.as_object_mut().unwrap();
    if kind.core {
        // A volume's binding is nobody's secret.
        root.remove("status");
    }
    if kind.is_dependent() {
        root.remove("status");
    }
    let metadata = root["metadata"].as_object_mut().unwrap();
    for key in ["managedFields", "resourceVersion", "generation"] {
        metadata.remove(key);
    }
    if kind.is_dependent() {
        // The account of an instance sets one, to clean up.
        metadata.remove("finalizers");
    }
    if kind.core && kind != CONFIG_MAPS {
        for map in ["labels", "annotations"] {
            let kept = metadata.get(map).and_then(Value::as_object).map(steering);
            metadata.insert(map.into(), Value::Object(kept.unwrap_or_default()));
        }
    }
    essence
}

/// What says whose a volume or a Secret is; all else is free.
fn steering(map: &Map<String, Value>) -> Map<String, Value> {
    let ours = |key: &String| key.starts_with("daap.dev/") || key.contains("cnpg.io/");
    let kept = map.iter().filter(|(key, _)| ours(key));
    kept.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What differs, a line each.
pub(crate) fn differences(
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, object) in before {
        match after.get(key) {
            None => lines.push(format!("{key} is gone")),
            Some(now) if now != object => {
                let patch = json_patch::diff(object, now);
                lines.push(format!("{key} is not what it was: {}", json!(patch)));
            }
            Some(_) => {}
        }
    }
    let new = after.iter().filter(|(key, _)| !before.contains_key(*key));
    lines.extend(new.map(|(key, object)| format!("{key} is new: {object}")));
    lines
}

/// What is remembered of the databases that there were: their histories, by id, and ids, by uid.
#[derive(Default)]
pub(crate) struct Records {
    histories: BTreeMap<String, History>,
    ids: BTreeMap<String, String>,
}

impl Records {
    /// What is wrong with the records that are stored now, a line each.
    pub(crate) async fn check(&mut self, ground: &Ground) -> Vec<String> {
        let mut lines = Vec::new();
        let clusters = ground.list(CLUSTERS).await;
        let maps = ground.list(CONFIG_MAPS).await;
        let is_ours = |object: &&Value| View(object).name().starts_with("daap-");
        let is_tombstone = |object: &&Value| View(object).label(label::DELETED).is_some();
        let records = clusters
            .iter()
            .filter(is_ours)
            .chain(maps.iter().filter(is_tombstone));
        for object in records {
            lines.extend(self.record(View(object)));
        }
        for pooler in ground.list(POOLERS).await.iter().filter(is_ours) {
            let view = View(pooler);
            if view.label(label::ID).is_none() && view.name().ends_with("-pooler") {
                lines.push(format!("pooler {} has no id", view.name()));
            }
        }
        lines
    }

    fn record(&mut self, object: View<'_>) -> Vec<String> {
        let name = object.name();
        let Some(id) = object
            .label(label::ID)
            .filter(|id| DatabaseId::parse(id).is_ok())
        else {
            return vec![format!(
                "{name} has no id: {}",
                object.0["metadata"]["labels"]
            )];
        };
        let wrong = verify_object(object);
        let mut lines: Vec<String> = wrong
            .iter()
            .map(|wrong| format!("{name}: {wrong}"))
            .collect();
        let known = self
            .ids
            .entry(object.uid().to_owned())
            .or_insert_with(|| id.to_owned());
        if known != id {
            lines.push(format!("{name} had the id {known}, and has {id}"));
        }
        let text = object.annotation(annotation::HISTORY).unwrap_or_default();
        let Ok(history) = History::parse(text) else {
            return lines;
        };
        // A tombstone that was begun and given up takes its last version along.
        if object.label(label::DELETED).is_none() {
            let past = self.histories.get(id);
            if past.is_some_and(|past| !continues(past, &history)) {
                lines.push(format!("{name}: its past was rewritten: {text}"));
            }
            self.histories.insert(id.to_owned(), history);
        }
        lines
    }
}

/// Whether `now` has every version of `past`, as it was, or folded.
fn continues(past: &History, now: &History) -> bool {
    let folded = now.folded.as_ref().map_or(0, |folded| folded.versions);
    now.version() >= past.version()
        && past
            .rows
            .iter()
            .all(|row| row.version <= folded || now.rows.contains(row))
}
