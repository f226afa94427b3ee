//! Commands in what is printed, so that they work when they are pasted: with the flags that say which
//! cluster, and as whom. Here, and nowhere else: also what admission says names commands, and knows
//! nothing of the flags.

use std::borrow::Cow;
use std::sync::OnceLock;

/// What the command line said of the cluster and the user.
static REPEATED: OnceLock<Repeated> = OnceLock::new();

struct Repeated {
    flags: String,
    /// The subcommands of the plugin: what follows its name otherwise is a sentence.
    commands: Vec<String>,
}

const KUBECTL: &str = "kubectl ";
/// Of kubectl's own, those that are printed to be typed; others are spoken of.
const VERBS: [&str; 10] = [
    "daap", "annotate", "create", "delete", "describe", "get", "label", "logs", "patch", "rollout",
];
/// Where a command ends within a sentence, unless it is quoted.
const ENDS: [char; 4] = ['\n', ';', '`', ')'];
const NAMESPACE: &str = " -n ";

/// The flags that every printed command gets from now on; only the first call counts. Which commands
/// there are is asked only where there are flags: it is half of what a start takes.
pub(crate) fn repeat_flags(flags: String, commands: impl FnOnce() -> Vec<String>) {
    if flags.is_empty() {
        return;
    }
    let commands = commands();
    let _ = REPEATED.set(Repeated { flags, commands });
}

/// The text with the flags in its commands.
pub(crate) fn pasteable(text: &str) -> Cow<'_, str> {
    match REPEATED.get() {
        Some(repeated) if text.contains(KUBECTL) => Cow::Owned(with_flags(text, repeated)),
        _ => Cow::Borrowed(text),
    }
}

fn with_flags(text: &str, repeated: &Repeated) -> String {
    let flags = &repeated.flags;
    let mut said = String::with_capacity(text.len() + flags.len());
    let mut rest = text;
    while let Some((before, found)) = rest.find(KUBECTL).map(|at| rest.split_at(at)) {
        said.push_str(before);
        // What stands within backticks is spoken of.
        let is_word = |character: char| character.is_alphanumeric() || "`-_/.".contains(character);
        let spoken_of = said.chars().next_back().is_some_and(is_word);
        let at = place(found, &repeated.commands).filter(|_| !spoken_of);
        let (command, after) = found.split_at(at.unwrap_or(KUBECTL.len()));
        said.push_str(command);
        if at.is_some() {
            said.push(' ');
            said.push_str(flags);
        }
        rest = after;
    }
    said + rest
}

/// Behind the namespace, where the command names one, else behind its verb; none where it is none
/// that is typed.
fn place(command: &str, commands: &[String]) -> Option<usize> {
    let mut at = KUBECTL.len();
    let verb = word(command, at);
    if !VERBS.contains(&verb) {
        return None;
    }
    at += verb.len();
    if verb == "daap" {
        let subcommand = word(command, at + 1);
        if !commands.iter().any(|known| known == subcommand) {
            return None;
        }
        at += 1 + subcommand.len();
    }
    let line = command.get(..end(command))?;
    let Some(found) = line.find(NAMESPACE) else {
        return Some(at);
    };
    let namespace = found + NAMESPACE.len();
    Some(namespace + word(line, namespace).len())
}

/// The word that begins there: letters, digits and dashes.
fn word(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or_default();
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let length = rest.find(|character| !is_part(character));
    rest.get(..length.unwrap_or(rest.len())).unwrap_or_default()
}

/// Where the command ends, at the latest: what a shell would take as quoted does not end it.
fn end(command: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let next = command.get(KUBECTL.len()..).unwrap_or_default();
    let next = next.find(KUBECTL).map(|at| at + KUBECTL.len());
    let limit = next.unwrap_or(command.len());
    let found = command.char_indices().find(|(at, character)| {
        // Within quotation marks a backslash is one.
        let is_escaped = std::mem::replace(&mut escaped, !quoted && *character == '\\');
        if *character == '\'' && !is_escaped {
            let closes = command
                .get(at + 1..)
                .is_some_and(|rest| rest.contains('\''));
            quoted = !quoted && closes;
        }
        *at >= limit || !quoted && ENDS.contains(character)
    });
    found.map_or(command.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "see: kubectl daap get orders -n apps; undo it: kubectl daap repair orders --abort -n apps",
        "see: kubectl daap get orders -n apps F; undo it: kubectl daap repair orders --abort -n apps F"
    )]
    #[case("(kubectl daap version)", "(kubectl daap version F)")]
    #[case("kubectl daap list -A shows all", "kubectl daap list F -A shows all")]
    #[case(
        "kubectl patch poolers x -p '{\"a\":\"b; c\"}' -n apps",
        "kubectl patch poolers x -p '{\"a\":\"b; c\"}' -n apps F"
    )]
    #[case(
        "kubectl daap create a --purpose 'Ada'\\''s; more' -n apps",
        "kubectl daap create a --purpose 'Ada'\\''s; more' -n apps F"
    )]
    #[case("kubectl get storageclass", "kubectl get F storageclass")]
    #[case(
        "manifests are for `kubectl apply`",
        "manifests are for `kubectl apply`"
    )]
    #[case(
        "as `kubectl daap get NAME` prints",
        "as `kubectl daap get NAME` prints"
    )]
    #[case("errors of kubectl daap are ours", "errors of kubectl daap are ours")]
    #[case("kubectl daap: 0.1.0", "kubectl daap: 0.1.0")]
    fn commands_get_the_flags(#[case] text: &str, #[case] expected: &str) {
        let commands = ["get", "repair", "version", "list", "create"];
        let repeated = Repeated {
            flags: "F".into(),
            commands: commands.map(str::to_owned).into(),
        };
        assert_eq!(with_flags(text, &repeated), expected);
    }

    #[test]
    fn without_flags_nothing_changes() {
        let text = "kubectl daap get orders -n apps";
        assert_eq!(pasteable(text), text);
    }
}
