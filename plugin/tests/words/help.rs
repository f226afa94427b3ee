//! One snapshot a command: `--help`, and `-h` behind it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::commands::{Found, all, all_of_width};

/// Where the recorded helps lie.
const FOLDER: &str = "snapshots/help";

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(FOLDER);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

fn long(found: &Found) -> String {
    found.command.clone().render_long_help().to_string()
}

fn short(found: &Found) -> String {
    found.command.clone().render_help().to_string()
}

fn both(found: &Found) -> String {
    let line = found.line();
    format!(
        "$ {line} --help\n{}\n$ {line} -h\n{}",
        long(found),
        short(found)
    )
}

#[test]
fn every_help_is_as_recorded() {
    settings().bind(|| {
        for found in all() {
            insta::assert_snapshot!(found.slug(), both(&found));
        }
    });
}

#[test]
fn no_help_is_recorded_of_what_is_no_more() {
    let mut known: BTreeSet<String> = all().iter().map(Found::slug).collect();
    known.insert("narrow".to_owned());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/words")
        .join(FOLDER);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let slug = path.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(known.contains(&slug), "{} is of no command", path.display());
    }
}

#[test]
fn a_narrow_window_is_respected() {
    let narrow = all_of_width(60);
    for found in &narrow {
        for line in long(found).lines() {
            // The list of commands is a table of our own; a usage is one line.
            let fits = line.chars().count() <= 60 || found.words.is_empty();
            assert!(
                fits || line.starts_with("Usage: "),
                "{}: wider than 60 columns: {line}",
                found.line()
            );
        }
    }
    let create = narrow.iter().find(|found| found.words == ["create"]);
    settings().bind(|| insta::assert_snapshot!("narrow", both(create.unwrap())));
}

#[test]
fn every_line_fits_into_a_window_of_80_columns() {
    for found in all() {
        for line in long(&found).lines() {
            assert!(
                line.chars().count() <= 80,
                "{}: wider than 80 columns: {line}",
                found.line()
            );
        }
        // clap would break an example where a command must not be broken.
        let examples = found.command.get_after_help().map(ToString::to_string);
        for line in examples.unwrap_or_default().lines() {
            assert!(
                line.chars().count() <= 80,
                "{}: an example is wider than 80 columns: {line}",
                found.line()
            );
        }
    }
}

#[test]
fn every_command_has_examples_that_it_understands() {
    // Wide enough that no example is broken.
    for found in all_of_width(300) {
        let help = long(&found);
        // A part of a command may leave them to the whole.
        if found.words.len() > 1 && !help.contains("Examples:\n") {
            continue;
        }
        let (_, examples) = help
            .rsplit_once("Examples:\n")
            .unwrap_or_else(|| panic!("{}: no examples", found.line()));
        let lines: Vec<&str> = examples
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        assert!(!lines.is_empty(), "{}: no examples", found.line());
        for line in lines {
            understands(&found, line);
        }
    }
}

/// An example is a command that clap takes, and one of the command whose help shows it or of a
/// neighbour that goes with it.
fn understands(found: &Found, line: &str) {
    // What an example is piped from or into, or sets up, is the shell's.
    let Some(at) = line.find("kubectl daap ") else {
        return;
    };
    let within = line[..at].contains('(');
    let line = &line[at..];
    let line = if within {
        line.trim_end_matches(['"', ')'])
    } else {
        line
    };
    let words = shlex::split(line).unwrap_or_else(|| panic!("{}: {line}", found.line()));
    let ends = ["|", "||", "<", ">", ">>", "&&", ";"];
    let words = words
        .into_iter()
        .skip(2)
        .take_while(|word| !ends.contains(&word.as_str()));
    let words = std::iter::once("kubectl-daap".to_owned()).chain(words);
    if let Err(error) = kubectl_daap::command().try_get_matches_from(words) {
        panic!(
            "{}: the example '{line}' does not work: {error}",
            found.line()
        );
    }
}

#[test]
fn what_clap_says_of_a_flag_is_one_phrase() {
    for found in all() {
        let mut texts: Vec<(String, String)> = Vec::new();
        let about = found.command.get_about().map(ToString::to_string);
        texts.push(("about".into(), about.unwrap_or_default()));
        for argument in found.command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string);
            texts.push((argument.get_id().to_string(), help.unwrap_or_default()));
        }
        for (what, text) in texts {
            let place = format!("{} {what}: {text:?}", found.line());
            assert!(!text.is_empty(), "{place}: says nothing");
            assert!(!text.ends_with('.'), "{place}: ends with a full stop");
            assert!(
                !text.chars().next().unwrap().is_lowercase(),
                "{place}: begins with a small letter"
            );
        }
    }
}
