//! Values that the schema of a CRD allows, mostly: what it forbids never reaches admission.

use serde_json::{Map, Value, json};

use crate::random::Random;
use crate::words::Words;

/// Deeper objects are left empty.
const DEPTH: usize = 4;

/// A place below `schema`, and a value for it.
pub(crate) fn place(random: &mut Random, schema: &Value, words: &Words) -> (Vec<String>, Value) {
    let mut path = Vec::new();
    let mut here = schema;
    loop {
        let inner = step(random, here, words);
        // Objects are mostly gone into, so that one field of many is another.
        match inner {
            Some((key, schema)) if path.is_empty() || random.percent(75) => {
                path.push(key);
                here = schema;
            }
            _ => return (path, value(random, here, words, 0)),
        }
    }
}

fn step<'a>(random: &mut Random, schema: &'a Value, words: &Words) -> Option<(String, &'a Value)> {
    if let Some(properties) = schema["properties"]
        .as_object()
        .filter(|map| !map.is_empty())
    {
        let (key, schema) = properties.iter().nth(random.below(properties.len()))?;
        return Some((key.clone(), schema));
    }
    let values = schema
        .get("additionalProperties")
        .filter(|one| one.is_object())?;
    Some((words.key(random), values))
}

/// A value of the schema, or now and then one that it does not allow.
pub(crate) fn value(random: &mut Random, schema: &Value, words: &Words, depth: usize) -> Value {
    if random.percent(2) {
        return Value::Null;
    }
    if let Some(choices) = schema["enum"].as_array() {
        return random.one(choices).clone();
    }
    if schema["x-kubernetes-int-or-string"] == true {
        return random
            .one(&[json!(1), json!("25%"), json!("100m"), json!("1Gi")])
            .clone();
    }
    match schema["type"].as_str() {
        Some("object") => object(random, schema, words, depth),
        Some("array") => {
            let count = random.below(3);
            let item = |_| value(random, &schema["items"], words, depth + 1);
            (0..count).map(item).collect()
        }
        Some("boolean") => json!(random.percent(50)),
        Some("integer" | "number") => {
            let least = schema["minimum"].as_i64().unwrap_or(-1);
            json!(least + *random.one(&[0, 1, 2, 3, 5, 100]))
        }
        _ => json!(words.text(random)),
    }
}

fn object(random: &mut Random, schema: &Value, words: &Words, depth: usize) -> Value {
    let mut made = Map::new();
    let required: Vec<&str> = {
        let names = schema["required"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str).collect()
    };
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if required.contains(&key.as_str()) || (depth < DEPTH && random.percent(20)) {
            made.insert(key.clone(), value(random, property, words, depth + 1));
        }
    }
    if let Some(values) = schema
        .get("additionalProperties")
        .filter(|one| one.is_object())
    {
        for _ in 0..random.below(3) {
            made.insert(words.key(random), value(random, values, words, depth + 1));
        }
    }
    Value::Object(made)
}
