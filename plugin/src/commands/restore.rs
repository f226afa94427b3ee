//! `kubectl daap restore`

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use daap_crds::names::DatabaseName;
use daap_crds::pending::OperationName;

use super::input::{Input, given, reason, text};
use crate::cli::{DryRun, parse_duration};
use crate::context::Context;
use crate::database::{Name, document, find};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::operation::{self, Deadline, RESTORE_RIGHTS, Ready, Restore, Until, Wish};
use crate::output::{Format, Progress, json, stdout, stdout_line, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl daap list --deleted -n apps
  kubectl daap restore orders -n apps
  kubectl daap restore orders --id 67e55044 --change-reason \"deleted by mistake\"
  kubectl daap restore orders --image ghcr.io/cloudnative-pg/postgresql:17.6";

/// Arguments of `restore`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// Name of the deleted database
    #[arg(value_name = "NAME")]
    database: OsString,
    /// Which one, where several of the name were deleted: its id, or how that begins
    #[arg(long, value_name = "UUID")]
    id: Option<OsString>,
    /// Another image of the same PostgreSQL major [default: the one that it had]
    #[arg(long, value_name = "IMAGE")]
    image: Option<OsString>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// Wait until the database is ready
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
    /// Write nothing: `client` checks that it can be restored, `server` lets admission judge it
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
    /// How to print: json, yaml or name
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true
    )]
    output: Format,
}

/// Brings a deleted database back.
pub(crate) async fn run(context: &Context, args: RestoreArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.database)?;
    let mut input = Input::default();
    let wish = Wish {
        id: input.optional("--id", given(args.id.as_ref()), id_prefix),
        image: input.optional("--image", given(args.image.as_ref()), text),
        reason: input.optional(
            "--change-reason",
            given(args.change_reason.as_ref()),
            reason,
        ),
    };
    if !input.is_good() {
        return Err(Failure::fields(
            format!("database/{name} not restored"),
            input.into_complaints(),
        )
        .hint("correct it and run the command again; nothing was written"));
    }
    let k8s = context.kubernetes().await?;
    let mut restore = Restore::new(k8s.clone(), name.clone(), wish);
    match args.dry_run {
        DryRun::None => {
            // Before the rights: what cannot be restored needs none.
            restore.check().await?;
            k8s.require(&RESTORE_RIGHTS, &format!("restore database/{name}"))
                .await?;
            let deadline = Deadline::within(args.timeout);
            let progress = Progress::new(&format!("database/{name}"));
            finish(k8s, &name, restore, args.wait, deadline, &progress).await?;
        }
        DryRun::Client => restore.check().await?,
        DryRun::Server => restore.dry_run().await?,
    }
    print(k8s, &name, &args).await
}

/// From wherever the restore is to its end: the tombstone goes last.
pub(super) async fn finish(
    k8s: &Kubernetes,
    name: &DatabaseName,
    mut restore: Restore,
    wait: bool,
    deadline: Deadline,
    progress: &Progress,
) -> Result<(), Failure> {
    operation::run(&mut restore, deadline, progress).await?;
    if wait {
        let mut ready = Ready::new(k8s.clone(), name.clone()).while_pending(OperationName::Restore);
        operation::run(&mut ready, deadline, progress).await?;
    }
    restore.until = Until::Finished;
    operation::run(&mut restore, deadline, progress).await?;
    if !wait {
        progress.note(&format!(
            "it becomes ready by itself; follow it with: kubectl daap get {name} -n {}",
            k8s.namespace()
        ));
    }
    Ok(())
}

async fn print(k8s: &Kubernetes, name: &DatabaseName, args: &RestoreArgs) -> Result<(), Failure> {
    match args.output {
        Format::Name => stdout_line(&format!("database/{name}")),
        Format::Json | Format::Yaml if args.dry_run == DryRun::None => {
            let database = find(k8s, name)
                .await?
                .ok_or_else(|| super::not_found(name, k8s))?;
            let document = document(&database);
            stdout(&if args.output == Format::Json {
                json(&document)?
            } else {
                yaml(&document)?
            })
        }
        _ => stdout_line(&format!(
            "database/{name} restored{}",
            args.dry_run.suffix()
        )),
    }
}

/// The beginning of a UUID.
pub(super) fn id_prefix(text: &str) -> Result<String, String> {
    let is_hex = |c: char| c.is_ascii_hexdigit() || c == '-';
    if text.is_empty() || text.len() > 36 || !text.chars().all(is_hex) {
        return Err(format!(
            "'{text}' is no id, nor how one begins: it is made of hexadecimal digits and hyphens, as 67e55044"
        ));
    }
    Ok(text.to_lowercase())
}
