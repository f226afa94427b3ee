//! Which rows a command line is about.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::CommandRights;

/// What a command line asks for.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    /// The rows of the flags that are given and have one; else the command's own.
    pub(super) rows: Vec<&'static CommandRights>,
    /// Whether it is about all namespaces.
    pub(super) everywhere: bool,
}

impl Typed {
    /// Reads a command line.
    pub(crate) fn of(mut command: Command, arguments: &[OsString]) -> Self {
        // What is missing was asked for, or is told: the rest can be read all the same.
        command = command.ignore_errors(true);
        let found = command.try_get_matches_from_mut(arguments);
        found.map_or_else(|_| Self::default(), |matches| below(&command, &matches))
    }

    /// A command without flags.
    pub(crate) fn plain(command: &str) -> Self {
        Self {
            rows: CommandRights::of(command).into_iter().collect(),
            everywhere: false,
        }
    }
}

fn below(mut command: &Command, mut matches: &ArgMatches) -> Typed {
    let mut path = String::new();
    while let Some((word, below)) = matches.subcommand() {
        let Some(subcommand) = command.find_subcommand(word) else {
            break;
        };
        path = format!("{path} {}", subcommand.get_name());
        (command, matches) = (subcommand, below);
    }
    let path = match path.trim_start() {
        // All where none is named.
        "get" if matches.get_raw("database").is_none() => "list",
        path => path,
    };
    let flagged = CommandRights::ALL.iter().filter(|row| {
        let form = row.command.split_once(" --");
        form.is_some_and(|(words, flag)| words == path && is_given(command, matches, flag))
    });
    let rows: Vec<_> = flagged.collect();
    let everywhere = is_given(command, matches, "all-namespaces");
    if rows.is_empty() {
        return Typed {
            everywhere,
            ..Typed::plain(path)
        };
    }
    Typed { rows, everywhere }
}

fn is_given(command: &Command, matches: &ArgMatches, flag: &str) -> bool {
    let mut arguments = command.get_arguments();
    let argument = arguments.find(|argument| argument.get_long() == Some(flag));
    argument.is_some_and(|argument| {
        matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("repair orders", &["repair"])]
    #[case("repair orders --abort", &["repair --abort"])]
    #[case("-n apps repair --all", &["repair --all"])]
    #[case("update orders --storage=2Gi --owner-team billing", &["update --storage", "update --owner-team"])]
    #[case("get orders -w", &["get --watch"])]
    #[case("get", &["list"])]
    #[case("list --deleted -A", &["list --deleted"])]
    #[case("diff -f a.yaml", &["diff --filename"])]
    #[case("credentials orders", &["credentials"])]
    #[case("credentials rotate orders", &["credentials rotate"])]
    // Whose name is asked for.
    #[case("transfer --accept", &["transfer --accept"])]
    fn a_command_line_has_the_rows_of_its_flags(#[case] line: &str, #[case] expected: &[&str]) {
        let arguments: Vec<OsString> = ["kubectl-daap"]
            .into_iter()
            .chain(line.split(' '))
            .map(OsString::from)
            .collect();
        let found = Typed::of(crate::command(), &arguments);
        assert_eq!(found.everywhere, line.contains(" -A"));
        let found: Vec<&str> = found.rows.iter().map(|row| row.command).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_flag_with_a_row_is_one() {
        for row in CommandRights::ALL {
            let Some((words, flag)) = row.command.split_once(" --") else {
                continue;
            };
            let mut command = crate::command();
            for word in words.split(' ') {
                command = command.find_subcommand(word).unwrap().clone();
            }
            let mut longs = command.get_arguments().filter_map(clap::Arg::get_long);
            assert!(longs.any(|long| long == flag), "{}", row.command);
        }
    }
}
