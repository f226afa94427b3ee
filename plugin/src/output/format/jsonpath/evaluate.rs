//! What a template finds in a document.

use std::cmp::Ordering;

use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

use super::{Filter, Node, Operator, Path, Slice, Step, shown};
use crate::output::format::go;

/// Appends what the nodes make of `document`.
pub(super) fn render(nodes: &[Node], document: &Value, text: &mut String) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Text(plain) => text.push_str(plain),
            Node::Print(path) => {
                let found: Vec<String> = walk(path, document)?.into_iter().map(shown).collect();
                text.push_str(&found.join(" "));
            }
            Node::Range(path, body) => {
                for value in walk(path, document)? {
                    render(body, value, text)?;
                }
            }
        }
    }
    Ok(())
}

/// Appends what the nodes find in `document`.
pub(super) fn find<'a>(
    nodes: &'a [Node],
    document: &'a Value,
    found: &mut Vec<&'a Value>,
) -> Result<(), String> {
    for node in nodes {
        match node {
            Node::Text(_) => {}
            Node::Print(path) => found.extend(walk(path, document)?),
            Node::Range(path, body) => {
                for value in walk(path, document)? {
                    find(body, value, found)?;
                }
            }
        }
    }
    Ok(())
}

fn walk<'a>(path: &'a Path, value: &'a Value) -> Result<Vec<&'a Value>, String> {
    let mut current = vec![value];
    for step in &path.0 {
        current = match step {
            Step::Literal(literal) => vec![literal],
            Step::Select(segment) => {
                let query = JpQuery::new(vec![segment.clone()]);
                let mut found = Vec::new();
                for value in current {
                    let nodes =
                        js_path_process(&query, value).map_err(|error| error.to_string())?;
                    found.extend(nodes.into_iter().map(|node| node.val));
                }
                found
            }
            Step::Slice(slice) => every(current, |value| elements(slice, value))?,
            Step::Filter(filter) => every(current, |value| filtered(filter, value))?,
            Step::Union(paths) => {
                let mut found = Vec::new();
                for path in paths {
                    for value in &current {
                        found.extend(walk(path, value)?);
                    }
                }
                found
            }
        };
    }
    Ok(current)
}

fn every<'a>(
    values: Vec<&'a Value>,
    mut find: impl FnMut(&'a Value) -> Result<Vec<&'a Value>, String>,
) -> Result<Vec<&'a Value>, String> {
    let mut found = Vec::new();
    for value in values.into_iter().filter(|value| !value.is_null()) {
        found.extend(find(value)?);
    }
    Ok(found)
}

/// As kubectl does, an index beyond the array is an error rather than nothing.
fn elements<'a>(slice: &Slice, value: &'a Value) -> Result<Vec<&'a Value>, String> {
    let Value::Array(items) = value else {
        return Err(format!("{} is not array or slice", go::sprint(value)));
    };
    let length = i64::try_from(items.len()).map_err(|error| error.to_string())?;
    let from_end = |index: i64| if index < 0 { index + length } else { index };
    let from = from_end(slice.from.unwrap_or(0));
    let to = if slice.one {
        from + 1
    } else {
        from_end(slice.to.unwrap_or(length))
    };
    if from == to {
        return Ok(Vec::new());
    }
    let beyond = |index: i64| {
        Err(format!(
            "array index out of bounds: index {index}, length {length}"
        ))
    };
    if from < 0 || from >= length {
        return beyond(from);
    }
    if to < 0 || to > length {
        return beyond(to - 1);
    }
    if from > to {
        return Err(format!(
            "starting index {from} is greater than ending index {to}"
        ));
    }
    let step = match slice.step {
        Some(step) if step <= 0 => return Err("step must be > 0".to_owned()),
        Some(step) => usize::try_from(step).map_err(|error| error.to_string())?,
        None => 1,
    };
    let (Ok(from), Ok(count)) = (usize::try_from(from), usize::try_from(to - from)) else {
        return Ok(Vec::new());
    };
    Ok(items.iter().skip(from).take(count).step_by(step).collect())
}

fn filtered<'a>(filter: &Filter, value: &'a Value) -> Result<Vec<&'a Value>, String> {
    let Value::Array(items) = value else {
        return Err(format!(
            "{} is not array or slice and cannot be filtered",
            go::sprint(value)
        ));
    };
    let mut found = Vec::new();
    for item in items {
        if passes(filter, item)? {
            found.push(item);
        }
    }
    Ok(found)
}

fn passes(filter: &Filter, item: &Value) -> Result<bool, String> {
    let left = walk(&filter.left, item)?;
    let Some((operator, right)) = &filter.comparison else {
        return Ok(!left.is_empty());
    };
    let right = walk(right, item)?;
    match (left.as_slice(), right.as_slice()) {
        ([], _) | (_, []) => Ok(false),
        ([left], [right]) => compare(left, *operator, right),
        _ => Err("can only compare one element at a time".to_owned()),
    }
}

fn compare(left: &Value, operator: Operator, right: &Value) -> Result<bool, String> {
    let incompatible = || Err("incompatible types for comparison".to_owned());
    let order = match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) if left.is_f64() == right.is_f64() => {
            match (left.as_i64(), right.as_i64()) {
                (Some(left), Some(right)) => Some(left.cmp(&right)),
                _ => left.as_f64().partial_cmp(&right.as_f64()),
            }
        }
        (Value::Bool(left), Value::Bool(right)) => match operator {
            Operator::Equal => return Ok(left == right),
            Operator::NotEqual => return Ok(left != right),
            _ => return Err("invalid type for comparison".to_owned()),
        },
        _ => return incompatible(),
    };
    let Some(order) = order else {
        return incompatible();
    };
    Ok(match operator {
        Operator::Equal => order == Ordering::Equal,
        Operator::NotEqual => order != Ordering::Equal,
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::Greater => order == Ordering::Greater,
        Operator::GreaterOrEqual => order != Ordering::Less,
    })
}
