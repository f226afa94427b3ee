//! `kubectl daap purge`

mod expired;

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use daap_crds::names::DatabaseName;

use super::input::{Input, given};
use super::next;
use super::restore::id_prefix;
use super::retained_volumes;
use crate::cli::{DryRun, parse_duration};
use crate::confirm::confirm;
use crate::context::Context;
use crate::database::Name;
use crate::failure::{Class, Failure};
use crate::kubernetes::Kubernetes;
use crate::operation::{self, Deadline, PURGE_RIGHTS, Purge};
use crate::output::{Progress, stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap purge orders -n apps
  kubectl daap purge orders --yes
  kubectl daap purge --expired -A --yes";

/// Arguments of `purge`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct PurgeArgs {
    /// Name of the deleted database
    #[arg(
        value_name = "NAME",
        required_unless_present = "expired",
        conflicts_with = "expired"
    )]
    database: Option<OsString>,
    /// Every deleted database whose time is over; see `list --deleted`
    #[arg(long)]
    expired: bool,
    /// With --expired: in all namespaces
    #[arg(short = 'A', long, requires = "expired")]
    all_namespaces: bool,
    /// Which one, where several of the name were deleted: its id, or how that begins
    #[arg(long, value_name = "UUID", conflicts_with = "expired")]
    id: Option<OsString>,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    /// No error where no data is kept
    #[arg(long)]
    ignore_not_found: bool,
    /// How long to try and to wait, for each database
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// Write nothing: only say what would be destroyed
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
}

/// Destroys what deleted databases left.
pub(crate) async fn run(context: &Context, args: PurgeArgs) -> Result<(), Failure> {
    let k8s = context.kubernetes().await?;
    match &args.database {
        Some(name) => one(k8s, &Name::parse(name)?, &args).await,
        None => expired::run(k8s, &args).await,
    }
}

async fn one(k8s: &Kubernetes, name: &DatabaseName, args: &PurgeArgs) -> Result<(), Failure> {
    let mut input = Input::default();
    let id = input.optional("--id", given(args.id.as_ref()), id_prefix);
    if !input.is_good() {
        return Err(Failure::fields(
            format!("database/{name} not purged"),
            input.into_complaints(),
        ));
    }
    k8s.require(&PURGE_RIGHTS, &format!("purge database/{name}"))
        .await?;
    let mut purge = Purge::new(k8s.clone(), name.clone(), id.clone());
    match operation::check(&mut purge).await {
        Err(failure) if args.ignore_not_found && failure.classification() == Class::NotFound => {
            return Ok(());
        }
        result => result.map(drop)?,
    }
    if !args.yes && args.dry_run == DryRun::None {
        let what = format!(
            "destroying the data of the deleted database '{name}' in namespace {}",
            k8s.namespace()
        );
        confirm(&what, "it cannot be brought back", name.as_str()).await?;
    }
    finish(k8s, name, id, args).await
}

/// Destroys, says what stays, and prints the result.
async fn finish(
    k8s: &Kubernetes,
    name: &DatabaseName,
    id: Option<String>,
    args: &PurgeArgs,
) -> Result<(), Failure> {
    let deadline = Deadline::within(args.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let purge = |k8s| Purge::new(k8s, name.clone(), id);
    if args.dry_run != DryRun::None {
        operation::rehearse(k8s, args.dry_run, purge, deadline, &progress).await?;
        drop(progress);
        return stdout_line(&format!("database/{name} purged{}", args.dry_run.suffix()));
    }
    let mut purge = purge(k8s.clone());
    operation::run(&mut purge, deadline, &progress).await?;
    drop(progress);
    retained_volumes::say(k8s, &purge.destroyed).await;
    stdout_line(&format!("database/{name} purged"))?;
    stderr_line(&next::record(k8s, name));
    Ok(())
}
