//! Printing databases one after the other.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::database::{AGE, Database, columns, document, row};
use crate::failure::Failure;
use crate::output::{Documents, GrowingTable, OutputFlags, OutputFormat, stdout, stdout_line};

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
        let mut names = columns(output, namespaces);
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
        for database in databases {
            let cells = self.cells("ADDED", database);
            self.widths.fit(&cells);
        }
        databases
            .iter()
            .try_for_each(|database| self.print("ADDED", database, document(database)))
    }

    /// Prints a database unless it looks as it did.
    pub(super) fn show(
        &mut self,
        before: Option<&Database>,
        database: &Database,
    ) -> Result<(), Failure> {
        let Some(before) = before else {
            return self.print("ADDED", database, document(database));
        };
        let same = if self.output.output.is_table() {
            self.without_age(before) == self.without_age(database)
        } else {
            document(before) == document(database)
        };
        if same {
            return Ok(());
        }
        self.print("MODIFIED", database, document(database))
    }

    /// Prints a database for the last time.
    pub(super) fn show_deleted(&mut self, database: &Database) -> Result<(), Failure> {
        let mut last = document(database);
        if let Some(status) = last.pointer_mut("/status") {
            *status = json!({"state": "deleted"});
        }
        self.print("DELETED", database, last)
    }

    fn cells(&self, event: &str, database: &Database) -> Vec<String> {
        let mut cells = row(database, self.output, self.namespaces, Timestamp::now());
        if self.events {
            cells.insert(0, event.to_owned());
        }
        if event == "DELETED" {
            for (column, cell) in self.columns.iter().zip(&mut cells) {
                match column.as_str() {
                    STATE => "deleted".clone_into(cell),
                    REASON => cell.clear(),
                    _ => {}
                }
            }
        }
        cells
    }

    fn without_age(&self, database: &Database) -> Vec<String> {
        let cells = self.cells("", database).into_iter().zip(&self.columns);
        cells
            .filter(|(_, column)| column.as_str() != AGE)
            .map(|(cell, _)| cell)
            .collect()
    }

    fn print(&mut self, event: &str, database: &Database, document: Value) -> Result<(), Failure> {
        let first = !std::mem::replace(&mut self.begun, true);
        let headers = first && !self.output.table.no_headers;
        if self.output.output.is_table() {
            if headers {
                stdout_line(&self.widths.line(&self.columns))?;
            }
            return stdout_line(&self.widths.line(&self.cells(event, database)));
        }
        let objects = matches!(self.output.output, OutputFormat::Json | OutputFormat::Yaml);
        let shown = if self.events && objects {
            json!({"type": event, "object": document})
        } else {
            document
        };
        if !first && self.output.output == OutputFormat::Yaml {
            stdout_line("---")?;
        }
        let documents = Documents::One(shown);
        stdout(
            &self
                .output
                .output
                .render_or(&documents, headers, String::new)?,
        )
    }
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
        assert_eq!(printer.without_age(&database), printer.without_age(&grown));
        let cells = printer.cells("DELETED", &database);
        assert_eq!(cells[..5], ["DELETED", "orders", "payments", "deleted", ""]);
    }
}
