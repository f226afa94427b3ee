//! Every command that clap knows.

use clap::Command;

/// A command with the words that call it.
pub(crate) struct Found {
    /// As in `["credentials", "rotate"]`; none for `kubectl daap` itself.
    pub(crate) words: Vec<String>,
    pub(crate) command: Command,
}

impl Found {
    /// As in `credentials-rotate`.
    pub(crate) fn slug(&self) -> String {
        if self.words.is_empty() {
            return "kubectl-daap".to_owned();
        }
        self.words.join("-")
    }

    /// As in `kubectl daap credentials rotate`.
    pub(crate) fn line(&self) -> String {
        let words = ["kubectl", "daap"].map(str::to_owned);
        [&words[..], &self.words].concat().join(" ")
    }
}

/// All that help shows, the root first; global flags are on each.
pub(crate) fn all() -> Vec<Found> {
    all_of_width(80)
}

/// As seen in a window of so many columns.
pub(crate) fn all_of_width(columns: usize) -> Vec<Found> {
    let mut root = kubectl_daap::command()
        .term_width(columns)
        .max_term_width(columns);
    root.build();
    let mut found = Vec::new();
    collect(&root, &mut Vec::new(), &mut found);
    found
}

fn collect(command: &Command, words: &mut Vec<String>, found: &mut Vec<Found>) {
    found.push(Found {
        words: words.clone(),
        command: command.clone(),
    });
    for subcommand in command.get_subcommands() {
        if subcommand.is_hide_set() || subcommand.get_name() == "help" {
            continue;
        }
        words.push(subcommand.get_name().to_owned());
        collect(subcommand, words, found);
        words.pop();
    }
}
