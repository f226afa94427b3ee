//! Asking which database is meant, where the command line names none and there is a terminal.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::IsTerminal as _;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use daap_crds::contract::label;
use daap_crds::object::View;
use dialoguer::Select;
use dialoguer::console::Term;
use jiff::Timestamp;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::database::{Listing, Restorable, list};
use crate::failure::Failure;
use crate::interrupt::Waiting;
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::GrowingTable;

/// As clap calls the argument.
const NAME: &str = "<NAME>";
/// In the place of the name while nobody has chosen one: the other arguments are read with it.
const PLACEHOLDER: &str = "placeholder";

/// Databases that a command may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Among {
    Living,
    Deleted,
}

impl Among {
    /// None where a name is not to be chosen, but made up.
    fn of(command: &Command) -> Option<Self> {
        match command {
            Command::Create(_) => None,
            Command::Restore(_) | Command::Purge(_) => Some(Self::Deleted),
            _ => Some(Self::Living),
        }
    }
}

/// Whether there is somebody to ask.
pub(crate) fn can_be_asked() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// A command line that lacks nothing but the name of a database.
#[derive(Debug)]
pub(crate) struct Question {
    arguments: Vec<OsString>,
    /// Where the name goes.
    at: usize,
    cli: Cli,
    among: Among,
}

impl Question {
    /// What else is wrong, so that there is nothing to ask.
    pub(crate) fn objection(&self) -> Option<Failure> {
        match &self.cli.command {
            Command::Credentials(args) => args.misplaced_name(),
            _ => None,
        }
    }

    /// The question, where a name is all that is missing.
    pub(crate) fn about(error: &clap::Error, arguments: &[OsString]) -> Option<Self> {
        let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
            return None;
        };
        if error.kind() != ErrorKind::MissingRequiredArgument
            || !missing.iter().any(|one| one == NAME)
        {
            return None;
        }
        let at = arguments
            .iter()
            .position(|argument| argument == "--")
            .unwrap_or(arguments.len());
        let mut arguments = arguments.to_vec();
        arguments.insert(at, PLACEHOLDER.into());
        let cli = Cli::try_parse_from(&arguments).ok()?;
        let among = Among::of(&cli.command)?;
        Some(Self {
            arguments,
            at,
            cli,
            among,
        })
    }

    /// Asks, and reads the command line with the answer.
    ///
    /// # Errors
    /// There is no database, or none was chosen.
    pub(crate) async fn ask(mut self) -> Result<Cli, Failure> {
        let context = Context::new(self.cli.kubernetes);
        let k8s = context.kubernetes().await?;
        let mut choices = match self.among {
            Among::Living => living(k8s).await?,
            Among::Deleted => deleted(k8s).await?,
        };
        let namespace = k8s.namespace();
        if choices.is_empty() {
            let which = match self.among {
                Among::Living => "database",
                Among::Deleted => "deleted database whose data is kept",
            };
            return Err(Failure::usage(format!(
                "no name was given, and there is no {which} in namespace {namespace}"
            ))
            .hint(
                "name another namespace with -n; kubectl daap list -A shows all that there are",
            ));
        }
        let prompt = format!("Choose a database in namespace {namespace}");
        let chosen = chosen(prompt, &choices).await?;
        let name = choices.swap_remove(chosen).swap_remove(0);
        if let Some(argument) = self.arguments.get_mut(self.at) {
            *argument = name.into();
        }
        Cli::try_parse_from(self.arguments).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// The number of the line that was chosen, drawn on stderr: stdout is for the result.
async fn chosen(prompt: String, choices: &[Vec<String>]) -> Result<usize, Failure> {
    let mut widths = GrowingTable::default();
    for choice in choices {
        widths.fit(choice);
    }
    let lines: Vec<String> = choices.iter().map(|choice| widths.line(choice)).collect();
    // Ctrl-C would end us with the cursor hidden.
    let waiting = Waiting::begin().await;
    let asked = tokio::task::spawn_blocking(move || {
        Select::new()
            .with_prompt(prompt)
            .items(lines)
            .default(0)
            .interact_on_opt(&Term::stderr())
    });
    let chosen = tokio::select! {
        chosen = asked => chosen.ok().and_then(Result::ok),
        () = waiting.ctrl_c() => None,
    };
    match chosen {
        Some(Some(index)) => Ok(index),
        Some(None) => Err(Failure::new("no database was chosen")
            .hint("choose with the arrow keys and Enter, or name one")),
        None => {
            let _ = Term::stderr().show_cursor();
            Err(Failure::interrupted("interrupted"))
        }
    }
}

/// Name, team and state of each.
async fn living(k8s: &Kubernetes) -> Result<Vec<Vec<String>>, Failure> {
    let listing = Listing {
        namespace: Some(k8s.namespace().to_owned()),
        selector: label::NAME.to_owned(),
        ..Listing::default()
    };
    let (lines, _) = list(k8s, listing, |database| {
        Some(vec![
            database.name().to_owned(),
            database.team().to_owned(),
            database.status().state.to_string(),
        ])
    })
    .await?;
    Ok(lines)
}

/// Name, team and until when it can be restored; each name once.
async fn deleted(k8s: &Kubernetes) -> Result<Vec<Vec<String>>, Failure> {
    let selector = format!("{}=true,{}", label::DELETED, label::NAME);
    let found = k8s.list(Kind::ConfigMap, &selector).await?;
    let now = Timestamp::now();
    let mut seen = HashSet::new();
    let kept = found.iter().filter_map(|tombstone| {
        let view = View(tombstone);
        let restorable = Restorable::of(tombstone, now);
        let keeps_data = matches!(restorable, Restorable::Until(_) | Restorable::Expired(_));
        let name = view.label(label::NAME)?;
        (keeps_data && seen.insert(name.to_owned())).then(|| {
            vec![
                name.to_owned(),
                view.label(label::OWNER_TEAM).unwrap_or_default().to_owned(),
                restorable.cell(),
            ]
        })
    });
    Ok(kept.collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn question(words: &[&str]) -> Option<Question> {
        let arguments: Vec<OsString> = ["kubectl-daap"]
            .iter()
            .chain(words)
            .map(|word| OsString::from(*word))
            .collect();
        let error = Cli::try_parse_from(&arguments).unwrap_err();
        Question::about(&error, &arguments)
    }

    #[rstest]
    #[case(&["connect", "--", "-c", "select 1"], Among::Living, 2)]
    #[case(&["delete", "--yes", "-n", "apps"], Among::Living, 5)]
    #[case(&["tree"], Among::Living, 2)]
    #[case(&["diff"], Among::Living, 2)]
    #[case(&["restore"], Among::Deleted, 2)]
    fn a_missing_name_is_asked_for(
        #[case] words: &[&str],
        #[case] among: Among,
        #[case] at: usize,
    ) {
        let question = question(words).unwrap();
        assert_eq!((question.among, question.at), (among, at));
    }

    #[test]
    fn a_name_before_rotate_is_not_asked_for_again() {
        let objection = |words| question(words).unwrap().objection();
        assert!(objection(&["credentials", "rotate"]).is_none());
        let failure = objection(&["credentials", "orders", "rotate"]).unwrap();
        insta::assert_snapshot!(failure.render(), @r"
        error: 'orders' stands before rotate
        hint: write it as: kubectl daap credentials rotate NAME
        ");
    }

    #[rstest]
    #[case(&["create"])]
    #[case(&["tree", "--nonsense"])]
    #[case(&["apply"])]
    #[case(&["get", "-o", "xml"])]
    fn anything_else_is_a_usage_error(#[case] words: &[&str]) {
        assert!(question(words).is_none());
    }
}
