//! Events as they happen.

use std::collections::HashMap;

use daap_crds::object::View;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::Value;

use super::Wish;
use crate::database::events::{concerns, header, resource_version, row, whole};
use crate::failure::{Class, Failure};
use crate::kubernetes::{Change, Kind, Kubernetes};
use crate::output::{Documents, GrowingTable, OutputFormat, stderr_line, stdout, stdout_line};

/// Prints what was found, and from then on what is new, until it is interrupted.
pub(super) async fn run(k8s: &Kubernetes, wish: &Wish, found: &[Value]) -> Result<(), Failure> {
    let mut printer = Printer::new(wish);
    printer.begin(found)?;
    let mut changes = std::pin::pin!(k8s.watch(Kind::Event, Some(k8s.namespace()), ""));
    while let Some(change) = changes.next().await {
        match change {
            Ok(Change::Seen(event)) => printer.show(&whole(event))?,
            // That it is forgotten is no news.
            Ok(Change::Began | Change::Gone(_) | Change::Complete) => {}
            // Otherwise it goes on by itself.
            Err(failure) if failure.classification() == Class::Forbidden => return Err(failure),
            Err(failure) => stderr_line(&format!("Warning: {failure}; trying again")),
        }
    }
    Ok(())
}

/// Prints each event once.
struct Printer<'a> {
    wish: &'a Wish,
    columns: GrowingTable,
    /// Versions of the events that were printed, by their uid: a watch that begins again tells of
    /// all of them anew.
    shown: HashMap<String, String>,
}

impl<'a> Printer<'a> {
    fn new(wish: &'a Wish) -> Self {
        Self {
            wish,
            columns: GrowingTable::default(),
            shown: HashMap::new(),
        }
    }

    fn is_wide(&self) -> bool {
        self.wish.output.is_wide()
    }

    fn is_table(&self) -> bool {
        self.wish.output.is_table()
    }

    fn begin(&mut self, found: &[Value]) -> Result<(), Failure> {
        let now = Timestamp::now();
        let header = header(self.is_wide());
        if self.is_table() {
            self.columns.fit(&header);
            for event in found {
                self.columns.fit(&row(View(event), self.is_wide(), now));
            }
            if self.wish.headers {
                stdout_line(&self.columns.line(&header))?;
            }
        }
        found.iter().try_for_each(|event| self.show(event))
    }

    fn show(&mut self, event: &Value) -> Result<(), Failure> {
        let view = View(event);
        if !concerns(view, self.wish.name.as_ref()) || !self.wish.wants(view) {
            return Ok(());
        }
        let version = resource_version(view).to_owned();
        let before = self.shown.insert(view.uid().to_owned(), version.clone());
        if before == Some(version) {
            return Ok(());
        }
        if self.is_table() {
            let row = row(view, self.is_wide(), Timestamp::now());
            return stdout_line(&self.columns.line(&row));
        }
        let document = Documents::One(event.clone());
        let text = self.wish.output.render(&document, false)?;
        // As kubectl does: documents of a stream have to be told apart.
        let between = match self.wish.output {
            OutputFormat::Yaml => "---\n",
            _ => "",
        };
        stdout(&format!("{between}{}", text.unwrap_or_default()))
    }
}
