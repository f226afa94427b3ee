//! `kubectl daap doctor`

mod authority;
mod caller;
mod crds;
mod finding;
mod operator;
mod policies;
mod probe;
mod server;
mod storage;
mod webhook;

use std::process::ExitCode;

use clap::Args;
use futures::future::join_all;
use futures::{FutureExt as _, future::BoxFuture};

use crate::context::Context;
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use crate::output::{Documents, Formats, OutputFormat, stderr_line, stdout};
use finding::{Finding, Outcome, Report};

const EXAMPLES: &str = "\
Examples:
  kubectl daap doctor -n apps
  kubectl daap doctor --as eve -n apps
  kubectl daap doctor -o json";

/// Arguments of `doctor`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// How to print: json, yaml, jsonpath=… or go-template=…
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "table",
        hide_default_value = true,
        value_parser = Formats::without(&["wide", "name", "custom-columns", "custom-columns-file"])
    )]
    output: OutputFormat,
}

/// Looks at everything that daap depends on; 0 where nothing has failed.
pub(crate) async fn run(context: &Context, args: DoctorArgs) -> Result<ExitCode, Failure> {
    let DoctorArgs { output } = args;
    let report = Report(examine(context).await);
    let document = Documents::One(report.json());
    stdout(&output.render_or(&document, true, || report.text())?)?;
    if output.is_table() {
        stderr_line(&report.summary());
    }
    Ok(ExitCode::from(u8::from(report.has_failed())))
}

async fn examine(context: &Context) -> Vec<Finding> {
    let mut findings = vec![server::client()];
    let k8s = match context.kubernetes().await {
        Ok(k8s) => k8s,
        Err(failure) => {
            findings.push(Finding::of_failure("api-server", &failure));
            return findings;
        }
    };
    let server = server::check(k8s).await;
    let is_reached = server.outcome != Outcome::Failed;
    findings.push(server);
    if !is_reached {
        // Everything else would say the same once more.
        return findings;
    }
    let checks: Vec<BoxFuture<'_, Vec<Finding>>> = vec![
        crds::check(k8s).boxed(),
        operator::check(k8s).boxed(),
        webhook(k8s).boxed(),
        policies::check(k8s).boxed(),
        storage::check(k8s).boxed(),
        caller::check(k8s).boxed(),
    ];
    findings.extend(join_all(checks).await.into_iter().flatten());
    findings
}

/// What is installed, what answers, and what follows from both for the history.
async fn webhook(k8s: &Kubernetes) -> Vec<Finding> {
    let mut findings = webhook::check(k8s).await;
    findings.extend(probe::check(k8s).await);
    findings.push(history(&findings));
    findings
}

/// Only the webhook keeps users from writing their own past.
fn history(findings: &[Finding]) -> Finding {
    const CHECK: &str = "history";
    let of = |check: &str| { findings.iter() }.find(|finding| finding.check == check);
    let in_force = of(probe::IN_FORCE).map(|finding| finding.outcome);
    let configured = of(webhook::CONFIGURATION).map(|finding| finding.outcome);
    match (in_force, configured) {
        (Some(Outcome::Passed), _) => {
            Finding::passed(CHECK, "the webhook writes it, and lets nobody else do so")
        }
        (Some(Outcome::Failed), _) | (_, Some(Outcome::Failed)) => Finding::warning(
            CHECK,
            "nothing vouches for the history of databases: the webhook is not in force, so that whoever may write a Cluster may write its past",
            "install the webhook, or bring it back, as the lines above say; `kubectl daap history NAME --verify` finds what does not fit together",
        ),
        _ => Finding::skipped(
            CHECK,
            "whether anything vouches for it is not known, as the webhook could not be tried",
        ),
    }
}
