//! `kubectl daap completion`

mod install;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::output::stdout;

const EXAMPLES: &str = "\
Examples:
  kubectl daap completion install
  kubectl daap completion install --dir ~/.local/bin
  source <(kubectl-daap completion bash)
  kubectl-daap completion fish > ~/.config/fish/completions/kubectl-daap.fish";

/// Arguments of `completion`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Make kubectl complete what follows `kubectl daap`, by a link on the PATH
    Install(install::InstallArgs),
    /// Print the script for bash, for who types `kubectl-daap`
    Bash,
    /// Print the script for zsh, for who types `kubectl-daap`
    Zsh,
    /// Print the script for fish, for who types `kubectl-daap`
    Fish,
}

/// Installs completion, or prints a script.
pub(crate) fn run(args: &CompletionArgs) -> Result<(), Failure> {
    match &args.what {
        What::Install(args) => install::run(args),
        What::Bash => stdout(include_str!("completion/kubectl-daap.bash")),
        What::Zsh => stdout(include_str!("completion/kubectl-daap.zsh")),
        What::Fish => stdout(include_str!("completion/kubectl-daap.fish")),
    }
}
