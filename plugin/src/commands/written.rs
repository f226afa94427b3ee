//! What commands that write a database have in common: for how long, whether really, and how the
//! result is printed. What is printed is what was read back.

use std::time::Duration;

use clap::Args;
use daap_crds::names::DatabaseName;

use crate::cli::{DryRun, parse_duration};
use crate::database::{document, find};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{Documents, Formats, OutputFormat, stdout, stdout_line};

/// Flags of commands that write a database.
#[derive(Args, Clone, Debug)]
pub(crate) struct WriteFlags {
    /// How long to try and to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub(super) timeout: Duration,
    /// Write nothing: `client` asks nobody whether it may be, `server` lets admission judge it
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub(super) dry_run: DryRun,
    /// How to print: json, yaml, name, jsonpath=…, jsonpath-file=…, go-template=… or
    /// go-template-file=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true,
        value_parser = Formats::without(&["wide", "custom-columns", "custom-columns-file"])
    )]
    pub(super) output: OutputFormat,
}

impl WriteFlags {
    /// Whether anything is written.
    pub(super) fn is_real(&self) -> bool {
        self.dry_run == DryRun::None
    }

    /// Whether a line says what was done.
    pub(super) fn is_told(&self) -> bool {
        self.output.is_table()
    }

    /// Prints what was done, or the database as it is now.
    pub(super) async fn print(
        &self,
        k8s: &Kubernetes,
        name: &DatabaseName,
        done: &str,
    ) -> Result<(), Failure> {
        match &self.output {
            OutputFormat::Name => stdout_line(&format!("database/{name}")),
            format if self.is_real() && !self.is_told() => {
                let database = find(k8s, name)
                    .await?
                    .ok_or_else(|| super::not_found(name, k8s))?;
                let documents = Documents::One(document(&database));
                stdout(&format.render_or(&documents, true, String::new)?)
            }
            _ => stdout_line(&format!("database/{name} {done}{}", self.dry_run.suffix())),
        }
    }
}
