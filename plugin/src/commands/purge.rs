//! `kubectl daap purge`

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;

use crate::cli::parse_duration;
use crate::confirm::confirm;
use crate::context::Context;
use crate::database::Name;
use crate::failure::{Class, Failure};
use crate::operation::{self, Deadline, PURGE_RIGHTS, Purge};
use crate::output::{Progress, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap purge orders -n apps
  kubectl daap purge orders --yes";

/// Arguments of `purge`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PurgeArgs {
    /// Name of the deleted database
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    /// No error where no data is kept
    #[arg(long)]
    ignore_not_found: bool,
    /// How long to try and to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
}

/// Destroys what a deleted database left.
pub(crate) async fn run(context: &Context, args: PurgeArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.name)?;
    let k8s = context.kubernetes().await?;
    k8s.require(&PURGE_RIGHTS, &format!("purge database/{name}"))
        .await?;
    let mut purge = Purge::new(k8s.clone(), name.clone());
    match purge.check().await {
        Err(failure) if args.ignore_not_found && failure.classification() == Class::NotFound => {
            return Ok(());
        }
        result => result?,
    }
    if !args.yes {
        let what = format!(
            "destroying the data of the deleted database '{name}' in namespace {}",
            k8s.namespace()
        );
        confirm(&what, "it cannot be brought back", name.as_str())?;
    }
    let deadline = Deadline::within(args.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    operation::run(&mut purge, deadline, &progress).await?;
    drop(progress);
    stdout_line(&format!("database/{name} purged"))
}
