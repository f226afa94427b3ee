//! `-o go-template=…`: Go's `text/template`, by a port of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gotmpl::{Template, TemplateError, Value as Go};
use serde_json::Value;

/// A template that was read once without an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoTemplate {
    source: String,
}

impl GoTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        compiled(source)?;
        Ok(Self {
            source: source.to_owned(),
        })
    }

    /// What the template makes of a document.
    ///
    /// # Errors
    /// What cannot be done with this document, as an index beyond an array.
    pub(crate) fn render(&self, document: &Value) -> Result<String, String> {
        compiled(&self.source)?
            .execute_to_string(&go(document))
            .map_err(|error| error.to_string())
    }
}

fn compiled(source: &str) -> Result<Template, String> {
    Template::new("output")
        .func("base64decode", base64decode)
        .parse(source)
        .map_err(|error| error.to_string())
}

/// The one function that kubectl adds to Go's.
fn base64decode(arguments: &[Go]) -> Result<Go, TemplateError> {
    let [Go::String(text)] = arguments else {
        return Err(TemplateError::Exec(
            "base64decode takes one text".to_owned(),
        ));
    };
    let bytes = BASE64_STANDARD
        .decode(text.as_bytes())
        .map_err(|error| TemplateError::Exec(format!("base64decode: {error}")))?;
    Ok(Go::String(String::from_utf8_lossy(&bytes).as_ref().into()))
}

fn go(value: &Value) -> Go {
    match value {
        Value::Null => Go::Nil,
        Value::Bool(flag) => Go::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Go::Int(integer),
            None => Go::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Go::String(text.as_str().into()),
        Value::Array(items) => Go::List(items.iter().map(go).collect()),
        Value::Object(map) => Go::Map(Arc::new(
            map.iter()
                .map(|(key, value)| (key.as_str().into(), go(value)))
                .collect(),
        )),
    }
}
