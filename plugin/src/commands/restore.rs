//! `kubectl daap restore`

use std::ffi::OsString;

use clap::Args;
use daap_crds::names::DatabaseName;
use daap_crds::pending::OperationName;

use super::input::{Input, given, reason, text};
use super::next;
use super::written::WriteFlags;
use crate::context::Context;
use crate::database::Name;
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::operation::{self, Deadline, RESTORE_RIGHTS, Ready, Restore, Until, Wish};
use crate::output::{Progress, stderr_line};

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
    #[command(flatten)]
    flags: WriteFlags,
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
    let deadline = Deadline::within(args.flags.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let restore = |k8s| Restore::new(k8s, name.clone(), wish);
    if args.flags.is_real() {
        let mut restore = restore(k8s.clone());
        // Before the rights: what cannot be restored needs none.
        operation::check(&mut restore).await?;
        k8s.require(&RESTORE_RIGHTS, &format!("restore database/{name}"))
            .await?;
        finish(k8s, &name, restore, args.wait, deadline, &progress).await?;
    } else {
        operation::rehearse(k8s, args.flags.dry_run, restore, deadline, &progress).await?;
    }
    drop(progress);
    args.flags.print(k8s, &name, "restored").await?;
    if args.flags.is_real() && !args.wait {
        stderr_line(&next::follow(k8s, &name));
    }
    next::when_ready(k8s, &name, args.wait && args.flags.is_real());
    Ok(())
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
    Ok(())
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
