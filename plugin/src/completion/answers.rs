//! Answers to the engine's questions, asked only for the word at hand.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use clap::Command;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use daap_crds::contract::label;
use daap_crds::policy::PoolMode;
use daap_crds::state::State;

use super::source::Source;
use super::words::Words;
use super::{cluster, kubeconfig};
use crate::output::SortBy;

/// cobra's directives for the shell.
mod directive {
    /// Nothing: files are offered where nothing else is.
    pub(super) const DEFAULT: i32 = 0;
    /// The word goes on: no space after it.
    pub(super) const NO_SPACE: i32 = 2;
    /// No files.
    pub(super) const NO_FILES: i32 = 4;
    /// Folders only.
    pub(super) const FOLDERS: i32 = 16;
}

/// What may stand before a name, as it is printed.
const PREFIX: &str = "database/";

/// A value and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What is typed.
    pub(super) value: String,
    /// What it is.
    pub(super) description: String,
}

impl Candidate {
    pub(super) fn new(value: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            description: description.into(),
        }
    }
}

/// Answers, and what they mean for the shell.
pub(super) struct Answers {
    words: Words,
    directive: AtomicI32,
    asked: AtomicBool,
}

impl Answers {
    pub(super) fn new(words: Words) -> Self {
        Self {
            words,
            directive: AtomicI32::new(directive::NO_FILES),
            asked: AtomicBool::new(false),
        }
    }

    /// What the shell is to do with these values.
    pub(super) fn directive(&self, values: &[CompletionCandidate]) -> i32 {
        let goes_on =
            |value: &CompletionCandidate| value.get_value().to_string_lossy().ends_with('=');
        let space = if values.iter().any(goes_on) {
            directive::NO_SPACE
        } else {
            0
        };
        self.directive.load(Ordering::Relaxed) | space
    }

    /// Whether a value was asked for, even if there was none.
    pub(super) fn were_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// Values that begin as the word at hand does.
    fn of(&self, source: Source, current: &OsStr) -> Vec<CompletionCandidate> {
        self.asked.store(true, Ordering::Relaxed);
        let current = current.to_string_lossy();
        let (prefix, begun) = match current.strip_prefix(PREFIX) {
            Some(begun) => (PREFIX, begun),
            None => ("", current.as_ref()),
        };
        let typed: HashSet<_> = self.words.before().iter().collect();
        self.all(source)
            .into_iter()
            .filter(|candidate| candidate.value.starts_with(begun))
            .map(|candidate| {
                (
                    format!("{prefix}{}", candidate.value),
                    candidate.description,
                )
            })
            .filter(|(value, _)| !typed.contains(&std::ffi::OsString::from(value)))
            .map(|(value, description)| {
                CompletionCandidate::new(value).help(Some(description.into()))
            })
            .collect()
    }

    fn all(&self, source: Source) -> Vec<Candidate> {
        let fixed = |values: &[&str]| {
            values
                .iter()
                .map(|value| Candidate::new(*value, ""))
                .collect()
        };
        match source {
            Source::States => fixed(&State::ALL.map(State::as_str)),
            Source::PoolModes => {
                fixed(&[PoolMode::Transaction, PoolMode::Session].map(PoolMode::as_str))
            }
            Source::Columns => SortBy::columns()
                .map(|column| Candidate::new(column, ""))
                .collect(),
            Source::Labels => fixed(&label::RECORD),
            Source::Contexts => kubeconfig::contexts(&self.words.kubernetes),
            Source::Clusters => kubeconfig::clusters(&self.words.kubernetes),
            Source::Users => kubeconfig::users(&self.words.kubernetes),
            Source::Files => self.leave_to_the_shell(directive::DEFAULT),
            Source::Folders => self.leave_to_the_shell(directive::FOLDERS),
            Source::Live
            | Source::Deleted
            | Source::LiveOrDeleted
            | Source::Ids
            | Source::Versions
            | Source::Teams
            | Source::StorageClasses
            | Source::Namespaces => cluster::ask(&self.words, source),
        }
    }

    fn leave_to_the_shell(&self, directive: i32) -> Vec<Candidate> {
        self.directive.store(directive, Ordering::Relaxed);
        Vec::new()
    }
}

/// The command line, with what gives each argument its values.
pub(super) fn with_values(command: Command, answers: &Arc<Answers>) -> Command {
    let name = command.get_name().to_owned();
    command
        .mut_args(|argument| match Source::of(&name, &argument) {
            Some(source) => {
                let answers = Arc::clone(answers);
                argument.add(ArgValueCompleter::new(move |current: &OsStr| {
                    answers.of(source, current)
                }))
            }
            None => argument,
        })
        .mut_subcommands(|subcommand| with_values(subcommand, answers))
}
