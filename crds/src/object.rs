//! A Kubernetes object as raw JSON, read and edited in place.
//!
//! Admission works on raw values: a typed object would drop what it does not know, and a diff
//! against it would patch noise.

use serde_json::{Map, Value};

/// Reads fields of an object; absent and of another type are the same.
#[derive(Clone, Copy, Debug)]
pub struct View<'a>(pub &'a Value);

impl<'a> View<'a> {
    /// The string at a JSON pointer.
    #[must_use]
    pub fn text(self, pointer: &str) -> Option<&'a str> {
        self.at(pointer).and_then(Value::as_str)
    }

    /// The value at a JSON pointer. The rules ask for hundreds in a review: unlike
    /// [`Value::pointer`] this makes no string of each token.
    #[must_use]
    pub fn at(self, pointer: &str) -> Option<&'a Value> {
        let Some(path) = pointer.strip_prefix('/') else {
            return pointer.is_empty().then_some(self.0);
        };
        let (mut here, mut rest) = (self.0, Some(path));
        while let Some(path) = rest {
            // Tokens are so short that to begin a search in them is what would take long.
            let end = path.bytes().position(|byte| byte == b'/');
            let token = path.get(..end.unwrap_or(path.len()))?;
            rest = end.and_then(|end| path.get(end + 1..));
            here = match here {
                Value::Object(map) if token.bytes().any(|byte| byte == b'~') => {
                    let mut fields = map.iter();
                    fields.find_map(|(key, value)| is_written(key, token).then_some(value))
                }
                Value::Object(map) => map.get(token),
                Value::Array(items) => items.get(token.parse::<usize>().ok()?),
                _ => None,
            }?;
        }
        Some(here)
    }

    /// A map in the metadata.
    fn of_metadata(self, field: &str) -> Option<&'a Map<String, Value>> {
        self.0.get("metadata")?.get(field)?.as_object()
    }

    /// `metadata.name`, empty when the API server has yet to generate it.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`.
    #[must_use]
    pub fn namespace(self) -> &'a str {
        self.text("/metadata/namespace").unwrap_or_default()
    }

    /// `metadata.uid`.
    #[must_use]
    pub fn uid(self) -> &'a str {
        self.text("/metadata/uid").unwrap_or_default()
    }

    /// `metadata.generateName`.
    #[must_use]
    pub fn generate_name(self) -> &'a str {
        self.text("/metadata/generateName").unwrap_or_default()
    }

    /// Whether `metadata.deletionTimestamp` is set.
    #[must_use]
    pub fn is_being_deleted(self) -> bool {
        self.text("/metadata/deletionTimestamp").is_some()
    }

    /// All labels.
    #[must_use]
    pub fn labels(self) -> Option<&'a Map<String, Value>> {
        self.of_metadata("labels")
    }

    /// One label.
    #[must_use]
    pub fn label(self, key: &str) -> Option<&'a str> {
        self.labels()?.get(key)?.as_str()
    }

    /// All annotations.
    #[must_use]
    pub fn annotations(self) -> Option<&'a Map<String, Value>> {
        self.of_metadata("annotations")
    }

    /// One annotation.
    #[must_use]
    pub fn annotation(self, key: &str) -> Option<&'a str> {
        self.annotations()?.get(key)?.as_str()
    }

    /// `metadata.ownerReferences`, empty when there are none.
    #[must_use]
    pub fn owner_references(self) -> &'a [Value] {
        self.at("/metadata/ownerReferences")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// The element of `status.conditions` of that type.
    #[must_use]
    pub fn condition(self, kind: &str) -> Option<Self> {
        self.at("/status/conditions")?
            .as_array()?
            .iter()
            .map(View)
            .find(|condition| condition.text("/type") == Some(kind))
    }

    /// Whether an owner reference has this uid.
    #[must_use]
    pub fn is_owned_by(self, uid: &str) -> bool {
        self.owner_references()
            .iter()
            .any(|owner| View(owner).text("/uid") == Some(uid))
    }
}

/// The object at `path`, made where it is missing. A value of another type is replaced: the API
/// server has refused such an object before it comes here, but nothing may panic on one.
pub fn map_at<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut here = object;
    for key in path {
        here = as_map(here)
            .entry((*key).to_owned())
            .or_insert_with(|| Value::Object(Map::new()));
    }
    as_map(here)
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("a value that was made an object is one"),
    }
}

/// Whether `key` is written so in a JSON pointer (RFC 6901), where `~1` is a slash and `~0` a tilde.
fn is_written(key: &str, token: &str) -> bool {
    let mut written = token.bytes().peekable();
    let mut next = || match written.next()? {
        b'~' if written.next_if_eq(&b'1').is_some() => Some(b'/'),
        b'~' => {
            written.next_if_eq(&b'0');
            Some(b'~')
        }
        byte => Some(byte),
    };
    key.bytes().all(|byte| next() == Some(byte)) && next().is_none()
}

/// Sets `metadata.labels[key]`.
pub fn set_label(object: &mut Value, key: &str, value: impl Into<String>) {
    map_at(object, &["metadata", "labels"]).insert(key.to_owned(), Value::String(value.into()));
}

/// Sets `metadata.annotations[key]`.
pub fn set_annotation(object: &mut Value, key: &str, value: impl Into<String>) {
    map_at(object, &["metadata", "annotations"])
        .insert(key.to_owned(), Value::String(value.into()));
}

/// Removes `metadata.annotations[key]`; no map is made for it.
pub fn remove_annotation(object: &mut Value, key: &str) {
    if let Some(map) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn a_pointer_leads_where_serde_json_says(pointer in "(/?(a|b~1c|b~0c|b|0|1|~|))(/(a|b~1c|b~0c|b|0|1|~|)){0,3}") {
            let inner = json!({"a": [{"b": 1}, [2]], "b/c": {"b~c": 3}, "b~c": null, "": {"": 4}, "0": {"1": 5}, "~": 6});
            let object = json!({"a": inner, "b/c": [inner, inner], "": inner, "0": [[inner]]});
            prop_assert_eq!(View(&object).at(&pointer), object.pointer(&pointer));
        }
    }
}
