//! Objects of which only some fields are read: the rest is passed over while it is parsed, and never
//! held.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::tree::{Entries, Tree};

/// What is kept of a field of an object.
#[derive(Clone, Copy, Debug)]
pub enum Kept {
    /// Nothing.
    Nothing,
    /// All but these fields of it.
    But(&'static [&'static str]),
    /// These fields of it.
    Only(&'static [&'static str]),
}

/// What is kept of which field; all of those that are not named.
pub type Fields = &'static [(&'static str, Kept)];

/// Reads an object so; `null` stays what it is.
///
/// # Errors
/// It is no JSON object.
pub fn trimmed(json: &[u8], fields: Fields) -> serde_json::Result<Value> {
    // Seen to be text once, instead of string by string.
    let text = str::from_utf8(json).map_err(serde_json::Error::custom)?;
    let mut parser = serde_json::Deserializer::from_str(text);
    let object = Trimmed(fields).deserialize(&mut parser)?;
    parser.end()?;
    Ok(object)
}

/// An object, or nothing, as a part of what is parsed.
#[derive(Clone, Copy, Debug)]
pub struct Trimmed(pub Fields);

/// The name of a field, copied only where the field is kept.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The object, or a field of it.
#[derive(Clone, Copy)]
enum Part {
    Object(Fields),
    Field(Kept),
}

impl Part {
    /// What is kept of a field; all of it where nothing is said.
    fn kept(self, key: &str) -> Option<Kept> {
        let whole = match self {
            Self::Object(fields) => {
                return fields
                    .iter()
                    .find(|(field, _)| *field == key)
                    .map(|(_, kept)| *kept);
            }
            Self::Field(Kept::Nothing) => false,
            Self::Field(Kept::But(dropped)) => !dropped.contains(&key),
            Self::Field(Kept::Only(kept)) => kept.contains(&key),
        };
        (!whole).then_some(Kept::Nothing)
    }
}

impl<'de> DeserializeSeed<'de> for Trimmed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Part::Object(self.0).deserialize(deserializer)
    }
}

impl<'de> DeserializeSeed<'de> for Part {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object, or nothing")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Entries::new();
        while let Some(Key(key)) = map.next_key()? {
            match self.kept(&key) {
                None => {
                    object.push(key.into_owned(), map.next_value_seed(Tree)?);
                }
                Some(Kept::Nothing) => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(kept) => {
                    object.push(key.into_owned(), map.next_value_seed(Self::Field(kept))?);
                }
            }
        }
        Ok(Value::Object(object.into_map()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_what_is_named() {
        const FIELDS: Fields = &[
            ("kind", Kept::Nothing),
            ("metadata", Kept::But(&["managedFields"])),
            ("status", Kept::Only(&["phase"])),
        ];
        let read = |object: &Value| trimmed(object.to_string().as_bytes(), FIELDS).unwrap();
        let object = json!({"kind": "Cluster", "metadata": {"name": "a", "managedFields": [{"b": {}}]},
            "spec": {"instances": 1}, "status": {"phase": "x", "topology": {}}});
        let expected =
            json!({"metadata": {"name": "a"}, "spec": {"instances": 1}, "status": {"phase": "x"}});
        assert_eq!(read(&object), expected);
        assert_eq!(read(&json!({"status": null})), json!({"status": null}));
        assert!(trimmed(b"[1]", FIELDS).is_err());
        assert!(trimmed(b"{} {}", FIELDS).is_err());
    }
}
