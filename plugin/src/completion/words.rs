//! The words that were typed, taken apart: which cluster they speak of, and the rest.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Args as _, Command, FromArgMatches as _};

use crate::cli::KubernetesFlags;

/// What was typed.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Which cluster, and as whom.
    pub(super) kubernetes: KubernetesFlags,
    /// Whether `-A` was typed.
    pub(super) all_namespaces: bool,
    /// The words without those flags; the last is the one to complete.
    pub(super) rest: Vec<OsString>,
}

/// How many words a flag takes.
enum Takes {
    /// Itself.
    One,
    /// Itself and its value.
    Two,
}

impl Words {
    /// Takes the words apart. A flag that is not complete yet stays in the rest.
    pub(super) fn split(daap: &Command, typed: &[OsString]) -> Self {
        let command = KubernetesFlags::augment_args(Command::new("kubectl-daap"))
            .no_binary_name(true)
            .disable_help_flag(true)
            .ignore_errors(true);
        let optional = optional_values(daap);
        let mut taken = Vec::new();
        let mut rest = Vec::new();
        let (current, before) = match typed.split_last() {
            Some((current, before)) => (current.clone(), before),
            None => (OsString::new(), typed),
        };
        let mut words = before.iter();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            if text == "--" {
                rest.push(word.clone());
                rest.extend(words.by_ref().cloned());
                break;
            }
            match kubernetes_flag(&command, &text) {
                Some(Takes::One) => taken.push(word.clone()),
                Some(Takes::Two) => match words.next() {
                    Some(value) => taken.extend([word.clone(), value.clone()]),
                    None => rest.push(word.clone()),
                },
                // Its value can only follow an equals sign: the next word is none.
                None if optional.iter().any(|flag| *flag == text) => {}
                None => rest.push(word.clone()),
            }
        }
        let all_namespaces = rest.iter().any(|word| {
            let text = word.to_string_lossy();
            text.starts_with("-A") || text == "--all-namespaces"
        });
        rest.push(current);
        let kubernetes = command
            .try_get_matches_from(taken)
            .ok()
            .and_then(|matches| KubernetesFlags::from_arg_matches(&matches).ok())
            .unwrap_or_default();
        Self {
            kubernetes,
            all_namespaces,
            rest,
        }
    }

    /// The word to complete.
    pub(super) fn current(&self) -> &OsStr {
        self.rest.last().map_or(OsStr::new(""), OsString::as_os_str)
    }

    /// The words before it.
    pub(super) fn before(&self) -> &[OsString] {
        self.rest.split_last().map_or(&[], |(_, before)| before)
    }

    /// The name of the database that was typed: the first word after the command that is no flag.
    pub(super) fn name(&self) -> Option<&str> {
        let mut words = self.before().iter().filter_map(|word| word.to_str());
        words.next()?;
        words.find(|word| !word.starts_with('-'))
    }
}

fn kubernetes_flag(command: &Command, word: &str) -> Option<Takes> {
    let takes = |flag: &Arg, has_value: bool| {
        if flag.get_action().takes_values() && !has_value {
            Takes::Two
        } else {
            Takes::One
        }
    };
    if let Some(long) = word.strip_prefix("--") {
        let (name, has_value) = match long.split_once('=') {
            Some((name, _)) => (name, true),
            None => (long, false),
        };
        let flag = command
            .get_arguments()
            .find(|flag| flag.get_long() == Some(name))?;
        return Some(takes(flag, has_value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let letter = letters.next()?;
    let flag = command
        .get_arguments()
        .find(|flag| flag.get_short() == Some(letter))?;
    Some(takes(flag, letters.next().is_some()))
}

/// `--wait`, `--dry-run`: flags whose value may be left out.
fn optional_values(command: &Command) -> Vec<String> {
    let own = command
        .get_arguments()
        .filter(|flag| flag.is_require_equals_set());
    let mut found: Vec<String> = own
        .filter_map(|flag| Some(format!("--{}", flag.get_long()?)))
        .collect();
    found.extend(command.get_subcommands().flat_map(optional_values));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(words: &[&str]) -> Words {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        Words::split(&crate::command(), &words)
    }

    #[test]
    fn the_flags_of_kubectl_are_taken_out_in_every_form() {
        for words in [
            &["get", "-n", "apps", "--context", "dev", "o"][..],
            &["-napps", "get", "--context=dev", "o"],
            &["--namespace=apps", "--context", "dev", "get", "o"],
        ] {
            let found = split(words);
            assert_eq!(
                found.kubernetes.namespace.as_deref(),
                Some("apps"),
                "{words:?}"
            );
            assert_eq!(
                found.kubernetes.context.as_deref(),
                Some("dev"),
                "{words:?}"
            );
            assert_eq!(found.rest, ["get", "o"], "{words:?}");
        }
    }

    #[test]
    fn a_flag_whose_value_is_being_typed_stays() {
        assert_eq!(split(&["get", "-n", "ap"]).rest, ["get", "-n", "ap"]);
        assert_eq!(split(&["get", "--name"]).rest, ["get", "--name"]);
    }

    #[test]
    fn what_belongs_to_psql_is_left_alone() {
        let found = split(&["connect", "orders", "--", "-n", "x", ""]);
        assert_eq!(found.kubernetes.namespace, None);
        assert_eq!(found.name(), Some("orders"));
    }

    #[test]
    fn a_flag_without_its_optional_value_takes_no_word() {
        assert_eq!(split(&["update", "--wait", "or"]).rest, ["update", "or"]);
        assert!(split(&["list", "-A", ""]).all_namespaces);
    }
}
