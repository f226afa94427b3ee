//! The rules of docs/messages.md that a machine can hold, on the literals of the source.

use regex::Regex;

use crate::sources::{Source, rust};

/// Calls whose first literal is a message or a hint.
const CALLS: &str = r#"(?x)
    (?: Failure::(?:new|usage|fields|denied|interrupted) | \.hint | \.context | \.complain
      | \#\[error | Violation::new | Next::Wait )
    \(\s*
    (?: (?:format!|&format!)\(\s* )?
    "((?:[^"\\]|\\.)*)"
"#;

/// Names that are written large wherever they stand.
const NAMES: [&str; 14] = [
    "PostgreSQL",
    "PgBouncer",
    "CloudNativePG",
    "Kubernetes",
    "RBAC",
    "Secret",
    "Secrets",
    "ConfigMap",
    "Cluster",
    "Pooler",
    "API",
    "JSON",
    "YAML",
    "TLS",
];

/// Words that say nothing, or blame.
const EMPTY: [&str; 9] = [
    "please",
    "sorry",
    "oops",
    "successfully",
    "unable to",
    "e.g.",
    "i.e.",
    "etc.",
    "!",
];

struct Message {
    path: String,
    text: String,
}

fn messages() -> Vec<Message> {
    let calls = Regex::new(CALLS).unwrap();
    let of = |source: Source| -> Vec<Message> {
        calls
            .captures_iter(&source.text)
            .map(|found| Message {
                path: source.path.clone(),
                text: found[1].replace("\\\"", "\"").replace("\\\n", ""),
            })
            .filter(|message| !message.text.is_empty())
            .collect()
    };
    rust().into_iter().flat_map(of).collect()
}

fn holds(rule: &str, is_kept: impl Fn(&str) -> bool) {
    let found = messages();
    assert!(
        found.len() > 150,
        "only {} messages were found",
        found.len()
    );
    let broken: Vec<String> = found
        .iter()
        .filter(|message| !is_kept(&message.text))
        .map(|message| format!("{}: {:?}", message.path, message.text))
        .collect();
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

#[test]
fn messages_begin_with_a_small_letter() {
    holds("begins with a capital", |text| {
        let first = text.split([' ', ':', '\'']).next().unwrap_or_default();
        let is_large = first.chars().next().is_some_and(char::is_uppercase);
        !is_large || NAMES.contains(&first)
    });
}

#[test]
fn messages_end_without_a_full_stop() {
    holds("ends with a stop or a blank", |text| {
        !text.ends_with(['.', '!', ' ', '\n'])
    });
}

#[test]
fn messages_have_no_empty_words() {
    holds("has a word that says nothing", |text| {
        let text = text.to_lowercase();
        // Requests to hibernate are negated in no message: `!` stands for shouting alone.
        EMPTY.iter().all(|word| !text.contains(word))
    });
}

#[test]
fn messages_are_one_line() {
    holds("has more than one line", |text| !text.contains("\\n"));
}

#[test]
fn what_was_given_stands_in_single_quotation_marks() {
    holds("quotes what was given in another way", |text| {
        !text.contains("`{") && !text.contains("\"{")
    });
}
