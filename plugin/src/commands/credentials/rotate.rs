//! `kubectl daap credentials rotate`

use std::ffi::OsString;
use std::time::Duration;

use clap::Args;
use daap_crds::contract::label;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use secrecy::SecretString;
use serde_json::Value;

use crate::cli::{DryRun, parse_duration};
use crate::confirm::confirm;
use crate::context::Context;
use crate::database::{Access, Connection, Name};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::login::{Answer, attempt};
use crate::operation::{
    self, Deadline, Door, ROTATE_RIGHTS, Reader, Rotate, new_password, readers, unfinished_since,
};
use crate::output::{Progress, stderr_line, stdout_line};

const EXAMPLES: &str = "\
Examples:
  kubectl daap credentials rotate orders -n apps
  kubectl daap credentials rotate orders --dry-run
  kubectl daap credentials rotate orders --yes";

/// Arguments of `credentials rotate`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct RotateArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Do not ask
    #[arg(short = 'y', long)]
    yes: bool,
    /// How long to try and to wait
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = parse_duration)]
    timeout: Duration,
    /// Change nothing: say who is affected, and check that you may do it
    #[arg(long, value_enum, default_value_t, value_name = "WHERE", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
}

/// A login through the pooler.
struct Pooler {
    k8s: Kubernetes,
    name: String,
    connection: Connection,
    authority: String,
}

impl Door for Pooler {
    async fn knock(&self, password: &SecretString) -> Result<Answer, Failure> {
        attempt(
            &self.k8s,
            &self.name,
            &self.connection,
            password,
            &self.authority,
        )
        .await
    }
}

/// Changes the password.
pub(super) async fn run(context: &Context, args: RotateArgs) -> Result<(), Failure> {
    let RotateArgs {
        name,
        yes,
        timeout,
        dry_run,
    } = args;
    let name = Name::parse(&name)?;
    let k8s = context.kubernetes().await?;
    let access = Access::of(k8s, &name).await?;
    k8s.require(
        &ROTATE_RIGHTS,
        &format!("rotate the password of database/{name}"),
    )
    .await?;
    let secret = access.app_secret().await?;
    let since = unfinished_since(View(&secret));
    if since.is_none() && dry_run != DryRun::Client {
        may(k8s, &name, &secret).await?;
    }
    let affected = readers(&k8s.list(Kind::Pod, "").await?, &name.app_secret());
    tell(&name, k8s.namespace(), &affected);
    if dry_run != DryRun::None {
        return done(&name, dry_run.suffix());
    }
    if !yes {
        let what = format!(
            "{} of database/{name}{} in namespace {}",
            if since.is_some() {
                "finishing the rotation of the password"
            } else {
                "rotating the password"
            },
            team(&secret),
            k8s.namespace()
        );
        confirm(
            &what,
            "new logins need the new one from then on",
            name.as_str(),
        )
        .await?;
    }
    let (connection, _) = access.credentials().await?;
    let door = Pooler {
        k8s: k8s.clone(),
        name: name.pooler(),
        connection,
        authority: access.certificate_authority().await?,
    };
    let progress = Progress::new(&format!("database/{name}"));
    let mut rotate = Rotate::new(k8s.clone(), name.clone(), door);
    operation::run(&mut rotate, Deadline::within(timeout), &progress).await?;
    progress.note(&proof(&rotate, &name, k8s.namespace()));
    for reader in affected.iter().filter(|reader| reader.restarts()) {
        progress.note(&format!(
            "restart what reads it: kubectl rollout restart {} -n {}",
            reader.workload,
            k8s.namespace()
        ));
    }
    drop(progress);
    done(&name, "")
}

fn done(name: &DatabaseName, suffix: &str) -> Result<(), Failure> {
    stdout_line(&format!("database/{name} password rotated{suffix}"))
}

fn team(secret: &Value) -> String {
    View(secret)
        .label(label::OWNER_TEAM)
        .map_or_else(String::new, |team| format!(" of team {team}"))
}

/// Lets admission judge the change, and store nothing: who is not the owner is told before being
/// asked to confirm.
async fn may(k8s: &Kubernetes, name: &DatabaseName, secret: &Value) -> Result<(), Failure> {
    let patch = new_password(secret)?;
    match k8s
        .dry_run()
        .merge(Kind::Secret, &name.app_secret(), &patch)
        .await
    {
        Err(failure) if failure.is_hard() => Err(failure.context(format!(
            "the password of database/{name} is not yours to change"
        ))),
        // Whatever else there is, the rotation itself meets and waits for.
        _ => Ok(()),
    }
}

fn tell(name: &DatabaseName, namespace: &str, affected: &[Reader]) {
    stderr_line("sessions that are open go on; every new login needs the new password");
    if affected.is_empty() {
        stderr_line(&format!(
            "no pod in namespace {namespace} refers to Secret {}; who copied the password elsewhere is not known",
            name.app_secret()
        ));
        return;
    }
    for reader in affected {
        let pods = match reader.pods {
            1 => "1 pod".to_owned(),
            pods => format!("{pods} pods"),
        };
        let how = match (reader.environment, reader.files) {
            (true, false) => "in variables: has to be restarted",
            (false, true) => {
                "as files: they change within a minute or two, and it has to look again"
            }
            _ => "in variables and as files: has to be restarted",
        };
        stderr_line(&format!("{} ({pods}) reads it {how}", reader.workload));
    }
    stderr_line("who copied the password elsewhere is not known");
}

fn proof<D>(rotate: &Rotate<D>, name: &DatabaseName, namespace: &str) -> String {
    match (rotate.resumed, rotate.old_refused) {
        (Some(since), _) => format!(
            "finished the rotation that was begun at {}: a login with its password succeeded; the one before is not known here and was not tried\nfor yet another password: kubectl daap credentials rotate {name} -n {namespace}",
            since.strftime("%Y-%m-%d %H:%M:%S UTC")
        ),
        (None, true) => {
            "a login with the new password succeeded, and the old one is refused".to_owned()
        }
        (None, false) => "a login with the new password succeeded".to_owned(),
    }
}
