//! `kubectl daap describe`

mod text;

use std::ffi::OsString;

use clap::Args;
use jiff::Timestamp;

use crate::context::Context;
use crate::database::{Description, Name};
use crate::failure::Failure;
use crate::output::{quoted, stdout};

const EXAMPLES: &str = "\
Examples:
  kubectl daap describe orders -n apps
  kubectl daap describe database/orders";

/// Arguments of `describe`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DescribeArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    database: OsString,
    /// Show the events, too: --show-events=false leaves them out
    #[arg(long = "show-events", value_name = "BOOL", default_value_t = true, hide_default_value = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    show_events: bool,
    /// For who knows it from `get`
    #[arg(short = 'o', long, value_name = "FORMAT", hide = true)]
    output: Option<String>,
}

/// Shows everything about one database.
pub(crate) async fn run(context: &Context, args: DescribeArgs) -> Result<(), Failure> {
    let DescribeArgs {
        database,
        show_events,
        output,
    } = args;
    let name = Name::parse(&database)?;
    let k8s = context.kubernetes().await?;
    if let Some(format) = output {
        return Err(Failure::usage(
            "describe has no -o: what it prints is for people, and changes",
        )
        .hint(format!(
            "for a program: kubectl daap get {name} -o {} -n {}",
            quoted(&format),
            k8s.namespace()
        )));
    }
    let Some(description) = Description::read(k8s, &name).await? else {
        return Err(super::get::missing(k8s, &name).await);
    };
    stdout(&text::of(&description, show_events, Timestamp::now()))
}
