//! kubectl's `JSONPath`: a template of text and `{…}`, of which the paths are near RFC 9535.
//!
//! The dialect is kubectl's own: `range` and `end`, text in quotes, `\.` for a dot in a key, a union
//! of whole paths, `$` and `@` for the same, errors where the RFC has nothing. Names, wildcards and
//! descents are the library's.

mod evaluate;
mod parse;

use serde_json::Value;

use super::go;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath {
    nodes: Vec<Node>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Outside braces.
    Text(String),
    /// `{.metadata.name}`
    Print(Path),
    /// `{range .items[*]}…{end}`
    Range(Path, Vec<Node>),
}

/// What stands within braces: each step goes on from what the one before it found.
#[derive(Clone, Debug, PartialEq)]
struct Path(Vec<Step>);

/// A step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A name, a wildcard, or a descent to names or wildcards.
    Select(jsonpath_rust::parser::model::Segment),
    /// `[1]`, `[1:3]`, `[*]`
    Slice(Slice),
    /// `['metadata.name', 'spec.instances']`
    Union(Vec<Path>),
    /// `[?(@.type=="Ready")]`
    Filter(Box<Filter>),
    /// `"text"`, `5`, `true`
    Literal(Value),
}

/// Elements of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slice {
    from: Option<i64>,
    /// Absent for the rest.
    to: Option<i64>,
    /// Whether one element was asked for: then `to` follows from `from`.
    one: bool,
    step: Option<i64>,
}

/// Which elements of an array.
#[derive(Clone, Debug, PartialEq)]
struct Filter {
    left: Path,
    /// What it is compared to, and how; it only has to be there where that is absent.
    comparison: Option<(Operator, Path)>,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Parses a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(template: &str) -> Result<Self, String> {
        let nodes = parse::template(template)?;
        Ok(Self { nodes })
    }

    /// Parses a path as `--sort-by` and columns take it: `{.metadata.name}`, `.metadata.name` or
    /// `metadata.name`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn relaxed(expression: &str) -> Result<Self, String> {
        let inner = expression
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(expression);
        let inner = inner.strip_prefix('.').unwrap_or(inner);
        if inner.is_empty() || inner.contains(['{', '}']) {
            return Err(format!(
                "'{expression}' is no path; write it as .metadata.name or '{{.metadata.name}}'"
            ));
        }
        Self::parse(&format!("{{.{inner}}}"))
    }

    /// What the template makes of a document.
    ///
    /// # Errors
    /// An index beyond an array, or a comparison of what cannot be compared.
    pub(crate) fn render(&self, document: &Value) -> Result<String, String> {
        let mut text = String::new();
        evaluate::render(&self.nodes, document, &mut text)?;
        Ok(text)
    }

    /// Everything that the paths of the template find, in turn.
    ///
    /// # Errors
    /// As of [`Self::render`].
    pub(crate) fn find<'a>(&'a self, document: &'a Value) -> Result<Vec<&'a Value>, String> {
        let mut found = Vec::new();
        evaluate::find(&self.nodes, document, &mut found)?;
        Ok(found)
    }
}

/// What a path found as kubectl prints it: scalars as they are, the rest as JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => go::marshal(value),
        Value::Null => "null".to_owned(),
        scalar => go::sprint(scalar),
    }
}
