//! `kubectl daap tree`

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use daap_crds::names::DatabaseName;

use crate::context::Context;
use crate::database::{Name, Node, deleted_tree, tombstones, tree};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{Documents, FormatsOr, Shape, stderr_line, stdout};

const EXAMPLES: &str = "\
Examples:
  kubectl daap tree orders -n apps
  kubectl daap tree orders -o json
  kubectl daap get orders -o tree";

/// Arguments of `tree`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TreeArgs {
    /// Name of the database; it may be deleted
    #[arg(value_name = "NAME")]
    database: OsString,
    /// How to print: json, yaml, jsonpath=…, jsonpath-file=…, go-template=… or go-template-file=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "tree",
        hide_default_value = true,
        hide_possible_values = true,
        value_parser = FormatsOr::<Own>::without(&["wide", "name"])
    )]
    output: Shape<Own>,
    /// Leave out the line of column names
    #[arg(long)]
    no_headers: bool,
}

/// Beside the general words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Own {
    /// Lines
    #[value(hide = true)]
    Tree,
}

/// Shows what a database consists of.
pub(crate) async fn run(context: &Context, args: TreeArgs) -> Result<(), Failure> {
    let TreeArgs {
        database,
        output,
        no_headers,
    } = args;
    let name = Name::parse(&database)?;
    let k8s = context.kubernetes().await?;
    let tree = find(k8s, &name).await?;
    let lines = || tree.render(!no_headers);
    stdout(&match output {
        Shape::Own(Own::Tree) => lines(),
        Shape::General(format) => {
            format.render_or(&Documents::One(tree.document()), !no_headers, lines)?
        }
    })
}

/// Of the one that lives, else of the one that was deleted last.
pub(super) async fn find(k8s: &Kubernetes, name: &DatabaseName) -> Result<Node, Failure> {
    if let Some(tree) = tree(k8s, name).await? {
        return Ok(tree);
    }
    let deleted = tombstones(k8s, name).await?;
    let Some(newest) = deleted.last() else {
        return Err(super::not_found(name, k8s));
    };
    if deleted.len() > 1 {
        stderr_line(&format!(
            "{} deleted databases had this name, and this is the newest; see all: kubectl daap get {name} --deleted -n {}",
            deleted.len(),
            k8s.namespace()
        ));
    }
    deleted_tree(k8s, newest).await
}
