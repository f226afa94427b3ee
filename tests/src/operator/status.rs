//! Writes the status of an object step by step, only what changed, as the operator does.

use json_patch::{
    AddOperation, PatchOperation, RemoveOperation, TestOperation, jsonptr::PointerBuf,
};
use kube::{
    Api, ResourceExt as _,
    api::{DynamicObject, Patch, PatchParams},
};
use serde_json::{Map, Value, json};

use super::error::Error;

/// The status of one object, as it was read and as it was written since.
pub(super) struct Status {
    api: Api<DynamicObject>,
    name: String,
    uid: String,
    now: Map<String, Value>,
}

impl Status {
    pub(super) fn of(api: Api<DynamicObject>, name: &str, object: &DynamicObject) -> Self {
        let now = object.data.get("status").and_then(Value::as_object);
        Self {
            api,
            name: name.to_owned(),
            uid: object.uid().unwrap_or_default(),
            now: now.cloned().unwrap_or_default(),
        }
    }

    /// A field, `null` when there is none.
    pub(super) fn get(&self, field: &str) -> &Value {
        self.now.get(field).unwrap_or(&Value::Null)
    }

    /// A field that holds text, empty when there is none.
    pub(super) fn text(&self, field: &str) -> &str {
        self.get(field).as_str().unwrap_or_default()
    }

    /// Status and reason of a condition.
    pub(super) fn condition(&self, type_: &str) -> Option<(&str, &str)> {
        let conditions = self.get("conditions").as_array()?;
        let condition = conditions
            .iter()
            .find(|condition| condition["type"] == type_)?;
        Some((condition["status"].as_str()?, condition["reason"].as_str()?))
    }

    /// Changes the status and writes what is different, in one request; nothing if nothing is. It is
    /// refused when another object has the name by now: what was true of the earlier one would keep
    /// the next from ever being set up.
    pub(super) async fn update(
        &mut self,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<(), Error> {
        let mut next = self.now.clone();
        change(&mut next);
        if next == self.now {
            return Ok(());
        }
        let patch = Patch::Json::<()>(self.patch(&next));
        self.api
            .patch_status(&self.name, &PatchParams::default(), &patch)
            .await?;
        self.now = next;
        Ok(())
    }

    /// Field by field, and only while it is the same object.
    fn patch(&self, next: &Map<String, Value>) -> json_patch::Patch {
        let add = |tokens: &[&str], value: Value| {
            PatchOperation::Add(AddOperation {
                path: PointerBuf::from_tokens(tokens.iter().copied()),
                value,
            })
        };
        let mut operations = vec![PatchOperation::Test(TestOperation {
            path: PointerBuf::from_tokens(["metadata", "uid"]),
            value: self.uid.as_str().into(),
        })];
        if self.now.is_empty() {
            operations.push(add(&["status"], json!({})));
        }
        for key in self.now.keys().filter(|key| !next.contains_key(*key)) {
            operations.push(PatchOperation::Remove(RemoveOperation {
                path: PointerBuf::from_tokens(["status", key]),
            }));
        }
        let changed = next
            .iter()
            .filter(|(key, value)| self.now.get(*key) != Some(*value));
        operations.extend(changed.map(|(key, value)| add(&["status", key], value.clone())));
        json_patch::Patch(operations)
    }

    /// Enters a phase of a Cluster; the condition `Ready` says no more than whether it is the healthy one.
    pub(super) async fn enter_phase(&mut self, phase: &str, reason: &str) -> Result<(), Error> {
        self.update(|status| {
            set(status, "phase", phase.into());
            set(status, "phaseReason", reason.into());
            if phase == super::contract::phase::HEALTHY {
                set_condition(
                    status,
                    "Ready",
                    "True",
                    "ClusterIsReady",
                    "Cluster is Ready",
                );
            } else {
                set_condition(
                    status,
                    "Ready",
                    "False",
                    "ClusterIsNotReady",
                    "Cluster Is Not Ready",
                );
            }
        })
        .await
    }
}

/// Sets a field, or leaves it out when it is zero or empty, as Go does.
pub(super) fn set(status: &mut Map<String, Value>, field: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Bool(_) => false,
    };
    if empty {
        status.remove(field);
    } else {
        status.insert(field.to_owned(), value);
    }
}

/// Sets a condition; its time moves only when its status does.
pub(super) fn set_condition(
    status: &mut Map<String, Value>,
    type_: &str,
    is: &str,
    reason: &str,
    message: &str,
) {
    let conditions = status.entry("conditions").or_insert_with(|| json!([]));
    let Some(conditions) = conditions.as_array_mut() else {
        return;
    };
    let mut new = json!({
        "type": type_, "status": is, "reason": reason, "message": message,
        "lastTransitionTime": now(),
    });
    match conditions
        .iter_mut()
        .find(|condition| condition["type"] == type_)
    {
        Some(old) => {
            if old["status"] == is {
                new["lastTransitionTime"] = old["lastTransitionTime"].clone();
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

/// Removes a condition.
pub(super) fn remove_condition(status: &mut Map<String, Value>, type_: &str) {
    if let Some(conditions) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| condition["type"] != type_);
    }
}

/// The time, to the second.
pub(super) fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

/// The time, to the microsecond.
pub(super) fn now_precisely() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string()
}
