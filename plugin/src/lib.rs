//! `kubectl daap`: PostgreSQL databases for developers, on Kubernetes, by `CloudNativePG`.
//!
//! # Shape
//! - `cli` is the command line, `commands` holds one file a command.
//! - `operation` is the engine of every write: named, idempotent steps that follow from the world.
//! - `kubernetes` talks to the API server, `database` reads a database and prints it.
//! - `completion` says what may follow the words that were typed.
//! - `rights` is what each command needs of RBAC.
//! - `forward` is a local port to a pooler, `login` how a client logs in there.
//! - `failure` is every error: message, fields, next step, exit code.
//! - `interrupt` is Ctrl-C, and who is told of it.

mod choice;
mod cli;
mod commands;
mod completion;
mod confirm;
mod context;
mod database;
mod failure;
mod forward;
mod interrupt;
mod kubernetes;
mod login;
mod operation;
mod output;
mod rights;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use choice::Question;
use cli::{Cli, Command, suggest, with_switches, with_template};
use commands::{
    apply, can_i, connect, create, credentials, delete, describe, diff, doctor, events, explain,
    get, history, list, proxy, purge, repair, restore, rollback, suggestion, transfer, tree,
    update, version,
};
use context::Context;
use failure::{Class, Failure};
pub use rights::{NeededIn, NeededRight, Needs, needs};
use rights::{Typed, with_missing};

/// The command line as clap sees it, for completion and for the reference of commands.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Runs the plugin with these arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(words) = completion::requested(&arguments) {
        return completion::run(words);
    }
    let arguments = with_switches(with_template(arguments));
    let result = match Cli::try_parse_from(&arguments) {
        Ok(cli) => {
            trace(cli.kubernetes.verbosity);
            within_runtime(dispatch(cli, &arguments))
        }
        Err(error) => {
            let question = Question::about(&error, &arguments);
            if let Some(failure) = question.as_ref().and_then(Question::objection) {
                return told(&failure);
            }
            let Some(question) = question.filter(|_| choice::can_be_asked()) else {
                let error = suggest(error);
                // Help on stdout with 0, a usage error on stderr with 2. A closed pipe is no error.
                let _ = error.print();
                return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
            };
            within_runtime(async { dispatch(question.ask().await?, &arguments).await })
        }
    };
    result.unwrap_or_else(|failure| told(&failure))
}

fn told(failure: &Failure) -> ExitCode {
    let _ = std::io::stderr()
        .lock()
        .write_all(failure.render().as_bytes());
    failure.exit_code()
}

fn within_runtime(
    work: impl Future<Output = Result<ExitCode, Failure>>,
) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("failed to start: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            biased;
            result = work => result,
            () = interrupt::unheard() => Ok(ExitCode::from(failure::INTERRUPTED)),
        }
    });
    // A prompt that was interrupted still reads the terminal: it is not waited for.
    runtime.shutdown_background();
    result
}

async fn dispatch(cli: Cli, arguments: &[OsString]) -> Result<ExitCode, Failure> {
    cli.refuse_template()?;
    let Cli {
        kubernetes,
        command,
        ..
    } = cli;
    output::repeat_flags(kubernetes.typed_again(), || commands_of(&self::command()));
    let context = Rc::new(Context::new(kubernetes));
    match command_line(Rc::clone(&context), command).await {
        Err(failure) => Err(in_full(&context, arguments, failure).await),
        done => done,
    }
}

/// A failure with what the user would have to ask next.
async fn in_full(context: &Context, arguments: &[OsString], failure: Failure) -> Failure {
    let failure = suggestion::with_meant(context, failure).await;
    if failure.classification() != Class::Forbidden {
        return failure;
    }
    match context.kubernetes().await {
        Ok(k8s) => with_missing(k8s, &Typed::of(command(), arguments), failure).await,
        Err(_) => failure,
    }
}

async fn command_line(context: Rc<Context>, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Create(args) => create::run(&context, args).await?,
        Command::Get(args) => get::run(&context, args).await?,
        Command::List(args) => list::run(&context, args).await?,
        Command::CanI(args) => return can_i::run(&context, args).await,
        Command::Connect(args) => return connect::run(&context, args).await,
        Command::Proxy(args) => return proxy::run(&context, args).await,
        Command::Credentials(args) => credentials::run(&context, args).await?,
        Command::History(args) => history::run(&context, args).await?,
        Command::Apply(args) => apply::run(&context, args).await?,
        Command::Explain(args) => explain::run(&context, args).await?,
        Command::Describe(args) => describe::run(&context, args).await?,
        Command::Events(args) => events::run(&context, args).await?,
        Command::Update(args) => update::run(&context, args).await?,
        Command::Tree(args) => tree::run(&context, args).await?,
        Command::Rollback(args) => rollback::run(&context, args).await?,
        Command::Delete(args) => delete::run(&context, args).await?,
        Command::Purge(args) => purge::run(&context, args).await?,
        Command::Diff(args) => return diff::run(&context, args).await,
        Command::Doctor(args) => return doctor::run(&context, args).await,
        Command::Repair(args) => repair::run(&context, args).await?,
        Command::Transfer(args) => transfer::run(&context, args).await?,
        Command::Restore(args) => restore::run(&context, args).await?,
        Command::Completion(args) => commands::completion::run(&args)?,
        Command::Version(args) => version::run(&context, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn commands_of(command: &clap::Command) -> Vec<String> {
    let names = command.get_subcommands().map(clap::Command::get_name);
    names.map(str::to_owned).collect()
}

/// `-v`: kubectl shows requests from 6 on.
fn trace(verbosity: u8) {
    let filter = match verbosity {
        0 => return,
        1..=5 => "kubectl_daap=info",
        6..=8 => "kubectl_daap=debug,kube_client=debug,tower=info",
        // Not kube at `trace`: it would log bodies, and so Secrets.
        _ => "kubectl_daap=trace,kube_client=debug,hyper=debug,rustls=debug,tower=debug",
    };
    let _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .try_init();
}
