//! Watch events, recorded or seen, and the values that a field took in their course.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use daap_tests::sandbox::wait_for;
use futures::StreamExt as _;
use kube::{
    Api, ResourceExt as _,
    api::{DynamicObject, ListParams, WatchEvent, WatchParams},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::database::LIMIT;

/// A recorded file: one JSON document, or one a line.
pub(crate) fn read(folder: &Path, file: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    serde_json::Deserializer::from_str(&text)
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

/// What is seen of one kind, while it is watched.
pub(crate) struct Watched {
    api: Api<DynamicObject>,
    events: Arc<Mutex<Vec<Value>>>,
    task: JoinHandle<()>,
}

impl Watched {
    /// Watches all objects from now on.
    pub(crate) async fn start(api: Api<DynamicObject>) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = events.clone();
        let version = api
            .list(&ListParams::default())
            .await
            .unwrap()
            .metadata
            .resource_version
            .unwrap();
        let stream = api.watch(&WatchParams::default(), &version).await.unwrap();
        let task = tokio::spawn(async move {
            let mut stream = std::pin::pin!(stream);
            while let Some(event) = stream.next().await {
                let (type_, object) = match event.unwrap() {
                    WatchEvent::Added(object) => ("ADDED", object),
                    WatchEvent::Modified(object) => ("MODIFIED", object),
                    WatchEvent::Deleted(object) => ("DELETED", object),
                    _ => continue,
                };
                let mut event = serde_json::to_value(object).unwrap();
                event["type"] = json!(type_);
                seen.lock().unwrap().push(event);
            }
        });
        Self { api, events, task }
    }

    /// What was seen so far, up to what is there now: a watch may lag behind a read.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let caught_up = wait_for("the watch has caught up", LIMIT, async || {
            let present = self.api.list(&ListParams::default()).await?;
            let seen = self.events.lock().unwrap().clone();
            let is_seen = |object: &DynamicObject| {
                let latest = { seen.iter().rev() }
                    .find(|event| event["metadata"]["name"] == object.name_any());
                latest.is_some_and(|event| {
                    event["metadata"]["resourceVersion"].as_str()
                        == object.metadata.resource_version.as_deref()
                })
            };
            let is_over = |event: &Value| {
                event["type"] == "DELETED" || { present.iter() }
                    .any(|object| event["metadata"]["name"] == object.name_any())
            };
            let all = present.iter().all(is_seen) && last_of_each(&seen).all(is_over);
            Ok(all.then_some(seen))
        });
        caught_up.await.unwrap()
    }
}

fn last_of_each(events: &[Value]) -> impl Iterator<Item = &Value> {
    let last: BTreeMap<_, _> = { events.iter() }
        .map(|event| (event["metadata"]["name"].as_str(), event))
        .collect();
    last.into_values()
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The values that a field of an object took, each as often as it was entered. The path is a JSON
/// pointer; `condition:TYPE` stands for what a condition says.
pub(crate) fn values(events: &[Value], name: &str, path: &str) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    for event in events
        .iter()
        .filter(|event| event["metadata"]["name"] == name)
    {
        let value = match path.strip_prefix("condition:") {
            _ if event["type"] == "DELETED" => json!("deleted"),
            Some(type_) => said(&event["status"], type_),
            None => event.pointer(path).cloned().unwrap_or_default(),
        };
        if values.last() != Some(&value) {
            values.push(value);
        }
    }
    values
}

fn said(status: &Value, type_: &str) -> Value {
    let conditions = status["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let Some(condition) = conditions
        .iter()
        .find(|condition| condition["type"] == type_)
    else {
        return Value::Null;
    };
    json!([
        condition["status"],
        condition["reason"],
        condition["message"]
    ])
}

/// Holds fields of an object to the recording; tells of all that differ.
pub(crate) fn hold(recorded: &[Value], seen: &[Value], name: &str, paths: &[&str]) {
    let mut differences = Vec::new();
    for path in paths {
        let (expected, found) = (values(recorded, name, path), values(seen, name, path));
        if expected != found {
            differences.push(format!(
                "{name} {path}\n  recorded {}\n  seen     {}",
                json!(expected),
                json!(found)
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn values_are_listed_as_often_as_they_are_entered() {
    let event = |phase: &str| json!({ "type": "MODIFIED", "metadata": { "name": "x" }, "status": { "phase": phase } });
    let events = [event("a"), event("a"), event("b"), event("a")];
    assert_eq!(values(&events, "x", "/status/phase"), ["a", "b", "a"]);
    assert_eq!(values(&events, "y", "/status/phase"), Vec::<Value>::new());
}
