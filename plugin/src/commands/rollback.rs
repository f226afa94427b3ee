//! `kubectl daap rollback`

use std::ffi::OsString;

use clap::Args;
use daap_crds::names::DatabaseName;

use super::input::{Input, given, reason};
use super::next;
use super::written::WriteFlags;
use crate::cli::DryRun;
use crate::context::Context;
use crate::database::Name;
use crate::failure::{Complaint, Failure};
use crate::operation::{self, Deadline, Ready, Rollback};
use crate::output::Progress;

const EXAMPLES: &str = "\
Examples:
  kubectl daap rollback orders --to 2 -n apps
  kubectl daap rollback orders --to 2 --change-reason \"sale is over\" --wait
  kubectl daap rollback orders --to 2 --dry-run=server";

/// Arguments of `rollback`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RollbackArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    database: OsString,
    /// Version whose owner team, purpose, instances and storage are written again, as a new
    /// version; volumes never shrink: where the version had less storage, the storage stays
    #[arg(long, value_name = "VERSION", allow_hyphen_values = true)]
    to: OsString,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// Wait until the database is ready again
    #[arg(long, value_name = "BOOL", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    #[command(flatten)]
    flags: WriteFlags,
}

/// Writes the values of an earlier version again.
pub(crate) async fn run(context: &Context, args: RollbackArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.database)?;
    let (to, reason) = match read(&args) {
        Ok(read) => read,
        Err(complaints) => return Err(unreadable(context, &name, complaints).await),
    };
    let k8s = context.kubernetes().await?;
    let deadline = Deadline::within(args.flags.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let connection = args.flags.dry_run.connection(k8s);
    let mut rollback = Rollback::new(connection, name.clone(), to, reason);
    let changed = if args.flags.dry_run == DryRun::Client {
        operation::check(&mut rollback).await?.is_some()
    } else {
        operation::run(&mut rollback, deadline, &progress).await?;
        rollback.changed
    };
    let done = if changed {
        format!("rolled back to version {to}")
    } else {
        "unchanged".to_owned()
    };
    if args.wait && args.flags.is_real() {
        let mut ready = Ready::new(k8s.clone(), name.clone());
        operation::run(&mut ready, deadline, &progress).await?;
    }
    drop(progress);
    args.flags.print(k8s, &name, &done).await?;
    next::when_ready(k8s, &name, args.wait && args.flags.is_real());
    Ok(())
}

fn read(args: &RollbackArgs) -> Result<(u64, Option<String>), Vec<Complaint>> {
    let mut input = Input::default();
    let to = input.optional("--to", Some(args.to.as_os_str()), version);
    let reason = input.optional(
        "--change-reason",
        given(args.change_reason.as_ref()),
        reason,
    );
    match to {
        Some(to) if input.is_good() => Ok((to, reason)),
        _ => Err(input.into_complaints()),
    }
}

async fn unreadable(context: &Context, name: &DatabaseName, wrong: Vec<Complaint>) -> Failure {
    let failure = Failure::fields(format!("database/{name} not rolled back"), wrong);
    match context.kubernetes().await {
        Ok(k8s) => failure.hint(format!(
            "see its versions: kubectl daap history {name} -n {}; nothing was written",
            k8s.namespace()
        )),
        Err(_) => failure,
    }
}

fn version(text: &str) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!(
            "'{text}' is no version; versions are whole numbers from 1 on"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_whole_numbers_from_1_on() {
        assert_eq!(version("3"), Ok(3));
        for text in ["0", "-1", "two", "1.5", ""] {
            assert!(version(text).is_err(), "{text}");
        }
    }
}
