//! `kubectl daap history`

mod generation;
mod instant;
pub(super) mod show;

use std::ffi::OsString;

use clap::Args;
use daap_crds::contract::{annotation, label};
use daap_crds::history::{History, Then, Version, verify_object};
use daap_crds::names::DatabaseName;
use jiff::Timestamp;

use super::input::{Input, given, text};
use super::version;
use crate::context::Context;
use crate::database::Name;
use crate::failure::{Complaint, Failure};
use crate::kubernetes::Kubernetes;
use crate::output::{Documents, Formats, OutputFormat, stderr_line, stdout, stdout_line};
use generation::Generation;

const EXAMPLES: &str = "\
Examples:
  kubectl daap history orders -n apps
  kubectl daap history orders --at 2h
  kubectl daap history orders --at 2026-11-21T08:00:00Z -o yaml
  kubectl daap history orders --verify";

/// Arguments of `history`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HistoryArgs {
    /// Name of the database; it may be deleted
    #[arg(value_name = "NAME")]
    database: OsString,
    /// Which of those that have had the name: its id, or the beginning of it
    #[arg(long, value_name = "UUID", allow_hyphen_values = true)]
    id: Option<OsString>,
    /// Show the record as it was then: RFC 3339, a date, or how long ago (90m, 2h, 3d)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<OsString>,
    /// Check that the history is consistent: versions without a gap, times that tile, the last one
    /// equal to the record. It proves no more: who may switch the webhook off can rewrite a history
    #[arg(long, conflicts_with = "at")]
    verify: bool,
    /// How to print: wide, json, yaml, jsonpath=…, jsonpath-file=…, custom-columns=…,
    /// custom-columns-file=…, go-template=… or go-template-file=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        hide_possible_values = true,
        value_parser = Formats::without(&["name"])
    )]
    output: OutputFormat,
    /// Leave out the line of column names
    #[arg(long)]
    no_headers: bool,
}

/// Shows the versions of a database's record.
pub(crate) async fn run(context: &Context, args: HistoryArgs) -> Result<(), Failure> {
    let name = Name::parse(&args.database)?;
    let (id, at) = read(&args, &name)?;
    let k8s = context.kubernetes().await?;
    let generation = Generation::find(k8s, &name, id.as_deref()).await?;
    tell_others(&name, &generation);
    if args.verify {
        return verify(k8s, &name, &generation).await;
    }
    let history = history(&name, &generation)?;
    match at {
        Some(at) => show_then(&name, &generation, &history, at, &args),
        None => show_all(&generation, &history, &args),
    }
}

fn read(
    args: &HistoryArgs,
    name: &DatabaseName,
) -> Result<(Option<String>, Option<Timestamp>), Failure> {
    let mut input = Input::default();
    let now = Timestamp::now();
    let id = input.optional("--id", given(args.id.as_ref()), text);
    let at = input.optional("--at", given(args.at.as_ref()), |text| {
        instant::parse(text, now)
    });
    if input.is_good() {
        return Ok((id, at));
    }
    Err(Failure::fields(
        format!("history of database/{name} not shown"),
        input.into_complaints(),
    ))
}

fn tell_others(name: &DatabaseName, generation: &Generation) {
    if generation.others.is_empty() {
        return;
    }
    let chosen = generation.view().label(label::ID).unwrap_or_default();
    stderr_line(&format!(
        "this is database/{name} with id {chosen}; --id shows others that have had the name: {}",
        generation.others.join(", ")
    ));
}

fn history(name: &DatabaseName, generation: &Generation) -> Result<History, Failure> {
    let stored = generation.view().annotation(annotation::HISTORY);
    let history = match stored.map(History::parse) {
        None => History::default(),
        Some(Ok(history)) => history,
        Some(Err(error)) => return Err(Failure::new(format!("database/{name}: {error}"))),
    };
    if history.version() == 0 {
        return Err(Failure::new(format!("database/{name} has no history"))
            .hint("no webhook was there when it was written; the next change begins its history"));
    }
    Ok(history)
}

fn show_all(generation: &Generation, history: &History, args: &HistoryArgs) -> Result<(), Failure> {
    let versions = history.versions();
    let items = versions
        .iter()
        .map(|version| show::document(version, generation.view()));
    print(args, &Documents::list(items), |wide| {
        show::table(&versions, wide, !args.no_headers)
    })
}

fn print(
    args: &HistoryArgs,
    documents: &Documents,
    table: impl FnOnce(bool) -> String,
) -> Result<(), Failure> {
    let wide = args.output.is_wide();
    let headers = !args.no_headers;
    stdout(&args.output.render_or(documents, headers, || table(wide))?)
}

fn show_then(
    name: &DatabaseName,
    generation: &Generation,
    history: &History,
    at: Timestamp,
    args: &HistoryArgs,
) -> Result<(), Failure> {
    let version = then(name, history, at)?;
    if version.is_deleted {
        stderr_line(&format!(
            "database/{name} was deleted then, by {} on {}; this is the record that it had",
            version.by, version.effective_from
        ));
    }
    let document = show::document(&version, generation.view());
    print(args, &Documents::One(document), |wide| {
        show::record_table(&version, wide, !args.no_headers)
    })
}

fn then(name: &DatabaseName, history: &History, at: Timestamp) -> Result<Version, Failure> {
    let complain = |text: String| {
        Err(Failure::fields(
            format!("no record of database/{name} at that time"),
            vec![Complaint::new("--at", text)],
        ))
    };
    match history.at(at) {
        Then::Version(version) => Ok(version),
        Then::Nothing => complain("there is no version".to_owned()),
        Then::NotYet { created } => complain(format!(
            "it did not exist at {}: it was created at {created}",
            instant::seconds(at)
        )),
        Then::Folded(version) => complain(format!(
            "{} lies within versions {}, whose details are gone: they were folded into one to keep the record small; known is what is so from {} on",
            instant::seconds(at),
            show::number(&version),
            version.effective_to
        )),
    }
}

/// Consistent: exit code 0. Every inconsistency is told.
async fn verify(
    k8s: &Kubernetes,
    name: &DatabaseName,
    generation: &Generation,
) -> Result<(), Failure> {
    let found = verify_object(generation.view());
    if version::webhook_is_installed(k8s).await? == Some(false) {
        stderr_line(&format!(
            "Warning: no admission webhook is installed: nothing vouches for the history of database/{name}, however consistent it is"
        ));
    }
    if found.is_empty() {
        let deleted = if generation.deleted { " (deleted)" } else { "" };
        let count = history(name, generation)?.version();
        let versions = if count == 1 { "version" } else { "versions" };
        return stdout_line(&format!(
            "database/{name}{deleted}: history consistent, {count} {versions}"
        ));
    }
    let complaints = found
        .iter()
        .map(|inconsistency| Complaint::new(annotation::HISTORY, inconsistency))
        .collect();
    Err(Failure::fields(
        format!("the history of database/{name} is not consistent"),
        complaints,
    )
    .hint("somebody wrote it while the webhook was off, or with the rights to bypass it"))
}
