//! `kubectl daap update`

use std::ffi::OsString;

use clap::Args;
use daap_crds::names::Team;
use daap_crds::purpose::Purpose;
use daap_crds::size::Size;

use super::input::{Input, count, given, reason};
use super::next;
use super::written::WriteFlags;
use crate::cli::DryRun;
use crate::context::Context;
use crate::database::Name;
use crate::failure::Failure;
use crate::operation::{self, Changes, Deadline, Ready, Update};
use crate::output::{Progress, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap update orders --purpose \"order intake and returns\" -n apps
  kubectl daap update orders --instances 3 --change-reason \"black friday\"
  kubectl daap update orders --owner-team billing";

/// Arguments of `update`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UpdateArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    database: OsString,
    /// Team that owns it from now on
    #[arg(long, value_name = "TEAM", allow_hyphen_values = true)]
    owner_team: Option<OsString>,
    /// What it is for
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    purpose: Option<OsString>,
    /// PostgreSQL instances, the primary included
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    instances: Option<OsString>,
    /// Size of each instance's volume; volumes never shrink
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    storage: Option<OsString>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// Refused: a name never changes
    #[arg(long, hide = true, value_name = "NAME")]
    name: Option<OsString>,
    /// Refused: an id never changes
    #[arg(long, hide = true, value_name = "UUID")]
    id: Option<OsString>,
    /// Wait until the database is ready again
    #[arg(long, value_name = "BOOL", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    #[command(flatten)]
    flags: WriteFlags,
}

/// Changes a database.
pub(crate) async fn run(context: &Context, args: UpdateArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.database)?;
    let changes = read(&args)?;
    if args.flags.dry_run == DryRun::Client {
        return stdout_line(&format!(
            "database/{name} updated{}",
            args.flags.dry_run.suffix()
        ));
    }
    let k8s = context.kubernetes().await?;
    let deadline = Deadline::within(args.flags.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let mut update = Update::new(args.flags.dry_run.connection(k8s), name.clone(), changes);
    operation::run(&mut update, deadline, &progress).await?;
    let done = if update.changed {
        "updated"
    } else {
        "unchanged"
    };
    if args.wait && args.flags.is_real() {
        operation::run(
            &mut Ready::new(k8s.clone(), name.clone()),
            deadline,
            &progress,
        )
        .await?;
    }
    drop(progress);
    args.flags.print(k8s, &name, done).await?;
    next::when_ready(k8s, &name, args.wait && args.flags.is_real());
    Ok(())
}

fn read(args: &UpdateArgs) -> Result<Changes, Failure> {
    let mut input = Input::default();
    let changes = Changes {
        team: input.optional("--owner-team", given(args.owner_team.as_ref()), Team::parse),
        purpose: input.optional("--purpose", given(args.purpose.as_ref()), Purpose::parse),
        instances: input.optional("--instances", given(args.instances.as_ref()), count),
        storage: input.optional("--storage", given(args.storage.as_ref()), Size::parse),
        reason: input.optional(
            "--change-reason",
            given(args.change_reason.as_ref()),
            reason,
        ),
        ..Changes::default()
    };
    if args.name.is_some() {
        input.complain("--name", "the name of a database never changes: its objects, clients and history carry it; create another and move the data");
    }
    if args.id.is_some() {
        input.complain(
            "--id",
            "the id of a database never changes: it is what tells it from others of the same name",
        );
    }
    let name = args.database.to_string_lossy();
    if !input.is_good() {
        return Err(Failure::fields(
            format!("database/{name} not changed"),
            input.into_complaints(),
        )
        .hint("correct them and run the command again; nothing was written"));
    }
    let nothing = changes.team.is_none()
        && changes.purpose.is_none()
        && changes.instances.is_none()
        && changes.storage.is_none();
    if nothing {
        return Err(Failure::usage("nothing to change was given")
            .hint("give --owner-team, --purpose, --instances or --storage"));
    }
    Ok(changes)
}
