use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::policy_file::PolicyFile;
use crate::recorded::{self, ReviewArgs};
use crate::serve;
use crate::serve_args::ServeArgs;

/// Holds names, ownership and defaults of daap databases on every write.
#[derive(Debug, Parser)]
#[command(name = "daap-webhook", version)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the admission webhook until SIGTERM.
    Serve(Box<ServeArgs>),
    /// Check a policy file as a whole, and say what is wrong with it.
    CheckPolicy {
        /// The policy file (YAML).
        file: PathBuf,
    },
    /// Decide a recorded AdmissionReview, and print the response: to test a policy.
    Review(ReviewArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Does what the arguments say.
pub async fn run(args: Args) -> ExitCode {
    let Args { command } = args;
    let result = match command {
        Command::Serve(args) => {
            start_log(args.log_format);
            log_panics();
            serve::serve(*args).await
        }
        Command::CheckPolicy { file } => check_policy(&file),
        Command::Review(args) => {
            return recorded::run(args).await.unwrap_or_else(|error| {
                tell(&format!("error: {error:#}"));
                ExitCode::from(2)
            });
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn check_policy(file: &std::path::Path) -> anyhow::Result<()> {
    PolicyFile::open(file.to_owned()).context("the policy is not accepted")?;
    tell(&format!("{}: the policy is valid", file.display()));
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "what a command says to whoever typed it"
)]
fn tell(line: &str) {
    eprintln!("{line}");
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Whoever embeds the webhook may have a log already.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => builder.try_init(),
    };
}

/// Where, but not what: the message of a panic may quote an object.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(location, "panic");
    }));
}
