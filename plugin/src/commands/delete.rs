//! `kubectl daap delete`

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::tombstone::Tombstone;

use super::input::{Input, given, reason};
use super::next;
use crate::cli::{DryRun, parse_duration};
use crate::confirm::confirm;
use crate::context::Context;
use crate::database::{Database, Name, find, tombstones};
use crate::failure::{Class, Failure};
use crate::kubernetes::Kubernetes;
use crate::operation::{self, DELETE_RIGHTS, Deadline, Delete, Manner};
use crate::output::{Formats, OutputFormat, Progress, stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap delete orders -n apps
  kubectl daap delete orders --yes --change-reason \"shop closed\"
  kubectl daap delete orders --purge
  kubectl daap delete orders --force";

/// Arguments of `delete`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct DeleteArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    /// Destroy the data as well; only the record stays
    #[arg(long)]
    purge: bool,
    /// Stop PostgreSQL first, for a database that is not healthy enough to hibernate
    #[arg(long)]
    force: bool,
    /// No error where there is none
    #[arg(long)]
    ignore_not_found: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// How long to try and to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// Write nothing: check that you may delete it and that nothing uses it; `server` asks admission as well
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
    /// How to print: name
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true,
        value_parser = Formats::only(&["name"])
    )]
    output: OutputFormat,
}

/// Deletes a database.
pub(crate) async fn run(context: &Context, args: DeleteArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.name)?;
    let mut input = Input::default();
    let reason = input.optional(
        "--change-reason",
        given(args.change_reason.as_ref()),
        reason,
    );
    if !input.is_good() {
        return Err(Failure::fields(
            format!("database/{name} not deleted"),
            input.into_complaints(),
        )
        .hint("correct it and run the command again; nothing was written"));
    }
    let k8s = context.kubernetes().await?;
    match delete(k8s, &name, &args, reason).await {
        Err(failure) if args.ignore_not_found && failure.classification() == Class::NotFound => {
            Ok(())
        }
        result => result,
    }
}

async fn delete(
    k8s: &Kubernetes,
    name: &DatabaseName,
    args: &DeleteArgs,
    reason: Option<String>,
) -> Result<(), Failure> {
    let database = find(k8s, name).await?;
    if database.is_none() && !is_unfinished(k8s, name).await? {
        return Err(super::not_found(name, k8s));
    }
    k8s.require(&DELETE_RIGHTS, &format!("delete database/{name}"))
        .await?;
    let printed = if args.output == OutputFormat::Name {
        ""
    } else {
        " deleted"
    };
    let manner = Manner {
        purge: args.purge,
        force: args.force,
        reason,
    };
    let mut delete = Delete::new(k8s.clone(), name.clone(), manner);
    if args.dry_run != DryRun::None {
        delete.dry_run(args.dry_run == DryRun::Server).await?;
        return stdout_line(&format!(
            "database/{name}{printed}{}",
            args.dry_run.suffix()
        ));
    }
    if !args.yes {
        let (what, consequence) = question(k8s, name, database.as_ref(), args.purge);
        confirm(&what, consequence, name.as_str()).await?;
    }
    let deadline = Deadline::within(args.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let world = operation::run(&mut delete, deadline, &progress).await?;
    drop(progress);
    super::retained_volumes::say(k8s, &delete.destroyed).await;
    stdout_line(&format!("database/{name}{printed}"))?;
    let namespace = k8s.namespace();
    stderr_line(&match world.tombstone() {
        Some(tombstone) if tombstone.keeps_data() => format!(
            "its data is kept until {}: {}; bring it back with: kubectl daap restore {name} -n {namespace}",
            tombstone.until.strftime("%Y-%m-%d"),
            tombstone.retained.volumes.join(", ")
        ),
        _ => format!("no data is kept; {}", next::record(k8s, name)),
    });
    Ok(())
}

/// Whether a deletion of that name came past the Cluster and no further.
async fn is_unfinished(k8s: &Kubernetes, name: &DatabaseName) -> Result<bool, Failure> {
    use daap_crds::tombstone::Stage;
    Ok(tombstones(k8s, name).await?.iter().any(|found| {
        Tombstone::read(View(found))
            .is_some_and(|tombstone| matches!(tombstone.stage, Stage::Written | Stage::Detached))
    }))
}

/// What is deleted, and what becomes of its data.
fn question(
    k8s: &Kubernetes,
    name: &DatabaseName,
    database: Option<&Database>,
    purge: bool,
) -> (String, &'static str) {
    let owner = database.map_or_else(String::new, |database| {
        format!(" of team {}", database.team())
    });
    let consequence = if purge {
        "its data is destroyed and cannot be brought back"
    } else {
        "connections end, and its data is kept"
    };
    let what = format!(
        "deleting database/{name}{owner} in namespace {}",
        k8s.namespace()
    );
    (what, consequence)
}
