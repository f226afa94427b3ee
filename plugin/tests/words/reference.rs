//! docs/reference.md is made from clap: `make snapshots` writes it anew.
//!
//! By hand, because clap-markdown leaves out the headings of flags, shows defaults that are hidden,
//! and runs the lines of an example together.

use std::fmt::Write as _;

use clap::Arg;

use crate::commands::{Found, all};
use crate::sources::checkout;

const PAGE: &str = "docs/reference.md";
const HEAD: &str = "# Commands\n\n\
Made from the plugin's own help by a test (`plugin/tests/words/reference.rs`); `make snapshots` renews it.\n\
`kubectl daap COMMAND --help` says the same, and `man kubectl-daap-COMMAND` where the man pages are\n\
installed (`make man`).\n\n";

#[test]
fn the_reference_is_current() {
    let written = written();
    let path = checkout().join(PAGE);
    if std::env::var_os("DAAP_WRITE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == written, "{PAGE} is not current: make snapshots");
}

fn written() -> String {
    let found = all();
    let (root, commands) = found.split_first().unwrap();
    let mut text = HEAD.to_owned();
    text.push_str(&index(root));
    text.push_str("## Flags of every command\n\n");
    text.push_str(&flags(root, clap::Arg::is_global_set));
    for command in commands {
        text.push_str(&section(command));
    }
    // One newline at the end.
    format!("{}\n", text.trim_end())
}

/// The groups of the help of all.
fn index(root: &Found) -> String {
    let help = root.command.clone().render_long_help().to_string();
    let mut text = String::new();
    for line in help.lines() {
        if line == "Flags of every command:" {
            break;
        }
        let entry = line
            .strip_prefix("  ")
            .and_then(|line| line.split_once(' '));
        match (entry, line.strip_suffix(':')) {
            (Some((name, what)), _) => {
                let what = what.trim();
                if name == "help" {
                    writeln!(text, "- `{name}`: {what}").unwrap();
                } else {
                    writeln!(text, "- [`{name}`](#kubectl-daap-{name}): {what}").unwrap();
                }
            }
            (None, Some(group)) => write!(text, "**{group}**\n\n").unwrap(),
            (None, None) if line.is_empty() && text.ends_with('\n') && !text.ends_with("\n\n") => {
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    format!("{}\n\n", text.trim_end())
}

fn section(found: &Found) -> String {
    let mut command = found.command.clone();
    let depth = "#".repeat(found.words.len() + 1);
    let mut text = format!("{depth} `{}`\n\n", found.line());
    let about = command.get_long_about().or_else(|| command.get_about());
    writeln!(text, "{}.\n", about.unwrap()).unwrap();
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    if !aliases.is_empty() {
        writeln!(text, "Also called `{}`.\n", aliases.join("`, `")).unwrap();
    }
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    writeln!(text, "```console\n$ {usage}\n```\n").unwrap();
    text.push_str(&flags(found, |argument| !argument.is_global_set()));
    let after = command.get_after_help().map(ToString::to_string);
    let after = after.unwrap_or_default();
    let (prose, examples) = after.split_once("Examples:\n").unwrap_or((&after, ""));
    if !prose.trim().is_empty() {
        writeln!(text, "```text\n{}\n```\n", prose.trim_end()).unwrap();
    }
    if !examples.is_empty() {
        text.push_str("```console\n");
        for line in examples.lines() {
            writeln!(text, "{}", line.strip_prefix("  ").unwrap_or(line)).unwrap();
        }
        text.push_str("```\n\n");
    }
    text
}

/// A table for each heading, in the order of the help.
fn flags(found: &Found, belongs: impl Fn(&Arg) -> bool) -> String {
    let arguments: Vec<&Arg> = found
        .command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && belongs(argument))
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for argument in &arguments {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    let mut text = String::new();
    for heading in headings {
        let title = heading.unwrap_or("Arguments and flags");
        write!(text, "| {title} | |\n|---|---|\n").unwrap();
        for argument in &arguments {
            if argument.get_help_heading() == heading {
                writeln!(text, "| {} | {} |", name(argument), meaning(argument)).unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// As in `-n`, `--namespace NAMESPACE`.
fn name(argument: &Arg) -> String {
    let value = argument
        .get_action()
        .takes_values()
        .then(|| argument.get_value_names())
        .flatten()
        .map(|names| names.join(" "));
    let Some(long) = argument.get_long() else {
        return format!("`{}`", value.unwrap_or_default());
    };
    let value = value.map_or_else(String::new, |value| {
        let is_optional = argument
            .get_num_args()
            .is_some_and(|range| range.min_values() == 0);
        match (is_optional, argument.is_require_equals_set()) {
            (true, _) => format!("[={value}]"),
            (false, true) => format!("={value}"),
            (false, false) => format!(" {value}"),
        }
    });
    match argument.get_short() {
        Some(short) => format!("`-{short}`, `--{long}{value}`"),
        None => format!("`--{long}{value}`"),
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = help
        .unwrap()
        .to_string()
        .replace('\n', " ")
        .replace('|', "\\|");
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    let is_switch = !argument.get_action().takes_values();
    if !values.is_empty() && !is_switch && !argument.is_hide_possible_values_set() {
        write!(text, "; {}", values.join(", ")).unwrap();
    }
    let defaults = argument.get_default_values();
    if !defaults.is_empty() && !is_switch && !argument.is_hide_default_value_set() {
        let defaults: Vec<_> = defaults
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        write!(text, " (default `{}`)", defaults.join(",")).unwrap();
    }
    text
}
