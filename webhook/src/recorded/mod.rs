//! `review`: decides a recorded AdmissionReview, so that a platform team can test its policy.

mod facts;
mod world;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{ArgGroup, ValueEnum};
use jiff::Timestamp;
use serde_json::Value;

use crate::decide::{Decider, Verdict};
use crate::lookup::{KubeLookup, Lookup};
use crate::policy_file::PolicyFile;
use crate::response;
use crate::review;
use crate::subject::Subject;
pub use facts::FactsFile;

const EXAMPLE: &str = "\
Exit codes: 0 allowed, 1 denied (or not decided), 2 the review, the policy or the facts are no such thing.

The facts are what the webhook would ask the API server for:

  grants:                       # who may act for which teams
    - user: ann
      teams: [payments]         # \"*\" is every team
      namespaces: [apps]        # every namespace where this is left out
    - group: platform
      administrator: true
  objects:                      # what exists, as kubectl get -o yaml prints it
    - apiVersion: postgresql.cnpg.io/v1
      kind: Cluster
      metadata: {name: daap-orders, namespace: apps, labels: {daap.dev/name: orders}}

Example:

  daap-webhook review create.json --policy policy.yaml --facts facts.yaml
  kubectl get configmap -n daap-system daap-policy -o jsonpath='{.data.policy\\.yaml}' > policy.yaml";

/// What `review` needs.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("world").required(true)), after_long_help = EXAMPLE, after_help = EXAMPLE)]
pub(crate) struct ReviewArgs {
    /// A recorded AdmissionReview (JSON), as the API server sends it; - is standard input.
    file: PathBuf,
    /// The policy to decide by (YAML).
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// What completes an object, or what judges the final one.
    #[arg(long, value_enum, default_value_t = Half::Validate)]
    half: Half,
    /// Who may act for which teams, and which objects exist (YAML or JSON).
    #[arg(long, value_name = "FILE", group = "world")]
    facts: Option<PathBuf>,
    /// Ask the cluster of the current kubeconfig instead.
    #[arg(long, group = "world")]
    live: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Half {
    /// The mutating half.
    Mutate,
    /// The validating half.
    Validate,
}

/// Decides, and prints the response.
///
/// # Errors
/// What was given is no review, no policy, or no facts.
pub(crate) async fn run(args: ReviewArgs) -> anyhow::Result<ExitCode> {
    let ReviewArgs {
        file,
        policy,
        half,
        facts,
        live: _,
    } = args;
    let recorded = read(&file).with_context(|| format!("failed to read {}", file.display()))?;
    let recorded: Value = serde_json::from_str(&recorded)
        .with_context(|| format!("{}: it is no JSON", file.display()))?;
    let uid = review::uid(&recorded).with_context(|| file.display().to_string())?;
    let policy = PolicyFile::open(policy).context("the policy is not accepted")?;
    let decider = Decider::new(Arc::new(policy), lookup(facts).await?);
    let subject = Subject::of(&recorded);
    let verdict = match review::write(recorded, Timestamp::now()) {
        Err(error) => Verdict::refused(&error),
        Ok(write) => match half {
            Half::Mutate => decider.mutate(&write).await,
            Half::Validate => decider.validate(&write).await,
        },
    };
    print(&response::review(&uid, &subject, &verdict))?;
    Ok(match verdict {
        Verdict::Allowed { .. } => ExitCode::SUCCESS,
        Verdict::Denied(_) | Verdict::Failed { .. } => ExitCode::FAILURE,
    })
}

async fn lookup(facts: Option<PathBuf>) -> anyhow::Result<Arc<dyn Lookup>> {
    let client = match facts {
        Some(file) => world::client(FactsFile::open(&file)?),
        None => kube::Client::try_default()
            .await
            .context("failed to find out how to reach the API server")?,
    };
    Ok(Arc::new(KubeLookup::new(client)))
}

fn read(file: &Path) -> std::io::Result<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

fn print(answer: &response::Answer<'_>) -> anyhow::Result<()> {
    use std::io::Write as _;
    let text = serde_json::to_string_pretty(answer)?;
    match writeln!(std::io::stdout(), "{text}") {
        // Whoever reads has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
