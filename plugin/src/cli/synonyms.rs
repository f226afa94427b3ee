//! Words that people of other tools type for our commands.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What is typed, and the command that is meant.
const SYNONYMS: [(&str, &[&str]); 12] = [
    ("list", &["databases", "database", "dbs", "all", "status"]),
    ("get", &["db", "show", "inspect", "info"]),
    (
        "create",
        &["new", "add", "make", "provision", "init", "run"],
    ),
    (
        "update",
        &[
            "edit", "set", "patch", "alter", "modify", "scale", "resize", "change",
        ],
    ),
    (
        "delete",
        &[
            "rm",
            "remove",
            "destroy",
            "drop",
            "del",
            "uninstall",
            "terminate",
        ],
    ),
    (
        "connect",
        &["psql", "shell", "console", "exec", "ssh", "sql", "login"],
    ),
    (
        "credentials",
        &[
            "password", "passwd", "secret", "creds", "uri", "url", "dsn", "env",
        ],
    ),
    (
        "history",
        &["log", "logs", "audit", "versions", "revisions"],
    ),
    ("restore", &["undelete", "recover", "undrop", "resurrect"]),
    ("rollback", &["undo", "revert", "downgrade"]),
    ("transfer", &["give", "offer", "chown", "handover"]),
    ("repair", &["fix", "resume", "reconcile", "heal"]),
];

/// Suggests the command that is meant, where clap has no suggestion of its own.
pub(crate) fn suggest(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::UnknownArgument {
        return suggest_dashes(error);
    }
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    if let Some(meant) = meant(typed) {
        // Over what clap finds alike: `add` is nearer to `create` than to anything that it resembles.
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(vec![meant.to_owned()]),
        );
    }
    error
}

/// Says where arguments for another program stand, where a command takes some.
fn suggest_dashes(mut error: clap::Error) -> clap::Error {
    let usage = error.get(ContextKind::Usage).map(ToString::to_string);
    let Some((_, passed_on)) = usage.as_deref().and_then(|usage| usage.split_once("[-- ")) else {
        return error;
    };
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    // Of flags clap says it itself.
    if typed.starts_with('-') {
        return error;
    }
    let what = if passed_on.contains("PSQL-ARGS") {
        "arguments of psql come"
    } else {
        "a command to run comes"
    };
    let tip = format!("{what} after '--', as in '-- {typed}'");
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![tip.into()]),
    );
    error
}

fn meant(typed: &str) -> Option<&'static str> {
    let typed = typed.to_lowercase();
    SYNONYMS
        .iter()
        .find(|(_, words)| words.contains(&typed.as_str()))
        .map(|(meant, _)| *meant)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn each_means_a_command_that_there_is_and_is_none_itself() {
        let command = Cli::command();
        for (meant, words) in SYNONYMS {
            assert!(command.find_subcommand(meant).is_some(), "{meant}");
            for word in words {
                assert!(command.find_subcommand(word).is_none(), "{word}");
            }
        }
    }

    #[test]
    fn what_is_for_another_program_comes_after_dashes() {
        let said = |words: &[&str]| {
            let words = ["kubectl-daap"].iter().chain(words);
            suggest(Cli::try_parse_from(words).unwrap_err()).to_string()
        };
        let tip = "tip: arguments of psql come after '--', as in '-- mydb'";
        let text = said(&["connect", "orders", "mydb"]);
        assert!(text.contains(tip), "{text}");
        let tip = "tip: a command to run comes after '--', as in '-- pg_dump'";
        let text = said(&["proxy", "orders", "pg_dump"]);
        assert!(text.contains(tip), "{text}");
        let text = said(&["list", "orders"]);
        assert!(!text.contains("after '--'"), "{text}");
    }

    #[test]
    fn what_is_meant_is_suggested() {
        for (typed, meant) in [("rm", "delete"), ("databases", "list"), ("lst", "list")] {
            let error = suggest(Cli::try_parse_from(["kubectl-daap", typed]).unwrap_err());
            assert_eq!(error.exit_code(), 2);
            let text = error.to_string();
            assert!(text.contains(&format!("'{meant}'")), "{typed}: {text}");
        }
    }
}
