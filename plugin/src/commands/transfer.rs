//! `kubectl daap transfer`

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgGroup, Args};
use daap_crds::contract::annotation;
use daap_crds::names::{DatabaseName, Team};

use super::input::{Input, given, reason};
use crate::cli::{DryRun, parse_duration};
use crate::context::Context;
use crate::database::{Name, find};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::operation::{self, Deadline, Half, Transfer};
use crate::output::{Progress, stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap transfer orders --to billing -n apps
  kubectl daap transfer orders --accept --change-reason \"billing runs it now\"
  kubectl daap transfer orders --cancel";

/// Arguments of `transfer`.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new("half").required(true).args(["to", "accept", "cancel"])
)]
pub(crate) struct TransferArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    database: OsString,
    /// Offer it to this team; at once where you own both teams
    #[arg(long, value_name = "TEAM", allow_hyphen_values = true)]
    to: Option<OsString>,
    /// Accept the offer, for the team that receives it
    #[arg(long)]
    accept: bool,
    /// Withdraw the offer
    #[arg(long)]
    cancel: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// How long to try
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = parse_duration)]
    timeout: Duration,
    /// Write nothing: check that it could be done; `server` asks admission as well
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
}

/// Offers a database to another team, accepts such an offer, or withdraws it.
pub(crate) async fn run(context: &Context, args: TransferArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.database)?;
    let mut input = Input::default();
    let to = input.optional("--to", given(args.to.as_ref()), Team::parse);
    let reason = input.optional(
        "--change-reason",
        given(args.change_reason.as_ref()),
        reason,
    );
    if !input.is_good() {
        return Err(Failure::fields(
            format!("database/{name} not transferred"),
            input.into_complaints(),
        )
        .hint("correct it and run the command again; nothing was written"));
    }
    let k8s = context.kubernetes().await?;
    let half = match to {
        Some(team) if k8s.may_own(&team).await? => Half::Move(team),
        Some(team) => Half::Offer(team),
        None if args.accept => Half::Accept,
        None => Half::Cancel,
    };
    let done = match &half {
        Half::Offer(team) => format!("offered to {team}"),
        Half::Move(_) | Half::Accept => "transferred".to_owned(),
        Half::Cancel => "offer withdrawn".to_owned(),
    };
    let deadline = Deadline::within(args.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let transfer = |k8s| Transfer::new(k8s, name.clone(), half.clone(), reason);
    if args.dry_run != DryRun::None {
        operation::rehearse(k8s, args.dry_run, transfer, deadline, &progress).await?;
        drop(progress);
        return stdout_line(&format!("database/{name} {done}{}", args.dry_run.suffix()));
    }
    operation::run(&mut transfer(k8s.clone()), deadline, &progress).await?;
    read_back(k8s, &name, &half).await?;
    drop(progress);
    stdout_line(&format!("database/{name} {done}"))?;
    let namespace = k8s.namespace();
    match &half {
        Half::Offer(team) => stderr_line(&format!(
            "team {team} accepts it with `kubectl daap transfer {name} --accept -n {namespace}`"
        )),
        Half::Move(_) | Half::Accept | Half::Cancel => {}
    }
    Ok(())
}

/// What is printed is what was read.
async fn read_back(k8s: &Kubernetes, name: &DatabaseName, half: &Half) -> Result<(), Failure> {
    let database = find(k8s, name)
        .await?
        .ok_or_else(|| super::not_found(name, k8s))?;
    let offered = database.view().annotation(annotation::OFFERED_TO);
    let as_asked = match half {
        Half::Offer(team) => offered == Some(team.as_str()),
        Half::Move(team) => database.team() == team.as_str(),
        Half::Accept | Half::Cancel => offered.is_none(),
    };
    if as_asked {
        return Ok(());
    }
    Err(Failure::new(format!(
        "database/{name} is owned by team '{}' and offered to {}: somebody else changed it meanwhile",
        database.team(),
        offered.unwrap_or("nobody")
    ))
    .hint("look at it, and run the command again"))
}
