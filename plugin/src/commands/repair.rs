//! `kubectl daap repair`

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use daap_crds::contract::{annotation, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::pending::{OperationName, Pending};
use serde_json::Value;

use super::each::each;
use super::{next, restore};
use crate::cli::parse_duration;
use crate::context::Context;
use crate::database::Name;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::operation::{self, Asked, Create, Deadline, Ready, Repair, Restore, Wish};
use crate::output::{Progress, stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap repair orders -n apps
  kubectl daap diff orders -n apps
  kubectl daap repair orders --abort
  kubectl daap repair --all -n apps";

/// Arguments of `repair`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RepairArgs {
    /// Name of the database
    #[arg(
        value_name = "NAME",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    database: Option<OsString>,
    /// Every database of the namespace; one that is being deleted is left alone
    #[arg(long)]
    all: bool,
    /// Undo a deletion that stopped before the cluster was removed
    #[arg(long, conflicts_with = "all")]
    abort: bool,
    /// Wait until the database is ready; not with --all
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    /// How long to try and to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    timeout: Duration,
}

/// Finishes what is unfinished, and writes back what has drifted.
pub(crate) async fn run(context: &Context, args: RepairArgs) -> Result<(), Failure> {
    let k8s = context.kubernetes().await?;
    let Some(database) = &args.database else {
        return repair_all(k8s, &args).await;
    };
    let name = Name::parse(database)?;
    let word = repair(k8s, &name, &args).await?;
    stdout_line(&format!("database/{name} {word}"))?;
    next::when_ready(k8s, &name, args.wait && word != "unchanged");
    Ok(())
}

/// One after the other.
async fn repair_all(k8s: &Kubernetes, args: &RepairArgs) -> Result<(), Failure> {
    let (mut concerned, mut seen) = (Vec::new(), 0_usize);
    for cluster in k8s.list(Kind::Cluster, label::NAME).await? {
        let view = View(&cluster);
        let text = view.label(label::NAME).unwrap_or_default();
        seen += 1;
        let Ok(name) = DatabaseName::parse(text) else {
            stderr_line(&format!(
                "Warning: cluster {} has no readable {}; it is left alone",
                view.name(),
                label::NAME
            ));
            continue;
        };
        if pending(&cluster) == Some(OperationName::Delete) {
            stderr_line(&format!(
                "database/{name} is being deleted; it is left alone"
            ));
            continue;
        }
        concerned.push((name.to_string(), name));
    }
    if seen == 0 {
        stderr_line(&format!(
            "No databases found in namespace {}.",
            k8s.namespace()
        ));
    }
    each(concerned, "not repaired", async |name: DatabaseName| {
        let word = repair(k8s, &name, args).await?;
        stdout_line(&format!("database/{name} {word}"))
    })
    .await
}

fn pending(cluster: &Value) -> Option<OperationName> {
    let pending = View(cluster).annotation(annotation::PENDING)?;
    Pending::parse(pending).map(|pending| pending.operation)
}

/// Repairs one database; the word for what was done.
async fn repair(
    k8s: &Kubernetes,
    name: &DatabaseName,
    args: &RepairArgs,
) -> Result<&'static str, Failure> {
    let deadline = Deadline::within(args.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let wait = args.wait && !args.all;
    let cluster = k8s.get(Kind::Cluster, &name.cluster()).await?;
    let unfinished = cluster.as_ref().filter(|_| !args.abort).and_then(pending);
    match (unfinished, &cluster) {
        (Some(OperationName::Create), Some(cluster)) => {
            let (asked, _) = Asked::of(View(cluster), name)?;
            let mut create = Create::new(k8s.clone(), asked);
            operation::run(&mut create, deadline, &progress).await?;
        }
        (Some(OperationName::Restore), _) => {
            let restore = Restore::new(k8s.clone(), name.clone(), Wish::default());
            restore::finish(k8s, name, restore, wait, deadline, &progress).await?;
            return Ok("repaired");
        }
        _ => {
            let mut repair = Repair::new(k8s.clone(), name.clone(), args.abort);
            operation::run(&mut repair, deadline, &progress).await?;
            if !repair.changed {
                return Ok("unchanged");
            }
        }
    }
    if wait {
        let mut ready = Ready::new(k8s.clone(), name.clone());
        operation::run(&mut ready, deadline, &progress).await?;
    }
    Ok(if args.abort { "kept" } else { "repaired" })
}
