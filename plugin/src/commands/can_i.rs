//! `kubectl daap can-i`

mod decide;
mod facts;
mod list;
mod verdict;
mod writes;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use daap_crds::names::Team;

use super::input::{Input, given};
use crate::context::Context;
use crate::database::Name;
use crate::failure::Failure;
use crate::output::{Documents, Formats, OutputFormat, stderr_line, stdout};
use crate::rights::CommandRights;

const EXAMPLES: &str = "\
Examples:
  kubectl daap can-i delete orders -n apps
  kubectl daap can-i create --owner-team payments
  kubectl daap can-i update orders --as eve
  kubectl daap can-i transfer orders --accept
  kubectl daap can-i --list -n apps";

/// The row of who is offered a database.
const ACCEPT: &str = "transfer --accept";

/// Arguments of `can-i`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CanIArgs {
    /// A command of kubectl daap, as `delete`; `rotate` is `credentials rotate`
    #[arg(
        value_name = "VERB",
        required_unless_present = "list",
        value_parser = PossibleValuesParser::new(verbs()),
        hide_possible_values = true
    )]
    verb: Option<String>,
    /// Name of the database; without one, only rights and teams are judged
    #[arg(value_name = "NAME")]
    database: Option<OsString>,
    /// The team that is to own it: of `create` and `apply`, and of `transfer` where it goes
    #[arg(long, value_name = "TEAM")]
    owner_team: Option<OsString>,
    /// Of `transfer`: accept what is offered
    #[arg(long, conflicts_with_all = ["owner_team", "list"])]
    accept: bool,
    /// Every team that you own, and every command that you may use
    #[arg(long, conflicts_with_all = ["verb", "database", "owner_team"])]
    list: bool,
    /// How to print: json, yaml, jsonpath=… or go-template=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        value_parser = Formats::without(&["wide", "name", "custom-columns", "custom-columns-file"])
    )]
    output: OutputFormat,
}

/// What can be asked about: every command that needs a right, by its last word where it has two.
fn verbs() -> Vec<&'static str> {
    let rows = CommandRights::ALL
        .iter()
        .filter(|row| !row.required.is_empty());
    let plain = rows
        .map(|row| row.command)
        .filter(|command| !command.contains(" -"));
    plain
        .map(|command| command.rsplit(' ').next().unwrap_or(command))
        .collect()
}

/// The row of a verb.
fn row(verb: &str) -> Option<&'static CommandRights> {
    let of_two_words = |row: &&CommandRights| row.command.ends_with(&format!(" {verb}"));
    CommandRights::of(verb).or_else(|| CommandRights::ALL.iter().find(of_two_words))
}

/// Says whether a command would be let through; 0 for yes, 1 for no.
pub(crate) async fn run(context: &Context, args: CanIArgs) -> Result<ExitCode, Failure> {
    let CanIArgs {
        verb,
        database,
        owner_team,
        accept,
        list,
        output,
    } = args;
    if list {
        list::show(context.kubernetes().await?, &output).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let verb = verb.unwrap_or_default();
    if accept && verb != "transfer" {
        return Err(
            Failure::usage(format!("{verb} accepts nothing")).hint("--accept goes with transfer")
        );
    }
    let form = if accept { ACCEPT } else { verb.as_str() };
    let row = row(form).ok_or_else(|| Failure::usage(format!("no command is called '{verb}'")))?;
    let name = database.as_deref().map(Name::parse).transpose()?;
    let mut input = Input::default();
    let team = input.optional("--owner-team", given(owner_team.as_ref()), Team::parse);
    if !input.is_good() {
        return Err(Failure::fields(
            "whether you may is not known",
            input.into_complaints(),
        ));
    }
    let question = decide::Question { row, name, team };
    let verdict = decide::decide(context.kubernetes().await?, question).await?;
    let document = Documents::One(verdict.json());
    stdout(&output.render_or(&document, true, || verdict.text())?)?;
    if output.is_table() {
        for note in &verdict.notes {
            stderr_line(&format!("Warning: {note}"));
        }
    }
    Ok(ExitCode::from(u8::from(!verdict.is_yes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_a_command() {
        for verb in verbs() {
            assert!(row(verb).is_some(), "{verb}");
        }
    }
}
