//! Printing databases one after the other.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::database::{AGE, Database, columns, document, row};
use crate::failure::Failure;
use crate::output::{Documents, GrowingTable, OutputFlags, OutputFormat, stdout, stdout_line};

/// As kubectl calls what happens.
const ADDED: &str = "ADDED";
const MODIFIED: &str = "MODIFIED";
const DELETED: &str = "DELETED";
const STATE: &str = "STATE";
const REASON: &str = "REASON";

/// Prints databases one after the other, the columns as wide as what came before.
pub(super) struct Printer<'a> {
    output: &'a OutputFlags,
    namespaces: bool,
    /// Whether it is said what happened.
    events: bool,
    widths: GrowingTable,
    columns: Vec<String>,
    begun: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(output: &'a OutputFlags, namespaces: bool, events: bool) -> Self {
        let mut names = match &output.output {
            OutputFormat::Columns(columns) => columns.headers(),
            _ => columns(output, namespaces),
        };
        if events {
            names.insert(0, "EVENT".to_owned());
        }
        Self {
            output,
            namespaces,
            events,
            widths: GrowingTable::default(),
            columns: names,
            begun: false,
        }
    }

    /// Prints what is there at the beginning.
    pub(super) fn begin(&mut self, databases: &[Database]) -> Result<(), Failure> {
        if self.has_columns() {
            for database in databases {
                let cells = self.cells(ADDED, database)?;
                self.widths.fit(&cells);
            }
        }
        databases
            .iter()
            .try_for_each(|database| self.print(ADDED, database))
    }

    /// Prints a database unless it looks as it did.
    pub(super) fn show(
        &mut self,
        before: Option<&Database>,
        database: &Database,
    ) -> Result<(), Failure> {
        let Some(before) = before else {
            return self.print(ADDED, database);
        };
        let same = if self.has_columns() {
            self.without_age(before)? == self.without_age(database)?
        } else {
            document(before) == document(database)
        };
        if same {
            return Ok(());
        }
        self.print(MODIFIED, database)
    }

    /// Prints a database for the last time.
    pub(super) fn show_deleted(&mut self, database: &Database) -> Result<(), Failure> {
        self.print(DELETED, database)
    }

    fn has_columns(&self) -> bool {
        self.output.output.is_table() || matches!(self.output.output, OutputFormat::Columns(_))
    }

    fn cells(&self, event: &str, database: &Database) -> Result<Vec<String>, Failure> {
        let mut cells = match &self.output.output {
            OutputFormat::Columns(columns) => columns
                .cells(&shown(event, database))
                .map_err(Failure::new)?,
            _ => row(database, self.output, self.namespaces, Timestamp::now()),
        };
        if self.events {
            cells.insert(0, event.to_owned());
        }
        if event == DELETED && self.output.output.is_table() {
            for (column, cell) in self.columns.iter().zip(&mut cells) {
                match column.as_str() {
                    STATE => "deleted".clone_into(cell),
                    REASON => cell.clear(),
                    _ => {}
                }
            }
        }
        Ok(cells)
    }

    fn without_age(&self, database: &Database) -> Result<Vec<String>, Failure> {
        let cells = self.cells(MODIFIED, database)?.into_iter();
        Ok(cells
            .zip(&self.columns)
            .filter(|(_, column)| column.as_str() != AGE)
            .map(|(cell, _)| cell)
            .collect())
    }

    fn print(&mut self, event: &str, database: &Database) -> Result<(), Failure> {
        let first = !std::mem::replace(&mut self.begun, true);
        if self.has_columns() {
            if first && !self.output.table.no_headers {
                stdout_line(&self.widths.line(&self.columns))?;
            }
            let cells = self.cells(event, database)?;
            return stdout_line(&self.widths.line(&cells));
        }
        let objects = matches!(self.output.output, OutputFormat::Json | OutputFormat::Yaml);
        let mut shown = shown(event, database);
        if self.events && objects {
            shown = json!({"type": event, "object": shown});
        }
        if !first && self.output.output == OutputFormat::Yaml {
            stdout_line("---")?;
        }
        let documents = Documents::One(shown);
        let text = self
            .output
            .output
            .render_or(&documents, false, String::new)?;
        stdout(&text)
    }
}

/// A deleted database as it was, and that it is deleted.
fn shown(event: &str, database: &Database) -> Value {
    let mut document = document(database);
    if event == DELETED
        && let Some(status) = document.pointer_mut("/status")
    {
        *status = json!({"state": "deleted"});
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fixtures;

    #[test]
    fn only_what_is_seen_in_the_row_is_a_change() {
        let output = OutputFlags::default();
        let printer = Printer::new(&output, false, true);
        let database = fixtures::ready("orders");
        let mut grown = database.clone();
        grown.cluster["spec"]["storage"]["size"] = "2Gi".into();
        let seen = |database| printer.without_age(database).unwrap();
        assert_eq!(seen(&database), seen(&grown));
        let cells = printer.cells(DELETED, &database).unwrap();
        assert_eq!(cells[..5], ["DELETED", "orders", "payments", "deleted", ""]);
    }
}
