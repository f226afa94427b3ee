//! The command line of `daap-sandbox`.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use rustix::process::Signal;

use super::{
    folder::{Base, is_live},
    guard,
    identity::{NAMESPACE, User},
    layout::Layout,
    options::SandboxOptions,
    process::Identity,
    programs,
    starter::{START_LIMIT, Supervisor, mandate},
    supervisor,
    wire::{Mandate, Ready, Report},
};

/// How long `down` waits for an orderly end.
const DOWN_LIMIT: Duration = Duration::from_secs(30);

/// A Kubernetes control plane with daap's webhook and a stand-in for the CNPG operator, on this
/// machine.
#[derive(Debug, Parser)]
#[command(name = "daap-sandbox", version)]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Raise a sandbox, unless it is up, and print what to export
    Up {
        /// Which sandbox
        #[arg(long, default_value = "default")]
        name: String,
        /// Use CNPG's own CRDs where they are at hand
        #[arg(long)]
        real_crds: bool,
        /// Leave the webhook and its configurations out
        #[arg(long)]
        no_webhook: bool,
        /// Leave the stand-in operator out
        #[arg(long)]
        no_operator: bool,
        /// Policy of the webhook, instead of the one in manifests/
        #[arg(long)]
        policy: Option<PathBuf>,
    },
    /// Take a sandbox down, with all its processes and files
    Down {
        /// Which sandbox
        #[arg(long, default_value = "default")]
        name: String,
    },
    /// Show the sandboxes that there are
    Status,
    /// Be the supervisor of a sandbox (started by `up`)
    #[command(hide = true)]
    Serve { mandate: String },
    /// Be the guard of a sandbox's folder (started by the supervisor)
    #[command(hide = true)]
    Guard { folder: PathBuf },
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { command }: Arguments) -> Result<()> {
    match command {
        Subcommands::Up {
            name,
            real_crds,
            no_webhook,
            no_operator,
            policy,
        } => {
            let policy = policy.map(|file| {
                fs::read_to_string(&file)
                    .with_context(|| format!("failed to read the policy {}", file.display()))
            });
            let options = SandboxOptions {
                webhook: !no_webhook,
                operator: !no_operator,
                real_crds,
                policy: policy.transpose()?,
                audit: false,
            };
            up(&name, options)
        }
        Subcommands::Down { name } => down(&name),
        Subcommands::Status => status(),
        Subcommands::Serve { mandate } => serve(&mandate),
        Subcommands::Guard { folder } => guard::watch(&folder),
    }
}

fn up(name: &str, options: SandboxOptions) -> Result<()> {
    let folder = Base::from_environment()?.sandbox(name)?;
    let ready = if is_live(&folder) {
        wait_until_ready(&folder)?
    } else {
        let supervisor = Supervisor::start(&mandate(name, options, false)?)?;
        match supervisor.report(START_LIMIT)? {
            Report::Ready(ready) => ready,
            // Somebody else was faster.
            Report::Taken => wait_until_ready(&folder)?,
            other => bail!("expected a sandbox, got {other:?}"),
        }
    };
    announce(name, &ready)
}

fn announce(name: &str, ready: &Ready) -> Result<()> {
    let mut prose = format!("sandbox {name} is ready at {}\n", ready.server);
    for warning in &ready.warnings {
        let _ = writeln!(prose, "warning: {warning}");
    }
    let _ = writeln!(prose, "contexts, all in namespace {NAMESPACE}:");
    for user in User::PUBLISHED {
        let who = match (user, user.team()) {
            (User::Admin, _) => "cluster administrator".to_owned(),
            (_, Some(team)) => format!("developer of team {team}"),
            (_, None) => "developer of no team".to_owned(),
        };
        let _ = writeln!(prose, "  {:<14}{who}", user.context());
    }
    say(prose.trim_end());
    let kubeconfig = Layout::of(&ready.folder).kubeconfig();
    let mut out = io::stdout();
    writeln!(out, "export KUBECONFIG={}", quoted(&kubeconfig))?;
    // kubectl finds a plugin by the PATH, and has to be one itself to be typed.
    let plugin = programs::built("kubectl-daap", Some("KUBECTL_DAAP")).ok();
    let plugin = plugin.as_deref().and_then(Path::parent);
    let folders: Vec<String> = plugin
        .into_iter()
        .chain([ready.assets.as_path()])
        .map(quoted)
        .collect();
    writeln!(out, "export PATH={}:\"$PATH\"", folders.join(":"))?;
    Ok(())
}

/// In single quotes, for any shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn wait_until_ready(folder: &Path) -> Result<Ready> {
    let file = Layout::of(folder).ready();
    let deadline = Instant::now() + START_LIMIT;
    while Instant::now() < deadline {
        if let Ok(ready) = fs::read_to_string(&file) {
            return Ok(serde_json::from_str(&ready)?);
        }
        ensure!(
            is_live(folder),
            "the sandbox went away while it was starting"
        );
        thread::sleep(Duration::from_millis(50));
    }
    bail!("the sandbox in {} does not become ready", folder.display())
}

fn down(name: &str) -> Result<()> {
    let base = Base::from_environment()?;
    let folder = base.sandbox(name)?;
    let deadline = Instant::now() + DOWN_LIMIT;
    while is_live(&folder) {
        // A supervisor that has just begun has not said yet who it is.
        let identity = fs::read_to_string(Layout::of(&folder).supervisor()).ok();
        let identity: Option<Identity> = identity.and_then(|text| serde_json::from_str(&text).ok());
        if let Some(supervisor) = identity {
            let late = Instant::now() > deadline;
            supervisor.signal(if late { Signal::KILL } else { Signal::TERM })?;
        }
        thread::sleep(Duration::from_millis(50));
        ensure!(
            Instant::now() < deadline + DOWN_LIMIT,
            "the sandbox {name} does not go down: see {}",
            folder.join("log").display()
        );
    }
    base.sweep()?;
    base.remove_if_empty();
    say(&format!("sandbox {name} is down"));
    Ok(())
}

fn status() -> Result<()> {
    let base = Base::from_environment()?;
    let mut stdout = io::stdout().lock();
    for name in base.names() {
        let folder = base.sandbox(&name)?;
        let ready = fs::read_to_string(Layout::of(&folder).ready()).ok();
        let ready: Option<Ready> = ready.and_then(|text| serde_json::from_str(&text).ok());
        let (state, server) = match ready {
            _ if !is_live(&folder) => ("crashed", "-".to_owned()),
            Some(ready) => ("ready", ready.server),
            None => ("starting", "-".to_owned()),
        };
        writeln!(
            stdout,
            "{name:<20} {state:<9} {server:<26} {}",
            folder.display()
        )?;
    }
    Ok(())
}

fn serve(mandate: &str) -> Result<()> {
    let mandate: Mandate = serde_json::from_str(mandate).context("not a mandate")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(supervisor::serve(mandate));
    // Whatever still runs works on files that are gone.
    runtime.shutdown_background();
    served
}

/// Prose goes to standard error: standard output is for the shell.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
