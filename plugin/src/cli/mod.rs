//! The command line.

mod dry_run;
mod duration;
mod kubernetes;
mod switches;
mod synonyms;
mod template;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

pub(crate) use dry_run::DryRun;
pub(crate) use duration::parse as parse_duration;
pub(crate) use kubernetes::KubernetesFlags;
pub(crate) use switches::with_switches;
pub(crate) use synonyms::suggest;
pub(crate) use template::with_template;

use crate::commands::{
    apply, can_i, connect, create, credentials, delete, describe, diff, doctor, events, explain,
    get, history, list, proxy, purge, repair, restore, rollback, transfer, tree, update, version,
};

use crate::failure::Failure;

/// clap does not group subcommands; a test holds this to what there is.
const HELP: &str = "\
{about}

{usage-heading} {usage}

Create and look:
  create       Create a database
  get          Show one database, or all
  list         List databases
  tree         Show what a database consists of, and the condition of each part
  history      Show every version of a database's record

Understand:
  explain      Say why a database is as it is, and what to do
  describe     Show everything about one database
  events       Show what happened to a database lately
  can-i        Say whether you may do something, and what decides that

Use:
  connect      Open psql on a database, through its pooler
  proxy        Forward a local port to a database's pooler, and keep it open
  credentials  Say how a client logs in, or change the password

Change and remove:
  apply        Create or change databases as files say, after a look at the diff
  update       Change owner team, purpose, instances or storage
  rollback     Write the values of an earlier version again
  transfer     Offer a database to another team, or accept one
  delete       Delete a database; its record and its data are kept
  restore      Bring a deleted database back, with its data, id and password
  purge        Destroy the data that a deleted database left
  diff         Show where a database is not what its record, or a file, says
  repair       Finish what is unfinished, write back drift, or undo a deletion

Other:
  completion   Make kubectl complete names and flags, or print a script for it
  doctor       Check everything that daap depends on, and say what to do
  version      Show versions of client, server, operator and webhook
  help         Show this, or the help of a command

Flags of every command:
{options}

Examples:
  kubectl daap create orders --owner-team payments --purpose \"order intake\"
  kubectl daap list -A --state error
  kubectl daap connect orders -n apps -- -c 'select 1'
";

/// PostgreSQL databases on Kubernetes, by CloudNativePG
#[derive(Parser, Debug)]
#[command(
    name = "kubectl-daap",
    bin_name = "kubectl daap",
    version,
    help_template = HELP,
    max_term_width = 100,
    disable_help_subcommand = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    /// Which cluster, and as whom.
    #[command(flatten)]
    pub(crate) kubernetes: KubernetesFlags,
    /// Template of -o go-template, jsonpath and the like, where they have none. The help of -o names
    /// it, so that not every command has it in its own.
    #[arg(
        long,
        global = true,
        value_name = "TEMPLATE",
        allow_hyphen_values = true,
        hide = true
    )]
    template: Option<OsString>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Refuses a template that [`with_template`] found no place for.
    ///
    /// # Errors
    /// There is one.
    pub(crate) fn refuse_template(&self) -> Result<(), Failure> {
        if self.template.is_none() {
            return Ok(());
        }
        Err(
            Failure::usage("--template needs -o go-template or -o jsonpath")
                .hint("leave one of the flags out"),
        )
    }
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Create a database
    Create(create::CreateArgs),
    /// Show one database, or all
    Get(get::GetArgs),
    /// List databases
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    /// Show what a database consists of, and the condition of each part
    Tree(tree::TreeArgs),
    /// Show every version of a database's record
    History(history::HistoryArgs),
    /// Say why a database is as it is, and what to do
    Explain(explain::ExplainArgs),
    /// Show everything about one database
    Describe(describe::DescribeArgs),
    /// Show what happened to a database lately
    Events(events::EventsArgs),
    /// Say whether you may do something, and what decides that
    CanI(can_i::CanIArgs),
    /// Open psql on a database, through its pooler
    Connect(connect::ConnectArgs),
    /// Forward a local port to a database's pooler, and keep it open
    Proxy(proxy::ProxyArgs),
    /// Say how a client logs in, or change the password
    Credentials(credentials::CredentialsArgs),
    /// Create or change databases as files say, after a look at the diff
    Apply(apply::ApplyArgs),
    /// Change owner team, purpose, instances or storage
    Update(update::UpdateArgs),
    /// Write the values of an earlier version again
    Rollback(rollback::RollbackArgs),
    /// Offer a database to another team, or accept one
    Transfer(transfer::TransferArgs),
    /// Delete a database; its record and its data are kept
    Delete(delete::DeleteArgs),
    /// Bring a deleted database back, with its data, id and password
    Restore(restore::RestoreArgs),
    /// Destroy the data that a deleted database left
    Purge(purge::PurgeArgs),
    /// Show where a database is not what its record, or a file, says
    Diff(diff::DiffArgs),
    /// Finish what is unfinished, write back drift, or undo a deletion
    Repair(repair::RepairArgs),
    /// Make kubectl complete names and flags, or print a script for it
    Completion(crate::commands::completion::CompletionArgs),
    /// Check everything that daap depends on, and say what to do
    Doctor(doctor::DoctorArgs),
    /// Show versions of client, server, operator and webhook
    Version(version::VersionArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_every_command_with_its_own_words() {
        let command = Cli::command();
        for subcommand in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let about = subcommand
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            let line = format!("  {:<12} {about}", subcommand.get_name());
            assert!(HELP.contains(&line), "the help lacks: {line}");
        }
    }

    #[test]
    fn every_command_has_examples() {
        for subcommand in Cli::command().get_subcommands() {
            let help = subcommand
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                help.contains("Examples:\n  kubectl daap "),
                "{}",
                subcommand.get_name()
            );
        }
    }

    #[test]
    fn kubectls_flags_are_taken_after_the_command() {
        let cli = Cli::try_parse_from([
            "kubectl-daap",
            "list",
            "-n",
            "apps",
            "--as",
            "ada",
            "--as-group",
            "a",
            "--as-group",
            "b",
            "--request-timeout=5s",
            "-v=6",
        ])
        .unwrap();
        assert_eq!(cli.kubernetes.namespace.as_deref(), Some("apps"));
        assert_eq!(cli.kubernetes.as_group, ["a", "b"]);
        assert_eq!(cli.kubernetes.verbosity, 6);
        assert_eq!(
            cli.kubernetes.request_timeout,
            Some(std::time::Duration::from_secs(5))
        );
    }

    #[test]
    fn usage_errors_exit_with_2() {
        for words in [
            &["list", "--nonsense"][..],
            &["list", "-o", "xml"],
            &["create"],
            &["nonsense"],
        ] {
            let error =
                Cli::try_parse_from(std::iter::once(&"kubectl-daap").chain(words)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{words:?}");
        }
    }
}
