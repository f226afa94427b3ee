//! Every `kubectl daap X` that a message, a help or a page names is a command with flags that there
//! are: what a user is told to type works.

use std::path::Path;

use clap::Command;

use crate::sources::{Source, file, rust, under};

const PLUGIN: &str = "kubectl daap ";
/// What ends a command within a sentence. The quotation marks of a string are among them: those
/// within are read as `'`.
const ENDS: [char; 9] = ['\n', ';', '`', '"', ')', '|', '…', '&', '>'];

#[test]
fn every_command_that_is_named_is_one() {
    let mut root = kubectl_daap::command();
    root.build();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in everything() {
        for mention in mentions(&source) {
            seen += 1;
            if let Err(what) = check(&root, &mention) {
                wrong.push(format!("{}: '{PLUGIN}{mention}': {what}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 150, "only {seen} commands were found");
}

fn everything() -> Vec<Source> {
    let mut found = rust();
    found.extend(under("docs", &[".md"]));
    found.extend(under("manifests", &[".yaml", ".json"]));
    let files = ["README.md", "SECURITY.md", "Makefile", "tests/demo.sh"];
    found.extend(files.map(file));
    found
}

/// What a user pastes lands in the namespace that it was printed about, whichever the context has.
#[test]
fn a_command_about_a_database_names_its_namespace() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for source in rust() {
        let is_plugin = source.path.starts_with("plugin/src") || source.path.starts_with("crds/");
        for mention in mentions(&source).iter().filter(|_| is_plugin) {
            // What is filled in is a message; `{verb}` is a part of one.
            let filled_in = ["{}", "{name}", "{0}"]
                .iter()
                .any(|word| mention.contains(word));
            if !filled_in || mention.contains("{verb}") {
                continue;
            }
            seen += 1;
            if !mention.contains("-n {") {
                wrong.push(format!("{}: '{PLUGIN}{mention}'", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 40, "only {seen} commands were found");
}

/// What is behind `kubectl daap `, up to its end.
fn mentions(source: &Source) -> Vec<String> {
    let text = source.text.replace("\\\"", "'").replace("\\\n", " ");
    let only_code = Path::new(&source.path).extension() == Some("md".as_ref());
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        for (at, _) in line.match_indices(PLUGIN) {
            // In a page, what is no code is a sentence about the plugin.
            let is_span = line[..at].matches('`').count() % 2 == 1;
            if only_code && !fenced && !is_span {
                continue;
            }
            let rest = &line[at + PLUGIN.len()..];
            let rest = rest.split(ENDS).next().unwrap();
            let rest = rest.split(" # ").next().unwrap();
            found.push(rest.trim().to_owned());
        }
    }
    found
}

/// Whether clap knows the command and its flags; values and names are not looked at.
fn check(root: &Command, mention: &str) -> Result<(), String> {
    let mut command = root;
    let mut is_command = true;
    for word in mention.split_whitespace() {
        let word = word.trim_end_matches([',', ':', '.', '\'', ']']);
        let word = word.trim_start_matches(['[', '\'']);
        if word == "--" {
            return Ok(());
        }
        if word.starts_with('-') {
            flag(root, command, word)?;
            continue;
        }
        if !is_command {
            continue;
        }
        match command.find_subcommand(word) {
            Some(subcommand) => command = subcommand,
            None if command.has_subcommands()
                && !is_placeholder(word)
                && std::ptr::eq(command, root) =>
            {
                return Err(format!("there is no command '{word}'"));
            }
            None => is_command = false,
        }
    }
    Ok(())
}

fn flag(root: &Command, command: &Command, word: &str) -> Result<(), String> {
    let name = word.split('=').next().unwrap();
    let known = |command: &Command| {
        command.get_arguments().any(|argument| {
            match name.strip_prefix("--") {
                Some(long) => argument
                    .get_long_and_visible_aliases()
                    .is_some_and(|names| names.contains(&long)),
                // Clusters of short flags, and a value that follows at once, begin with a known one.
                None => argument
                    .get_short()
                    .is_some_and(|short| name[1..].starts_with(short)),
            }
        })
    };
    let is_builtin = ["--help", "-h", "--version", "-V"].contains(&name);
    if is_builtin || is_placeholder(name.trim_start_matches('-')) || known(command) || known(root) {
        return Ok(());
    }
    Err(format!("'{}' has no flag {name}", command.get_name()))
}

/// `NAME`, `{name}`, `<name>`, `$name`, or nothing.
fn is_placeholder(word: &str) -> bool {
    let first = word.chars().next();
    first.is_none_or(|first| !first.is_ascii_lowercase())
}
