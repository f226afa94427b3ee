//! Any write.

use daap_crds::contract::{annotation, label};
use daap_crds::names::{DatabaseId, DatabaseName};
use daap_crds::object::{View, set_annotation};
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use http::Method;
use serde_json::{Value, json};

use crate::edit::Edit;
use crate::random::Random;
use crate::words::Words;
use crate::write::{Verb, Write};
use daap_tests::ground::Caller;
use daap_tests::ground::Ground;
use daap_tests::ground::{CLUSTERS, CONFIG_MAPS, Kind, POOLERS, SECRETS, VOLUMES};

/// Half of all writes are to what a database is made of.
fn kind(random: &mut Random) -> Kind {
    if random.percent(55) {
        return *random.one(&[CLUSTERS, CLUSTERS, CLUSTERS, POOLERS, CONFIG_MAPS]);
    }
    *random.one(&Kind::all())
}

fn edits(
    random: &mut Random,
    ground: &Ground,
    words: &Words,
    kind: Kind,
    least: usize,
) -> Vec<Edit> {
    let count = least + random.below(3);
    (0..count)
        .map(|_| Edit::any(random, ground, words, kind))
        .collect()
}

/// A write by this caller.
pub(crate) async fn write(
    random: &mut Random,
    ground: &Ground,
    words: &Words,
    caller: &Caller,
) -> Write {
    let kind = kind(random);
    let verb = loop {
        let verb = *random.one(&Verb::ALL);
        let has = match verb {
            Verb::Scale => kind == CLUSTERS || kind == POOLERS,
            Verb::Status => kind != SECRETS && kind != CONFIG_MAPS,
            // They clear the ground of what others could be done with.
            Verb::DeleteCollection => random.percent(25),
            _ => true,
        };
        if has {
            break verb;
        }
    };
    // The first names are of what is there, mostly.
    let known = if verb == Verb::Create || random.percent(35) {
        kind.names
    } else {
        &kind.names[..2]
    };
    let name = random.pick(known);
    let (method, path, content_type, body) =
        request(random, ground, words, (kind, verb, name), caller).await;
    Write {
        caller: caller.clone(),
        verb,
        kind,
        method,
        path,
        content_type,
        body,
    }
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";

type Sent = (Method, String, &'static str, Value);

async fn request(
    random: &mut Random,
    ground: &Ground,
    words: &Words,
    (kind, verb, name): (Kind, Verb, &str),
    caller: &Caller,
) -> Sent {
    let path = ground.path(kind, name);
    match verb {
        Verb::Create => {
            let mut object = template(random, ground, kind, name, caller).await;
            for edit in edits(random, ground, words, kind, 0) {
                edit.apply(&mut object);
            }
            (
                Method::POST,
                kind.collection(&ground.namespace),
                JSON,
                object,
            )
        }
        Verb::Update => {
            let stored = ground.read(kind, name).await;
            let mut object = match stored {
                Some(stored) if random.percent(90) => stored,
                _ => template(random, ground, kind, name, caller).await,
            };
            let moves_on = kind == CONFIG_MAPS && random.percent(60);
            if moves_on {
                move_on(random, &mut object);
            }
            for edit in edits(random, ground, words, kind, usize::from(!moves_on)) {
                edit.apply(&mut object);
            }
            (Method::PUT, path, JSON, object)
        }
        Verb::JsonPatch => {
            let edits = edits(random, ground, words, kind, 1);
            let operations = edits.iter().map(|edit| edit.operation(random)).collect();
            (
                Method::PATCH,
                path,
                "application/json-patch+json",
                operations,
            )
        }
        Verb::MergePatch => (
            Method::PATCH,
            path,
            MERGE,
            merge(random, ground, words, kind),
        ),
        Verb::Apply => {
            let mut object = json!({
                "apiVersion": kind.api_version(), "kind": kind.word, "metadata": {"name": name},
            });
            for edit in edits(random, ground, words, kind, 1) {
                edit.apply(&mut object);
            }
            let manager = random.pick(&["kubectl-daap", "argocd"]);
            let path = format!("{path}?fieldManager={manager}&force={}", random.percent(80));
            (Method::PATCH, path, "application/apply-patch+yaml", object)
        }
        Verb::Delete => (Method::DELETE, path, JSON, deletion(random)),
        Verb::DeleteCollection => {
            let selector = random.pick(&[
                "",
                "?labelSelector=daap.dev%2Fid",
                "?labelSelector=cnpg.io%2Fcluster%3Ddaap-orders",
            ]);
            let path = format!("{}{selector}", kind.collection(&ground.namespace));
            (Method::DELETE, path, JSON, deletion(random))
        }
        Verb::Scale => {
            let replicas = json!({"spec": {"replicas": random.below(4)}});
            (Method::PATCH, format!("{path}/scale"), MERGE, replicas)
        }
        Verb::Status => status(random, ground, words, kind, name).await,
    }
}

fn merge(random: &mut Random, ground: &Ground, words: &Words, kind: Kind) -> Value {
    let mut patch = json!({});
    for mut edit in edits(random, ground, words, kind, 1) {
        edit.value = Some(edit.value.unwrap_or_default());
        edit.apply(&mut patch);
    }
    patch
}

fn deletion(random: &mut Random) -> Value {
    let policy = random.pick(&["Background", "Foreground", "Orphan"]);
    json!({"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy})
}

/// The status, and whatever else fits through that door.
async fn status(
    random: &mut Random,
    ground: &Ground,
    words: &Words,
    kind: Kind,
    name: &str,
) -> Sent {
    let path = format!("{}/status", ground.path(kind, name));
    let mut changed = merge(random, ground, words, kind);
    changed["status"] = json!({"targetPrimary": random.pick(&["daap-orders-2", "daap-ledger-1"])});
    if kind == VOLUMES {
        changed["status"] = json!({"phase": random.pick(&["Lost", "Bound", "Pending"])});
    }
    match ground.read(kind, name).await {
        Some(mut object) if random.percent(50) => {
            json_patch::merge(&mut object, &changed);
            (Method::PUT, path, JSON, object)
        }
        _ => (Method::PATCH, path, MERGE, changed),
    }
}

/// What somebody would create by that name.
async fn template(
    random: &mut Random,
    ground: &Ground,
    kind: Kind,
    name: &str,
    caller: &Caller,
) -> Value {
    // One of another, under a new name: all fields are set.
    let model = random.pick(kind.names);
    let copy = if random.percent(30) {
        ground.read(kind, model).await
    } else {
        None
    };
    if let Some(mut object) = copy {
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata
            .retain(|key, _| ["labels", "annotations", "ownerReferences"].contains(&key.as_str()));
        metadata.insert("name".into(), name.into());
        object["status"].take();
        return object;
    }
    if kind == CLUSTERS
        && random.percent(30)
        && let Some(map) = ground
            .read(CONFIG_MAPS, random.pick(CONFIG_MAPS.names))
            .await
        && let Some(restored) = Tombstone::restored_cluster(View(&map))
    {
        return restored;
    }
    let cluster = random.pick(CLUSTERS.names);
    let team = random.pick(&["payments", "billing"]);
    let metadata = json!({"name": name, "labels": {label::OWNER_TEAM: team},
        "annotations": {annotation::PURPOSE: "made at random"}});
    let (api_version, word) = (kind.api_version(), kind.word);
    let mut object = json!({"apiVersion": api_version, "kind": word, "metadata": metadata});
    if kind == CLUSTERS {
        object["spec"] = json!({"instances": 1, "storage": {"size": "1Gi"}});
    } else if kind == POOLERS {
        object["spec"] = json!({"cluster": {"name": cluster}, "instances": 1, "type": "rw",
            "pgbouncer": {"poolMode": "transaction"}});
    } else if kind == VOLUMES {
        object["spec"] = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
    } else if kind == CONFIG_MAPS {
        return tombstone(random, ground, name, caller)
            .await
            .unwrap_or(object);
    } else if kind.is_dependent() {
        object["spec"] = json!({"cluster": {"name": cluster}});
    }
    object
}

/// What the plugin would write for this caller.
async fn tombstone(
    random: &mut Random,
    ground: &Ground,
    name: &str,
    caller: &Caller,
) -> Option<Value> {
    let database = name.strip_prefix("daap-")?.rsplit_once('-')?.0;
    let cluster = ground.read(CLUSTERS, &format!("daap-{database}")).await?;
    let deletion = Deletion {
        by: &caller.user,
        reason: random.percent(30).then_some("at random"),
        at: jiff::Timestamp::now(),
        retention_days: 30,
    };
    let id = DatabaseId::parse(View(&cluster).label(label::ID)?).ok()?;
    let tombstone = Tombstone::of(View(&cluster), None, deletion);
    let name = DatabaseName::parse(database).ok()?;
    Some(tombstone.config_map(View(&cluster), &name, &id, deletion))
}

/// The stage of a tombstone becomes another.
fn move_on(random: &mut Random, map: &mut Value) {
    if let Some(mut tombstone) = Tombstone::read(View(map)) {
        tombstone.stage = *random.one(&[
            Stage::Written,
            Stage::Detached,
            Stage::Complete,
            Stage::Purged,
        ]);
        set_annotation(map, annotation::TOMBSTONE, tombstone.to_annotation());
    }
}
