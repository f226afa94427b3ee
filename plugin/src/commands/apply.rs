//! `kubectl daap apply`

mod labels;
mod plan;
mod source;
mod wanted;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use super::input::{Input, given, reason};
use super::written::WriteFlags;
use crate::cli::DryRun;
use crate::confirm::confirm;
use crate::context::Context;
use crate::database::{document, find};
use crate::failure::{Complaint, Failure};
use crate::kubernetes::Kubernetes;
use crate::operation::{self, Create, Deadline, Ready, Update};
use crate::output::{Documents, OutputFormat, Progress, stderr, stdout, stdout_line};
use crate::rights::{Typed, with_missing};
use plan::{Action, Plan};
use wanted::Wanted;

const EXAMPLES: &str = "\
Examples:
  kubectl daap apply -f databases.yaml -n apps
  kubectl daap get orders -o yaml > orders.yaml
  kubectl daap apply -f orders.yaml
  kubectl daap apply -f databases/ -R --dry-run=server
  generate | kubectl daap apply -f - --yes --wait

A document needs name, ownerTeam and purpose; several are divided by ---:
  apiVersion: daap.dev/v1alpha1
  kind: Database
  metadata: {name: orders, namespace: apps}
  record: {ownerTeam: payments, purpose: order intake, changeReason: new shop}
  spec: {instances: 3, storage: 20Gi, poolMode: transaction, poolInstances: 2}";

/// Arguments of `apply`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    files: FileFlags,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    /// Why, for the history; in place of what the documents say
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// Wait until all are ready
    #[arg(long, value_name = "BOOL", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    #[command(flatten)]
    flags: WriteFlags,
}

/// Where the documents are.
#[derive(Args, Debug)]
pub(crate) struct FileFlags {
    /// File, folder, or - for stdin; can be repeated
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Also the folders within a folder
    #[arg(short = 'R', long)]
    recursive: bool,
}

impl FileFlags {
    /// Reads the documents and looks at the databases that they are about.
    ///
    /// # Errors
    /// Everything that is wrong with the documents, at once.
    async fn plans(&self, context: &Context) -> Result<Vec<Plan>, Failure> {
        let k8s = context.kubernetes().await?;
        let wanted = read(self, k8s, context.namespace_flag())?;
        let mut plans = Vec::with_capacity(wanted.len());
        for (namespace, wanted) in wanted {
            plans.push(Plan::of(wanted, k8s.in_namespace(&namespace)).await);
        }
        Ok(plans)
    }

    /// What `apply` would change, as a diff.
    ///
    /// # Errors
    /// A document is wrong, or asks for what cannot be.
    pub(super) async fn differences(&self, context: &Context) -> Result<String, Failure> {
        let mut text = String::new();
        for plan in self.plans(context).await? {
            plan.action?;
            text.push_str(&plan.diff);
        }
        Ok(text)
    }
}

/// The documents, each with its namespace.
fn read(
    flags: &FileFlags,
    k8s: &Kubernetes,
    namespace: Option<&str>,
) -> Result<Vec<(String, Wanted)>, Failure> {
    let sources = source::read(&flags.files, flags.recursive)?;
    let mut complaints = Vec::new();
    let mut read: Vec<(String, Wanted)> = Vec::new();
    for source in &sources {
        let wanted = match Wanted::read(source) {
            Ok(wanted) => wanted,
            Err(more) => {
                complaints.extend(more);
                continue;
            }
        };
        let own = wanted.namespace.as_deref();
        if let (Some(own), Some(flag)) = (own, namespace)
            && own != flag
        {
            complaints.push(Complaint::new(
                format!("{}: metadata.namespace", wanted.place),
                format!("it says {own}, and -n says {flag}; leave one out"),
            ));
        }
        let place = own.unwrap_or(k8s.namespace()).to_owned();
        let same =
            |(other, earlier): &&(String, Wanted)| *other == place && earlier.name == wanted.name;
        if let Some((_, earlier)) = read.iter().find(same) {
            complaints.push(Complaint::new(
                format!("{}: metadata.name", wanted.place),
                format!(
                    "{} is about database/{} as well",
                    earlier.place, wanted.name
                ),
            ));
        }
        read.push((place, wanted));
    }
    if complaints.is_empty() {
        return Ok(read);
    }
    let count = complaints.len();
    let fields = if count == 1 { "field is" } else { "fields are" };
    Err(Failure::fields(
        format!("nothing applied: {count} {fields} wrong"),
        complaints,
    )
    .hint("correct them and run the command again; nothing was written"))
}

/// Creates or changes databases.
pub(crate) async fn run(context: &Context, args: ApplyArgs) -> Result<(), Failure> {
    let mut plans = args.files.plans(context).await?;
    override_reason(&args, &mut plans)?;
    let writes = plans.iter().filter(|plan| plan.writes()).count();
    for plan in &plans {
        stderr(&plan.diff);
    }
    if writes > 0 && args.flags.is_real() && !args.yes {
        ask(writes).await?;
    }
    let total = plans.len();
    let mut failed = Vec::new();
    let mut done = Vec::new();
    for plan in plans {
        let name = plan.wanted.name.to_string();
        let (place, k8s) = (plan.wanted.place.clone(), plan.k8s.clone());
        match apply(&args, plan).await {
            Ok(plan) => done.push(plan),
            Err(failure) if failure.is_interruption() => return Err(failure),
            Err(failure) => {
                let failure = with_missing(&k8s, &Typed::plain("apply"), failure).await;
                stderr(
                    &failure
                        .in_document(&place)
                        .context(format!("database/{name} not applied"))
                        .render(),
                );
                failed.push(name);
            }
        }
    }
    if args.wait && args.flags.is_real() {
        wait(&args, &done, &mut failed).await?;
    }
    print(&args, &done).await?;
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} of {total} databases failed: {}",
        failed.len(),
        failed.join(", ")
    ))
    .hint("the reasons are above; the same command again goes on where it stopped"))
}

fn override_reason(args: &ApplyArgs, plans: &mut [Plan]) -> Result<(), Failure> {
    let mut input = Input::default();
    let given = given(args.change_reason.as_ref());
    let reason = input.optional("--change-reason", given, reason);
    if !input.is_good() {
        return Err(Failure::fields("nothing applied", input.into_complaints()));
    }
    let Some(reason) = reason else {
        return Ok(());
    };
    for plan in plans {
        match &mut plan.action {
            Ok(Action::Create(asked)) => asked.change_reason = Some(reason.clone()),
            Ok(Action::Update(changes)) => changes.reason = Some(reason.clone()),
            Ok(Action::Nothing) | Err(_) => {}
        }
    }
    Ok(())
}

async fn ask(writes: usize) -> Result<(), Failure> {
    let databases = if writes == 1 { "database" } else { "databases" };
    confirm(
        &format!("apply to {writes} {databases}"),
        "what is shown above is written",
        "yes",
    )
    .await
}

async fn apply(args: &ApplyArgs, mut plan: Plan) -> Result<Plan, Failure> {
    let name = plan.wanted.name.clone();
    let deadline = Deadline::within(args.flags.timeout);
    let action = std::mem::replace(&mut plan.action, Ok(Action::Nothing))?;
    let dry_run = args.flags.dry_run;
    let progress = Progress::new(&format!("database/{name}"));
    let said = match action {
        Action::Nothing => "unchanged",
        Action::Create(_) if dry_run == DryRun::Client => "created",
        Action::Update(_) if dry_run == DryRun::Client => "configured",
        Action::Create(asked) if dry_run == DryRun::Server => {
            super::create::try_on_server(&plan.k8s, &asked).await?;
            "created"
        }
        Action::Create(asked) => {
            let mut create = Create::new(plan.k8s.clone(), (*asked).clone());
            let world = operation::run(&mut create, deadline, &progress).await?;
            for difference in operation::differences(&asked, &world) {
                progress.note(&difference);
            }
            "created"
        }
        Action::Update(changes) => {
            let k8s = dry_run.connection(&plan.k8s);
            let mut update = Update::new(k8s, name.clone(), *changes);
            operation::run(&mut update, deadline, &progress).await?;
            if update.changed {
                "configured"
            } else {
                "unchanged"
            }
        }
    };
    if args.flags.is_told() {
        let text = format!("database/{name} {said}{}", dry_run.suffix());
        stdout_line(&text)?;
    }
    Ok(plan)
}

/// After everything is written: so that they come up at the same time.
async fn wait(args: &ApplyArgs, done: &[Plan], failed: &mut Vec<String>) -> Result<(), Failure> {
    let deadline = Deadline::within(args.flags.timeout);
    for plan in done {
        let name = plan.wanted.name.clone();
        let progress = Progress::new(&format!("database/{name}"));
        let mut ready = Ready::new(plan.k8s.clone(), name.clone());
        match operation::run(&mut ready, deadline, &progress).await {
            Ok(_) => {}
            Err(failure) if failure.is_interruption() => return Err(failure),
            Err(failure) => {
                drop(progress);
                stderr(&failure.render());
                failed.push(name.to_string());
            }
        }
    }
    Ok(())
}

async fn print(args: &ApplyArgs, done: &[Plan]) -> Result<(), Failure> {
    if args.flags.is_told() {
        return Ok(());
    }
    if args.flags.output == OutputFormat::Name {
        for plan in done {
            stdout_line(&format!("database/{}", plan.wanted.name))?;
        }
        return Ok(());
    }
    let mut documents = Vec::new();
    for plan in done {
        if let Some(database) = find(&plan.k8s, &plan.wanted.name).await? {
            documents.push(document(&database));
        }
    }
    let documents = Documents::list(documents);
    stdout(&args.flags.output.render_or(&documents, true, String::new)?)
}
