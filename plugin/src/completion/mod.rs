//! What may follow the words that were typed: kubectl runs `kubectl_complete-daap` with them, the scripts
//! of `kubectl daap completion` run `kubectl-daap __complete`.
//!
//! Printed are lines `value<TAB>description` and, last, `:` and a number that tells the shell what else to
//! do: cobra's protocol, which kubectl hands on. A failure completes nothing and says nothing: whoever
//! presses TAB is in the middle of a line.

mod answers;
mod cluster;
mod kubeconfig;
mod source;
mod words;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap_complete::engine::{CompletionCandidate, complete};

use crate::output::stdout;
use answers::Answers;
use words::Words;

/// The name under which kubectl looks for completion.
pub(crate) const PROGRAM: &str = "kubectl_complete-daap";
/// The command by which scripts ask, as cobra's do.
pub(crate) const COMMAND: &str = "__complete";

/// The words to complete, if that is what this program was started for.
pub(crate) fn requested(arguments: &[OsString]) -> Option<&[OsString]> {
    let (program, words) = arguments.split_first()?;
    if Path::new(program).file_stem() == Some(OsStr::new(PROGRAM)) {
        return Some(words);
    }
    let (command, words) = words.split_first()?;
    (command == COMMAND).then_some(words)
}

/// Prints what may follow. The last word is the one to complete, empty where none has begun.
pub(crate) fn run(typed: &[OsString]) -> ExitCode {
    // Whether somebody reads it is not our business.
    let _ = stdout(&answer(crate::command(), typed));
    ExitCode::SUCCESS
}

fn answer(command: clap::Command, typed: &[OsString]) -> String {
    let words = Words::split(&command, typed);
    let current = words.current().to_owned();
    let arguments: Vec<OsString> = std::iter::once("kubectl-daap".into())
        .chain(words.rest.iter().cloned())
        .collect();
    let index = arguments.len().saturating_sub(1);
    let answers = Arc::new(Answers::new(words));
    let mut command = answers::with_values(command, &answers);
    let found = complete(&mut command, arguments, index, None).unwrap_or_default();
    let found = wanted(found, &current, answers.were_asked());
    let flag = flag_of(&current);
    let lines: String = found.iter().map(|found| line(found, &flag)).collect();
    format!("{lines}:{}\n", answers.directive(&found))
}

/// Flags are offered to who begins one, or where nothing else can follow.
fn wanted(
    found: Vec<CompletionCandidate>,
    current: &OsStr,
    asked: bool,
) -> Vec<CompletionCandidate> {
    if !current.is_empty() {
        return found;
    }
    let (flags, values): (Vec<_>, Vec<_>) = found.into_iter().partition(is_flag);
    if values.is_empty() && !asked {
        let long =
            |flag: &CompletionCandidate| flag.get_value().to_string_lossy().starts_with("--");
        return flags.into_iter().filter(long).collect();
    }
    values
}

fn is_flag(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().to_string_lossy().starts_with('-')
}

/// `--state=` of `--state=re`; empty where no flag is given its value like that.
fn flag_of(current: &OsStr) -> String {
    let current = current.to_string_lossy();
    match current.split_once('=') {
        Some((flag, _)) if flag.starts_with('-') => format!("{flag}="),
        _ => String::new(),
    }
}

/// One line, whatever is in the text. The scripts of cobra put the flag before its value themselves,
/// and kubectl's are cobra's.
fn line(candidate: &CompletionCandidate, flag: &str) -> String {
    let value = candidate.get_value().to_string_lossy();
    let value = value.strip_prefix(flag).unwrap_or(&value);
    let help = candidate.get_help().map(ToString::to_string);
    let help = help.as_deref().and_then(|help| help.lines().next());
    match help.map(str::trim).filter(|help| !help.is_empty()) {
        Some(help) => format!("{value}\t{}\n", help.replace('\t', " ")),
        None => format!("{value}\n"),
    }
}

#[cfg(test)]
mod tests;
