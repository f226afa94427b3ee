//! `kubectl daap get`

use std::ffi::OsString;

use clap::Args;
use daap_crds::names::DatabaseName;
use jiff::Timestamp;

use super::list::{self, Filters};
use crate::context::Context;
use crate::database::{
    Name, deleted_document, deleted_table, document, find_or_lost, list_document, table, tombstones,
};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{Format, OutputFlags, json, lines, stdout, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl daap get orders -n apps
  kubectl daap get orders -o yaml
  kubectl daap get orders --deleted
  kubectl daap get";

/// Arguments of `get`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    /// Name of the database; all where none is given
    #[arg(value_name = "NAME")]
    database: Option<OsString>,
    /// Show the deleted databases of that name
    #[arg(long)]
    deleted: bool,
    /// No error where there is none
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    output: OutputFlags,
}

/// Shows one database, or all.
pub(crate) async fn run(context: &Context, args: GetArgs) -> Result<(), Failure> {
    let GetArgs {
        database,
        deleted,
        ignore_not_found,
        filters,
        output,
    } = args;
    let Some(name) = database else {
        return list::show(context, filters, deleted, output).await;
    };
    if filters.any() {
        return Err(Failure::usage("a name and filters do not go together")
            .hint("leave the name out to list, or the filters to get one"));
    }
    let name = Name::parse(&name)?;
    let k8s = context.kubernetes().await?;
    if deleted {
        return get_deleted(k8s, &name, ignore_not_found, output).await;
    }
    let Some(database) = find_or_lost(k8s, &name).await? else {
        if ignore_not_found {
            return Ok(());
        }
        return Err(missing(k8s, &name).await);
    };
    stdout(&match output.output {
        Format::Json => json(&document(&database))?,
        Format::Yaml => yaml(&document(&database))?,
        Format::Name => format!("database/{name}\n"),
        Format::Table | Format::Wide => table(&[database], output, false, Timestamp::now()),
    })
}

async fn get_deleted(
    k8s: &Kubernetes,
    name: &DatabaseName,
    ignore: bool,
    output: OutputFlags,
) -> Result<(), Failure> {
    let found = tombstones(k8s, name).await?;
    if found.is_empty() && !ignore {
        return Err(Failure::new(format!(
            "no deleted database '{name}' in namespace {}",
            k8s.namespace()
        ))
        .hint("list deleted ones: kubectl daap list --deleted"));
    }
    let documents = || {
        list_document(
            &found.iter().map(deleted_document).collect::<Vec<_>>(),
            None,
        )
    };
    stdout(&match output.output {
        Format::Json => json(&documents())?,
        Format::Yaml => yaml(&documents())?,
        Format::Name => lines(found.iter().map(|_| format!("database/{name}"))),
        Format::Table | Format::Wide => deleted_table(&found, output, false, Timestamp::now()),
    })
}

/// Not found, and whether there was one.
async fn missing(k8s: &Kubernetes, name: &DatabaseName) -> Failure {
    let failure = super::not_found(name, k8s);
    match tombstones(k8s, name).await {
        Ok(found) if !found.is_empty() => failure.hint(format!(
            "it was deleted; see: kubectl daap get {name} --deleted -n {}",
            k8s.namespace()
        )),
        _ => failure,
    }
}
