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
use crate::cli::{DryRun, parse_duration};
use crate::context::Context;
use crate::database::Name;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::operation::{self, Asked, Create, Deadline, Operation, Ready, Repair, Restore, Wish};
use crate::output::{Progress, stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap repair orders -n apps
  kubectl daap diff orders -n apps
  kubectl daap repair orders --abort
  kubectl daap repair --all -n apps --dry-run
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
    /// Write nothing: say what would be done first; `server` lets admission judge that
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
}

impl RepairArgs {
    /// Of many databases, none is waited for.
    fn waits(&self) -> bool {
        self.wait && !self.all
    }
}

/// Finishes what is unfinished, and writes back what has drifted.
pub(crate) async fn run(context: &Context, args: RepairArgs) -> Result<(), Failure> {
    let k8s = context.kubernetes().await?;
    let Some(database) = &args.database else {
        return repair_all(k8s, &args).await;
    };
    let name = Name::parse(database)?;
    repair(k8s, &name, &args).await
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
        repair(k8s, &name, args).await
    })
    .await
}

/// The operation that does it.
enum Doing {
    /// A creation that is not finished.
    Create(Box<Asked>),
    /// A restore that is not finished.
    Restore,
    /// Everything else.
    Repair,
}

impl Doing {
    async fn of(k8s: &Kubernetes, name: &DatabaseName, abort: bool) -> Result<Self, Failure> {
        let Some(cluster) = k8s.get(Kind::Cluster, &name.cluster()).await? else {
            return Ok(Self::Repair);
        };
        Ok(match pending(&cluster).filter(|_| !abort) {
            Some(OperationName::Create) => {
                let (asked, _) = Asked::of(View(&cluster), name)?;
                Self::Create(Box::new(asked))
            }
            Some(OperationName::Restore) => Self::Restore,
            _ => Self::Repair,
        })
    }
}

fn pending(cluster: &Value) -> Option<OperationName> {
    let pending = View(cluster).annotation(annotation::PENDING)?;
    Pending::parse(pending).map(|pending| pending.operation)
}

/// Repairs one database, or tries to; says what was done.
async fn repair(k8s: &Kubernetes, name: &DatabaseName, args: &RepairArgs) -> Result<(), Failure> {
    let attempt = Attempt {
        k8s,
        name,
        args,
        deadline: Deadline::within(args.timeout),
        progress: Progress::new(&format!("database/{name}")),
    };
    let doing = Doing::of(k8s, name, args.abort).await?;
    let is_real = args.dry_run == DryRun::None;
    let changed = if is_real {
        attempt.carry_out(doing).await?
    } else {
        let first = attempt.rehearse(doing).await?;
        if let Some(first) = &first {
            let note = format!("database/{name}: first step: {first}");
            attempt.progress.note(&note);
        }
        first.is_some()
    };
    drop(attempt);
    let done = match changed {
        true if args.abort => "kept",
        true => "repaired",
        false => "unchanged",
    };
    stdout_line(&format!("database/{name} {done}{}", args.dry_run.suffix()))?;
    next::when_ready(k8s, name, is_real && changed && args.waits());
    Ok(())
}

/// One database, for as long as it is tried.
struct Attempt<'a> {
    k8s: &'a Kubernetes,
    name: &'a DatabaseName,
    args: &'a RepairArgs,
    deadline: Deadline,
    progress: Progress,
}

impl Attempt<'_> {
    /// Whether anything was changed.
    async fn carry_out(&self, doing: Doing) -> Result<bool, Failure> {
        let (k8s, name, waits) = (self.k8s, self.name, self.args.waits());
        let (deadline, progress) = (self.deadline, &self.progress);
        match doing {
            Doing::Create(asked) => {
                let mut create = Create::new(k8s.clone(), *asked);
                operation::run(&mut create, deadline, progress).await?;
            }
            Doing::Restore => {
                let restore = Restore::new(k8s.clone(), name.clone(), Wish::default());
                restore::finish(k8s, name, restore, waits, deadline, progress).await?;
                return Ok(true);
            }
            Doing::Repair => {
                let mut repair = Repair::new(k8s.clone(), name.clone(), self.args.abort);
                operation::run(&mut repair, deadline, progress).await?;
                if !repair.changed {
                    return Ok(false);
                }
            }
        }
        if waits {
            let mut ready = Ready::new(k8s.clone(), name.clone());
            operation::run(&mut ready, deadline, progress).await?;
        }
        Ok(true)
    }

    /// What would be done first, if anything.
    async fn rehearse(&self, doing: Doing) -> Result<Option<String>, Failure> {
        let name = self.name;
        match doing {
            Doing::Create(asked) => self.first_of(|k8s| Create::new(k8s, *asked)).await,
            Doing::Restore => {
                self.first_of(|k8s| Restore::new(k8s, name.clone(), Wish::default()))
                    .await
            }
            Doing::Repair => {
                self.first_of(|k8s| Repair::new(k8s, name.clone(), self.args.abort))
                    .await
            }
        }
    }

    async fn first_of<O: Operation>(
        &self,
        operation: impl FnOnce(Kubernetes) -> O,
    ) -> Result<Option<String>, Failure> {
        let way = self.args.dry_run;
        operation::rehearse(self.k8s, way, operation, self.deadline, &self.progress).await
    }
}
