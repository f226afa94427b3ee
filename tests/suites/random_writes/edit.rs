//! One place of an object becomes something else.

use daap_crds::contract::{annotation, label};
use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::schema;
use crate::words::Words;
use daap_tests::ground::Ground;
use daap_tests::ground::{Kind, SECRETS};

pub(crate) struct Edit {
    pub(crate) path: Vec<String>,
    /// None removes what is there.
    pub(crate) value: Option<Value>,
}

fn path(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

impl Edit {
    /// What `object` becomes; parents are made where they are missing.
    pub(crate) fn apply(&self, object: &mut Value) {
        let Some((last, parents)) = self.path.split_last() else {
            return;
        };
        let mut here = object;
        for key in parents {
            if !here.is_object() {
                *here = Value::Object(Map::new());
            }
            here = &mut here[key.as_str()];
        }
        if !here.is_object() {
            *here = Value::Object(Map::new());
        }
        match &self.value {
            Some(value) => here[last.as_str()] = value.clone(),
            None => drop(here.as_object_mut().unwrap().remove(last)),
        }
    }

    /// The same as an operation of a JSON patch.
    pub(crate) fn operation(&self, random: &mut Random) -> Value {
        let escaped = self
            .path
            .iter()
            .map(|key| key.replace('~', "~0").replace('/', "~1"));
        let pointer = escaped.fold(String::new(), |pointer, key| pointer + "/" + &key);
        match &self.value {
            None => json!({"op": "remove", "path": pointer}),
            Some(_) if random.percent(5) => {
                json!({"op": "move", "from": "/metadata/labels", "path": pointer})
            }
            Some(value) => {
                let op = random.pick(&["add", "add", "replace"]);
                json!({"op": op, "path": pointer, "value": value})
            }
        }
    }

    /// Something that means something, or something that the schema has.
    pub(crate) fn any(random: &mut Random, ground: &Ground, words: &Words, kind: Kind) -> Self {
        let known = ground.schemas.get(kind.plural);
        match known {
            Some(schema) if random.percent(if kind.core { 10 } else { 45 }) => {
                let (inner, value) = schema::place(random, schema, words);
                let path = [path(&["spec"]), inner].concat();
                Self {
                    path,
                    value: Some(value),
                }
            }
            _ => Self::telling(random, words, kind),
        }
    }

    /// A place that says whose the object is, what it works on, or what is recorded of it.
    fn telling(random: &mut Random, words: &Words, kind: Kind) -> Self {
        let text = json!(words.text(random));
        // The core kinds have no spec of ours.
        let choices = if kind.core { 8 } else { 11 };
        let (path, value) = match random.below(choices) {
            0 | 1 => (
                ["metadata", "labels", &words.key(random)]
                    .map(str::to_owned)
                    .to_vec(),
                text,
            ),
            2 | 3 => {
                let key = words.key(random);
                (
                    ["metadata", "annotations", &key]
                        .map(str::to_owned)
                        .to_vec(),
                    text,
                )
            }
            4 => (
                path(&["metadata", "ownerReferences"]),
                owners(random, words),
            ),
            5 => {
                let some = [
                    json!(["example.com/hold"]),
                    json!(["kubernetes.io/pvc-protection"]),
                    json!([]),
                ];
                (path(&["metadata", "finalizers"]), random.one(&some).clone())
            }
            6 if kind.core => (path(&["metadata", "labels", label::ID]), text),
            6 => (path(&["spec", "cluster", "name"]), text),
            7 if kind == SECRETS => (path(&["data", "password"]), json!("bWFsbG9yeQ==")),
            7 if kind.core => (path(&["metadata", "labels", label::OWNER_TEAM]), text),
            7 => {
                let key = words.key(random);
                let place = [
                    "spec",
                    "inheritedMetadata",
                    random.pick(&["labels", "annotations"]),
                    &key,
                ];
                (place.map(str::to_owned).to_vec(), text)
            }
            _ => tracked(random),
        };
        let removes = random.percent(20);
        Self {
            path,
            value: (!removes).then_some(value),
        }
    }
}

/// A field whose change makes a version.
fn tracked(random: &mut Random) -> (Vec<String>, Value) {
    match random.below(6) {
        0 => (path(&["spec", "instances"]), json!(random.below(4))),
        1 => (
            path(&["spec", "storage", "size"]),
            json!(random.pick(&["1Gi", "2Gi", "3Gi", "1024Mi"])),
        ),
        2 => {
            let team = random.pick(&["payments", "billing", "outsider", ""]);
            (
                path(&["metadata", "labels", label::OWNER_TEAM]),
                json!(team),
            )
        }
        3 => {
            let team = random.pick(&["payments", "billing"]);
            (
                path(&["metadata", "annotations", annotation::OFFERED_TO]),
                json!(team),
            )
        }
        4 => {
            let operation = random.pick(&["update", "repair", "rollback", "delete", "transfer"]);
            let since = "2026-01-01T00:00:00Z";
            let pending = json!({"operation": operation, "step": "write", "since": since});
            (
                path(&["metadata", "annotations", annotation::PENDING]),
                json!(pending.to_string()),
            )
        }
        _ => {
            let purpose = format!("purpose {}", random.below(100));
            (
                path(&["metadata", "annotations", annotation::PURPOSE]),
                json!(purpose),
            )
        }
    }
}

fn owners(random: &mut Random, words: &Words) -> Value {
    let owner = |random: &mut Random| {
        json!({
            "apiVersion": random.pick(&["postgresql.cnpg.io/v1", "v1"]),
            "kind": random.pick(&["Cluster", "ConfigMap"]),
            "name": random.pick(&["daap-orders", "daap-ledger", "plain"]),
            // Texts of the dictionary include the uids.
            "uid": words.text(random),
        })
    };
    match random.below(3) {
        0 => Value::Null,
        1 => json!([]),
        _ => json!([owner(random)]),
    }
}
