//! `kubectl daap explain`

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::context::Context;
use crate::database::{Name, explain};
use crate::failure::Failure;
use crate::output::{Documents, FormatsOr, Shape, stdout, width};

const EXAMPLES: &str = "\
Examples:
  kubectl daap explain orders -n apps
  kubectl daap explain orders -o json
  kubectl daap explain orders -o jsonpath='{.remedy.commands[0]}'";

/// Arguments of `explain`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// Name of the database; it may be deleted
    #[arg(value_name = "NAME")]
    database: OsString,
    /// How to print: json, yaml, jsonpath=…, jsonpath-file=…, go-template=… or go-template-file=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_default_value = true,
        hide_possible_values = true,
        value_parser = FormatsOr::<Own>::without(&["wide", "name", "custom-columns", "custom-columns-file"])
    )]
    output: Shape<Own>,
}

/// Beside the general words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Own {
    /// Sentences
    #[value(hide = true)]
    Text,
}

/// Says why a database is as it is. That it is not as it should be is an answer, and no failure.
pub(crate) async fn run(context: &Context, args: ExplainArgs) -> Result<(), Failure> {
    let ExplainArgs { database, output } = args;
    let name = Name::parse(&database)?;
    let k8s = context.kubernetes().await?;
    let Some(explanation) = Box::pin(explain(k8s, &name)).await? else {
        return Err(super::not_found(&name, k8s));
    };
    let text = || explanation.render(Timestamp::now(), width());
    stdout(&match output {
        Shape::Own(Own::Text) => text(),
        Shape::General(format) => {
            format.render_or(&Documents::One(explanation.document()), true, text)?
        }
    })
}
