//! Rows of tables as kubectl prints them: a tenth of the objects. Of a row no more is read than what is
//! asked for, and nothing of it copied.

use std::borrow::Cow;
use std::fmt;

use http::header::{ACCEPT, HeaderValue};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A server that knows no tables sends objects.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// What a row of a table shows of its object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    Cells,
    /// The metadata, too.
    Metadata,
}

/// Asks for a table instead of objects.
pub(super) fn of_table(
    mut request: http::Request<Vec<u8>>,
    shown: Shown,
) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
    let object = match shown {
        Shown::Cells => "None",
        Shown::Metadata => "Metadata",
    };
    let separator = if request.uri().query().is_some() {
        '&'
    } else {
        '?'
    };
    let uri = format!("{}{separator}includeObject={object}", request.uri());
    let uri: Result<http::Uri, http::Error> = uri.parse().map_err(http::Error::from);
    *request.uri_mut() = uri.map_err(kube::core::request::Error::BuildRequest)?;
    { request.headers_mut() }.insert(ACCEPT, HeaderValue::from_static(TABLE));
    Ok(request)
}

/// An object by its name; of all of it, no more is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named<'a> {
    #[serde(borrow)]
    pub(super) metadata: Name<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Name<'a> {
    #[serde(borrow)]
    pub(super) namespace: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
}

/// A row of a table.
#[derive(Debug, Default)]
pub(crate) struct Row<'a> {
    /// Empty where the server says none, because only one was asked for.
    pub(crate) namespace: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    /// The column that was asked for.
    pub(crate) value: Value,
}

/// Where the columns of the name and of the value stand.
#[derive(Debug)]
pub(super) struct Columns<'a> {
    /// What the column of the value is called.
    wanted: &'a str,
    known: usize,
    name_at: Option<usize>,
    value_at: Option<usize>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// Copied only where it is escaped.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Columns<'a> {
    pub(super) fn wanted(wanted: &'a str) -> Self {
        Self {
            wanted,
            known: 0,
            name_at: None,
            value_at: None,
        }
    }

    /// The next column, by its definition.
    pub(super) fn add(&mut self, definition: &[u8]) -> serde_json::Result<()> {
        let Column { name } = serde_json::from_slice(definition)?;
        if name == "Name" {
            self.name_at = Some(self.known);
        }
        if name == self.wanted {
            self.value_at = Some(self.known);
        }
        self.known += 1;
        Ok(())
    }

    pub(super) fn row<'de>(&self, json: &'de [u8]) -> serde_json::Result<Row<'de>> {
        serde_json::Deserializer::from_slice(json).deserialize_map(WholeRow(self))
    }
}

struct WholeRow<'a>(&'a Columns<'a>);

impl<'de> Visitor<'de> for WholeRow<'_> {
    type Value = Row<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row of a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        let (mut row, mut metadata) = (Row::default(), Name::default());
        while let Some(Text(field)) = map.next_key()? {
            match &*field {
                "cells" => map.next_value_seed(Cells(self.0, &mut row))?,
                "object" => {
                    let object: Option<Named<'_>> = map.next_value()?;
                    metadata = object.unwrap_or_default().metadata;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        row.namespace = metadata.namespace;
        if row.name.is_empty() {
            row.name = metadata.name;
        }
        Ok(row)
    }
}

/// Reads the name and the value into the row.
struct Cells<'a, 'de>(&'a Columns<'a>, &'a mut Row<'de>);

impl<'de> DeserializeSeed<'de> for Cells<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the cells of a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        let Self(columns, row) = self;
        for at in 0_usize.. {
            let read = if columns.name_at == Some(at) {
                { cells.next_element()? }.map(|Text(name)| row.name = name)
            } else if columns.value_at == Some(at) {
                { cells.next_element()? }.map(|value| row.value = value)
            } else {
                { cells.next_element()? }.map(|IgnoredAny| ())
            };
            if read.is_none() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: [&str; 3] = [
        r#"{"name": "Name", "type": "string"}"#,
        r#"{"name": "Ready", "type": "string"}"#,
        r#"{"name": "Available", "type": "integer"}"#,
    ];

    fn read(columns: &[&str], row: &Value) -> serde_json::Result<(String, String, Value)> {
        let mut known = Columns::wanted("Available");
        for column in columns {
            known.add(column.as_bytes()).unwrap();
        }
        let text = row.to_string();
        let row = known.row(text.as_bytes())?;
        Ok((row.namespace.into(), row.name.into(), row.value))
    }

    #[test]
    fn takes_the_name_and_the_value_that_is_asked_for() {
        let object =
            json!({"metadata": {"namespace": "apps", "name": "orders", "managedFields": []}});
        let row = json!({"cells": ["orders", "1/2", 1, "7d"], "object": object, "conditions": []});
        let expected = |value: Value| ("apps".to_owned(), "orders".to_owned(), value);
        assert_eq!(read(&COLUMNS, &row).unwrap(), expected(json!(1)));
        assert_eq!(read(&COLUMNS[..2], &row).unwrap(), expected(Value::Null));
        assert_eq!(read(&COLUMNS[1..2], &row).unwrap(), expected(Value::Null));
        let without_cells = json!({"cells": [], "object": object});
        assert_eq!(
            read(&COLUMNS, &without_cells).unwrap(),
            expected(Value::Null)
        );
    }

    #[test]
    fn where_nothing_but_cells_is_sent_the_namespace_is_not_known() {
        let expected = (String::new(), "or\"ders".to_owned(), json!(1));
        for object in [json!(null), json!({})] {
            let row = json!({"cells": ["or\"ders", "1/2", 1], "object": object});
            assert_eq!(read(&COLUMNS, &row).unwrap(), expected);
        }
        let short = json!({"cells": ["orders"]});
        let expected = (String::new(), "orders".to_owned(), Value::Null);
        assert_eq!(read(&COLUMNS, &short).unwrap(), expected);
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for wrong in [json!([]), json!({"cells": {}}), json!({"cells": [1]})] {
            assert!(read(&COLUMNS, &wrong).is_err(), "{wrong}");
        }
    }
}
