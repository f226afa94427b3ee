//! JSON as a [`Value`], its maps built at once.
//!
//! What an API server sends has its keys in order. Inserted one by one, each is looked for in the map
//! as it is so far: a quarter of what parsing a review took.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Most maps of an object have no more fields.
const USUAL: usize = 8;

/// The fields of a map in the order in which they are written; of two with one key the last counts.
#[derive(Debug)]
pub(crate) struct Entries(Vec<(String, Value)>);

impl Entries {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(USUAL))
    }

    pub(crate) fn push(&mut self, key: String, value: Value) {
        self.0.push((key, value));
    }

    pub(crate) fn into_map(self) -> Map<String, Value> {
        Map::from_iter(self.0)
    }
}

/// Any JSON, as a part of what is parsed.
#[derive(Clone, Copy)]
pub(crate) struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value);
        number
            .map(Value::Number)
            .ok_or_else(|| E::custom("no finite number"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut entries = Entries::new();
        while let Some(key) = fields.next_key()? {
            entries.push(key, fields.next_value_seed(Self)?);
        }
        Ok(entries.into_map().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> serde_json::Result<Value> {
        let mut parser = serde_json::Deserializer::from_str(text);
        let value = Tree.deserialize(&mut parser)?;
        parser.end()?;
        Ok(value)
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 64, 12, |inner| {
            let map = prop::collection::btree_map(any::<String>(), inner.clone(), 0..12);
            prop_oneof![
                prop::collection::vec(inner, 0..12).prop_map(Value::from),
                map.prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn is_what_serde_json_reads(value in any_json()) {
            let text = value.to_string();
            prop_assert_eq!(read(&text).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }
    }

    #[test]
    fn of_two_with_one_key_the_last_counts() {
        let text = r#"{"b": 1, "a": {"z": 1, "z": 2}, "b": 3, "c": null, "b": [4]}"#;
        let expected = json!({"a": {"z": 2}, "b": [4], "c": null});
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,", r#"{"a" 1}"#, "1e999", &"[".repeat(200)] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
