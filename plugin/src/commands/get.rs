//! `kubectl daap get`

use std::ffi::{OsStr, OsString};

use clap::{Args, ValueEnum};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::state::State;
use daap_crds::tombstone::Tombstone;
use jiff::Timestamp;
use serde_json::Value;

use super::list::{self, Filters, WatchFlags};
use crate::context::Context;
use crate::database::{
    Name, deleted_document, deleted_table, document, find_or_lost, table, tombstones,
};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{Documents, FormatsOr, OutputFlags, Shape, TableFlags, stderr_line, stdout};

const EXAMPLES: &str = "\
Examples:
  kubectl daap get orders -n apps
  kubectl daap get orders -o yaml
  kubectl daap get orders -o tree
  kubectl daap get orders -w
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
    watch: WatchFlags,
    /// How to print: tree, wide, json, yaml, name, jsonpath=…, jsonpath-file=…, custom-columns=…,
    /// custom-columns-file=…, go-template=… or go-template-file=…, as kubectl does, also
    /// with --template=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Output flags",
        value_parser = FormatsOr::<Own>::without(&[])
    )]
    output: Shape<Own>,
    #[command(flatten)]
    table: TableFlags,
}

/// What [`OutputFlags`] has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Own {
    /// What one database consists of
    Tree,
}

/// Shows one database, or all.
pub(crate) async fn run(context: &Context, args: GetArgs) -> Result<(), Failure> {
    let GetArgs {
        database,
        deleted,
        ignore_not_found,
        filters,
        watch,
        output,
        table: table_flags,
    } = args;
    let output = match output {
        Shape::Own(Own::Tree) => {
            refuse_beside_tree(deleted, watch, &filters)?;
            return show_tree(context, database.as_deref(), table_flags.no_headers).await;
        }
        Shape::General(output) => OutputFlags {
            output,
            table: table_flags,
        },
    };
    let Some(name) = database else {
        return list::show(context, filters, deleted, watch, output).await;
    };
    if filters.any() {
        return Err(Failure::usage("a name and filters do not go together")
            .hint("leave the name out to list, or the filters to get one"));
    }
    if deleted && watch.is_given() {
        return Err(list::deleted_do_not_change());
    }
    let name = Name::parse(&name)?;
    let k8s = context.kubernetes().await?;
    if deleted {
        return get_deleted(k8s, &name, ignore_not_found, &output).await;
    }
    let Some(database) = find_or_lost(k8s, &name).await? else {
        if ignore_not_found {
            return Ok(());
        }
        return Err(missing(k8s, &name).await);
    };
    if watch.is_given() {
        return list::follow_one(k8s, database, watch, &output).await;
    }
    let is_wrong = database.status().state == State::Error;
    let documents = Documents::One(document(&database));
    let headers = !output.table.no_headers;
    stdout(&output.output.render_or(&documents, headers, || {
        table(&[database], &output, false, Timestamp::now())
    })?)?;
    if is_wrong && output.output.is_table() {
        stderr_line(&format!(
            "see why, and what to do: kubectl daap explain {name} -n {}",
            k8s.namespace()
        ));
    }
    Ok(())
}

/// What a tree has no use for.
fn refuse_beside_tree(deleted: bool, watch: WatchFlags, filters: &Filters) -> Result<(), Failure> {
    let (wrong, hint) = if watch.is_given() {
        (
            "a tree is not watched",
            "leave -o tree out to follow the state, or -w to see the tree once",
        )
    } else if deleted {
        (
            "a deleted database consists of nothing that a tree could show",
            "-o yaml shows what is kept of it",
        )
    } else if filters.any() {
        ("a tree is of one database", "give its name, and no filters")
    } else {
        return Ok(());
    };
    Err(Failure::usage(wrong).hint(hint))
}

async fn show_tree(
    context: &Context,
    name: Option<&OsStr>,
    no_headers: bool,
) -> Result<(), Failure> {
    let Some(name) = name else {
        return Err(Failure::usage("a tree is of one database").hint("give its name"));
    };
    let name = Name::parse(name)?;
    let k8s = context.kubernetes().await?;
    let tree = super::tree::find(k8s, &name).await?;
    stdout(&tree.render(!no_headers))
}

async fn get_deleted(
    k8s: &Kubernetes,
    name: &DatabaseName,
    ignore: bool,
    output: &OutputFlags,
) -> Result<(), Failure> {
    let found = tombstones(k8s, name).await?;
    if found.is_empty() && !ignore {
        return Err(Failure::new(format!(
            "no deleted database '{name}' in namespace {}",
            k8s.namespace()
        ))
        .hint(format!(
            "list deleted ones: kubectl daap list --deleted -n {}",
            k8s.namespace()
        )));
    }
    let now = Timestamp::now();
    let items = found
        .iter()
        .map(|tombstone| deleted_document(tombstone, now));
    let documents = Documents::list(items);
    let headers = !output.table.no_headers;
    stdout(&output.output.render_or(&documents, headers, || {
        deleted_table(&found, output, false, now)
    })?)
}

/// Not found, and whether there was one.
pub(super) async fn missing(k8s: &Kubernetes, name: &DatabaseName) -> Failure {
    let failure = super::not_found(name, k8s);
    match tombstones(k8s, name).await {
        Ok(found) if found.iter().any(keeps_data) => failure.hint(format!(
            "it was deleted; bring it back: kubectl daap restore {name} -n {}",
            k8s.namespace()
        )),
        Ok(found) if !found.is_empty() => failure.hint(format!(
            "it was deleted, and its data destroyed; see: kubectl daap history {name} -n {}",
            k8s.namespace()
        )),
        _ => failure,
    }
}

fn keeps_data(tombstone: &Value) -> bool {
    Tombstone::read(View(tombstone)).is_some_and(|tombstone| tombstone.keeps_data())
}
