//! `kubectl daap create`

mod fields;

use std::ffi::OsString;

use clap::Args;
use daap_crds::names::DatabaseId;
use serde_json::Value;

use super::input::Input;
use super::next;
use super::written::WriteFlags;
use crate::cli::DryRun;
use crate::context::Context;
use crate::failure::{Complaint, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::operation::{self, Asked, Create, Deadline, Ready, policy};
use crate::output::{Documents, OutputFormat, Progress, stderr_line, stdout, stdout_line, yaml};
use fields::Fields;

const EXAMPLES: &str = "\
Examples:
  kubectl daap create orders --owner-team payments --purpose \"order intake\"
  kubectl daap create cms --owner-team web --purpose cms --instances 3
  kubectl daap create cms --owner-team web --purpose cms --dry-run=client -oyaml";

/// Arguments of `create`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// Name: 3 to 63 lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Team that owns the database (required)
    #[arg(long, value_name = "TEAM", allow_hyphen_values = true)]
    owner_team: Option<OsString>,
    /// What the database is for, in a few words (required)
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    purpose: Option<OsString>,
    /// PostgreSQL instances, the primary included [default: 1]
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    instances: Option<OsString>,
    /// Size of each instance's volume, as 10Gi [default: the platform's]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    storage: Option<OsString>,
    /// Storage class of the volumes [default: the cluster's]
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<OsString>,
    /// Image of PostgreSQL [default: the platform's]
    #[arg(long, value_name = "IMAGE")]
    image: Option<OsString>,
    /// How the pooler hands out connections: transaction or session [default: transaction]
    #[arg(long, value_name = "MODE")]
    pool_mode: Option<OsString>,
    /// Pooler instances [default: 1]
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pool_instances: Option<OsString>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    change_reason: Option<OsString>,
    /// Id of the database, a UUID [default: a new one]
    #[arg(long, value_name = "UUID", hide_short_help = true)]
    id: Option<OsString>,
    /// Wait until the database is ready
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    wait: bool,
    #[command(flatten)]
    flags: WriteFlags,
}

/// Creates a database.
pub(crate) async fn run(context: &Context, args: CreateArgs) -> Result<(), Failure> {
    let mut input = Input::default();
    let fields = Fields::read(&args, &mut input);
    let good = input.is_good();
    let Some(asked) = fields.with_placeholders() else {
        return Err(Failure::new("failed to read the arguments"));
    };
    if !good {
        return Err(everything_wrong(context, &args, input, &asked).await);
    }
    match args.flags.dry_run {
        DryRun::Client => return print_manifests(context, &asked, &args.flags.output).await,
        DryRun::Server => return dry_run(context, &asked, &args.flags.output).await,
        DryRun::None => {}
    }
    let k8s = context.kubernetes().await?;
    let name = asked.name.clone();
    create(k8s, asked, &args).await?;
    if args.flags.is_told() {
        return Ok(());
    }
    args.flags.print(k8s, &name, "created").await
}

async fn create(k8s: &Kubernetes, asked: Asked, args: &CreateArgs) -> Result<(), Failure> {
    let name = asked.name.clone();
    let deadline = Deadline::within(args.flags.timeout);
    let progress = Progress::new(&format!("database/{name}"));
    let mut create = Create::new(k8s.clone(), asked.clone());
    let world = operation::run(&mut create, deadline, &progress)
        .await
        .map_err(|failure| {
            if failure.is_denial() {
                failure.context(format!("database/{name} not created"))
            } else {
                failure
            }
        })?;
    for difference in operation::differences(&asked, &world) {
        progress.note(&difference);
    }
    if args.flags.is_told() {
        stdout_line(&format!("database/{name} created"))?;
    }
    if !args.wait {
        progress.note(&next::follow(k8s, &name));
        return Ok(());
    }
    operation::run(
        &mut Ready::new(k8s.clone(), name.clone()),
        deadline,
        &progress,
    )
    .await?;
    progress.note(&next::connect(k8s, &name));
    Ok(())
}

/// Asks the server as well, so that a bad name and an unknown team are told together.
async fn everything_wrong(
    context: &Context,
    args: &CreateArgs,
    mut input: Input,
    asked: &Asked,
) -> Failure {
    let remote = match (args.flags.dry_run, context.kubernetes().await) {
        (DryRun::Client, _) | (_, Err(_)) => Vec::new(),
        (_, Ok(k8s)) => judged_by_server(k8s, asked).await,
    };
    // What is said about a placeholder is nothing that the user did.
    for complaint in remote
        .into_iter()
        .filter(|complaint| !complaint.text.contains("placeholder"))
    {
        input.add(complaint);
    }
    let name = args.name.to_string_lossy();
    let complaints = input.into_complaints();
    let message = match complaints.len() {
        1 => format!("database/{name} not created: a field is wrong"),
        count => format!("database/{name} not created: {count} fields are wrong"),
    };
    Failure::fields(message, complaints)
        .hint("correct them and run the command again; nothing was written")
}

async fn judged_by_server(k8s: &Kubernetes, asked: &Asked) -> Vec<Complaint> {
    let id = asked.id.unwrap_or_else(DatabaseId::random);
    let cluster = asked.cluster(k8s.namespace(), id);
    match k8s.dry_run().create(Kind::Cluster, &cluster).await {
        Err(failure) if failure.is_denial() => policy::and_complaints(k8s, failure, &cluster)
            .await
            .complaints()
            .to_vec(),
        // A network that is down, or a namespace that is not there, is worth a line of its own.
        Err(failure) => {
            stderr_line(&format!(
                "Warning: the server could not be asked as well: {failure}"
            ));
            Vec::new()
        }
        Ok(_) => Vec::new(),
    }
}

async fn dry_run(context: &Context, asked: &Asked, format: &OutputFormat) -> Result<(), Failure> {
    let k8s = context.kubernetes().await?;
    let name = &asked.name;
    if k8s.get(Kind::Cluster, &name.cluster()).await?.is_some() {
        return Err(Failure::new(format!(
            "database/{name} exists already in namespace {}",
            k8s.namespace()
        )));
    }
    let (cluster, id) = try_on_server(k8s, asked).await?;
    let would = [cluster, asked.desired(k8s.namespace(), id).pooler("")];
    print(would.into(), asked, format, DryRun::Server)
}

/// What the server makes of the Cluster, and the id that it would have. The Pooler cannot be tried:
/// admission looks for its Cluster, which a dry run does not store.
pub(super) async fn try_on_server(
    k8s: &Kubernetes,
    asked: &Asked,
) -> Result<(Value, DatabaseId), Failure> {
    let id = asked.id.unwrap_or_else(DatabaseId::random);
    let cluster = asked.cluster(k8s.namespace(), id);
    match k8s.dry_run().create(Kind::Cluster, &cluster).await {
        Ok(cluster) => Ok((cluster, id)),
        Err(failure) => {
            let failure = policy::and_complaints(k8s, failure, &cluster).await;
            Err(failure.context(format!("database/{} would not be created", asked.name)))
        }
    }
}

async fn print_manifests(
    context: &Context,
    asked: &Asked,
    format: &OutputFormat,
) -> Result<(), Failure> {
    // Only the namespace of the kubeconfig is needed; nothing is sent.
    let namespace = match context.kubernetes().await {
        Ok(k8s) => k8s.namespace().to_owned(),
        Err(_) => "default".to_owned(),
    };
    let desired = asked.desired(&namespace, asked.id.unwrap_or_else(DatabaseId::random));
    print(
        vec![desired.cluster(), desired.pooler("")],
        asked,
        format,
        DryRun::Client,
    )
}

/// The manifests, so that they can go into a repository. The Pooler's owner is left to the webhook:
/// its uid does not exist yet.
fn print(
    mut manifests: Vec<Value>,
    asked: &Asked,
    format: &OutputFormat,
    dry_run: DryRun,
) -> Result<(), Failure> {
    for manifest in &mut manifests {
        if let Some(metadata) = manifest
            .pointer_mut("/metadata")
            .and_then(Value::as_object_mut)
        {
            for key in [
                "ownerReferences",
                "managedFields",
                "uid",
                "creationTimestamp",
                "generation",
            ] {
                metadata.remove(key);
            }
        }
    }
    if *format == OutputFormat::Name {
        return stdout_line(&format!("database/{}", asked.name));
    }
    if *format == OutputFormat::Yaml {
        // As they go into a repository; not every tool takes a List.
        let documents: Result<Vec<String>, Failure> = manifests.iter().map(yaml).collect();
        return stdout(&documents?.join("---\n"));
    }
    match format.render(&Documents::list(manifests), true)? {
        Some(text) => stdout(&text),
        None => stdout_line(&format!(
            "database/{} created{}",
            asked.name,
            dry_run.suffix()
        )),
    }
}
