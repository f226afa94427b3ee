//! kubectl's `--flag=true` and `--flag=false`, for flags that are there or not. clap would name a
//! value for each of them in every help: so such a flag is put there, or left out, before the command
//! line is read.

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Parser as _};

use super::Cli;

const TRUE: &str = "true";
const FALSE: &str = "false";

/// The arguments, with every such flag as clap wants it.
pub(crate) fn with_switches(mut arguments: Vec<OsString>) -> Vec<OsString> {
    // Whatever has another meaning than that of a flag with a value, clap does not complain of.
    while arguments.iter().any(|one| is_set(one)) {
        let Err(error) = Cli::try_parse_from(&arguments) else {
            break;
        };
        let unwanted = unwanted(&error);
        let Some(next) = unwanted.and_then(|(flag, value)| with(&arguments, &flag, &value)) else {
            break;
        };
        arguments = next;
    }
    arguments
}

fn is_set(argument: &OsStr) -> bool {
    let text = argument.to_string_lossy();
    let value = text.rsplit('=').next();
    text.starts_with("--") && (value == Some(TRUE) || value == Some(FALSE))
}

/// The flag that has a value and takes none: its long name, and the value.
fn unwanted(error: &clap::Error) -> Option<(String, String)> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    };
    if error.kind() != ErrorKind::TooManyValues {
        return None;
    }
    let value = text(ContextKind::InvalidValue)?;
    let is_known = value == TRUE || value == FALSE;
    is_known.then_some((text(ContextKind::InvalidArg)?, value))
}

/// The arguments with the flag there once, or not at all: the last one counts.
fn with(arguments: &[OsString], flag: &str, value: &str) -> Option<Vec<OsString>> {
    let typed = OsString::from(format!("{flag}={value}"));
    let at = arguments.iter().position(|argument| *argument == typed)?;
    let (before, after) = arguments.split_at(at);
    let names = names(flag);
    let others = before
        .iter()
        .filter(|argument| !names.iter().any(|name| *argument == name.as_str()));
    let itself = (value == TRUE).then(|| OsString::from(flag));
    let after = after.iter().skip(1).cloned();
    Some(others.cloned().chain(itself).chain(after).collect())
}

/// As it can be typed: clap calls a flag by its long name.
fn names(flag: &str) -> Vec<String> {
    let long = flag.trim_start_matches('-');
    let of = |command: &clap::Command| {
        let mut switches = command
            .get_arguments()
            .filter(|argument| matches!(argument.get_action(), ArgAction::SetTrue));
        let found = switches.find(|switch| switch.get_long() == Some(long))?;
        found.get_short()
    };
    let command = crate::command();
    let short = command.get_subcommands().find_map(of);
    let short = short.map(|short| format!("-{short}"));
    std::iter::once(flag.to_owned()).chain(short).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("list --watch=true", "list --watch")]
    #[case("list --watch=true -A", "list --watch -A")]
    #[case("list --watch=false --deleted=true", "list --deleted")]
    #[case("delete a --yes --yes=false", "delete a")]
    #[case("delete a -y --yes=false", "delete a")]
    #[case("delete a --yes=false --yes=true", "delete a --yes")]
    #[case("purge --expired=false", "purge")]
    #[case("credentials rotate a --yes=true", "credentials rotate a --yes")]
    #[case(
        "list --insecure-skip-tls-verify=true",
        "list --insecure-skip-tls-verify"
    )]
    #[case("create a --wait=false", "create a --wait=false")]
    #[case("connect a -- --csv=true", "connect a -- --csv=true")]
    #[case("update a --purpose --yes=true", "update a --purpose --yes=true")]
    #[case("list --watch=maybe", "list --watch=maybe")]
    #[case("list --nonsense=true", "list --nonsense=true")]
    fn a_flag_is_there_or_not(#[case] typed: &str, #[case] read: &str) {
        let words = |line: &str| -> Vec<OsString> {
            let line = format!("kubectl-daap {line}");
            line.split(' ').map(OsString::from).collect()
        };
        assert_eq!(with_switches(words(typed)), words(read));
    }
}
