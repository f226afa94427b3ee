//! `-o custom-columns=…`: a table of one's own.

use serde_json::Value;

use super::go;
use super::jsonpath::JsonPath;
use crate::output::Table;

/// kubectl's narrowest column, the gap to the next one left out.
const NARROWEST: u16 = 3;

/// The columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Columns(Vec<Column>);

#[derive(Clone, Debug, PartialEq)]
struct Column {
    header: String,
    path: JsonPath,
}

impl Columns {
    /// Reads `NAME:.metadata.name,TEAM:.record.ownerTeam`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(columns: &str) -> Result<Self, String> {
        let read = columns.split(',').map(|column| {
            let (header, path) = column.split_once(':').ok_or_else(|| {
                format!(
                    "'{column}' is no column; write each as HEADER:PATH, as in NAME:.metadata.name"
                )
            })?;
            Column::new(header, path)
        });
        read.collect::<Result<_, String>>().map(Self)
    }

    /// Reads two lines: the headers, and below each its path.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse_lines(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let mut words = || lines.next().unwrap_or_default().split_whitespace();
        let (headers, paths): (Vec<_>, Vec<_>) = (words().collect(), words().collect());
        if headers.is_empty() || headers.len() != paths.len() {
            return Err(format!(
                "it has {} headers and {} paths; write the headers on the first line and a path for each on the second",
                headers.len(),
                paths.len()
            ));
        }
        let read = headers
            .into_iter()
            .zip(paths)
            .map(|(header, path)| Column::new(header, path));
        read.collect::<Result<_, String>>().map(Self)
    }

    /// A line for each document.
    ///
    /// # Errors
    /// As of [`JsonPath::render`].
    pub(crate) fn render(&self, documents: &[Value], headers: bool) -> Result<String, String> {
        let mut table = Table::new(self.headers()).narrowest(NARROWEST);
        for document in documents {
            table.row_as_it_is(self.cells(document)?);
        }
        Ok(table.render(headers))
    }

    /// Of each column.
    pub(crate) fn headers(&self) -> Vec<String> {
        let headers = self.0.iter().map(|column| column.header.clone());
        headers.collect()
    }

    /// What each column has of a document.
    ///
    /// # Errors
    /// As of [`JsonPath::render`].
    pub(crate) fn cells(&self, document: &Value) -> Result<Vec<String>, String> {
        self.0.iter().map(|column| column.cell(document)).collect()
    }
}

impl Column {
    fn new(header: &str, path: &str) -> Result<Self, String> {
        Ok(Self {
            header: header.to_owned(),
            path: JsonPath::relaxed(path)?,
        })
    }

    fn cell(&self, document: &Value) -> Result<String, String> {
        let found = self.path.find(document)?;
        if found.is_empty() {
            return Ok("<none>".to_owned());
        }
        let found: Vec<String> = found.into_iter().map(go::sprint).collect();
        Ok(found.join(","))
    }
}
