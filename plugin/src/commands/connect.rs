//! `kubectl daap connect`

mod forward;

use std::ffi::OsString;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{ExitCode, ExitStatus};

use clap::Args;
use daap_crds::object::View;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::process::Command;

use crate::context::Context;
use crate::database::{Access, Connection, Name};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use forward::Forward;

const EXAMPLES: &str = "\
Examples:
  kubectl daap connect orders -n apps
  kubectl daap connect orders -- -c 'select version()'
  kubectl daap connect orders < schema.sql";

/// Arguments of `connect`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ConnectArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Forward a local port even where the pooler has an address of its own
    #[arg(long)]
    port_forward: bool,
    /// Arguments of psql
    #[arg(value_name = "PSQL-ARGS", last = true)]
    psql: Vec<OsString>,
}

/// Where psql connects to: the name that the certificate has, and how that is reached from here.
struct Route {
    address: IpAddr,
    port: u16,
    /// Kept alive as long as psql runs.
    _forward: Option<Forward>,
}

/// Runs psql; its exit code is ours.
pub(crate) async fn run(context: &Context, args: ConnectArgs) -> Result<ExitCode, Failure> {
    let ConnectArgs {
        name,
        port_forward,
        psql,
    } = args;
    let name = Name::parse(&name)?;
    let k8s = context.kubernetes().await?;
    let access = Access::of(k8s, &name).await?;
    let (connection, password) = access.credentials().await?;
    let authority = authority_file(&access.certificate_authority().await?)?;
    let service = k8s
        .get(Kind::Service, &name.pooler())
        .await?
        .ok_or_else(|| {
            Failure::new(format!(
                "service {} does not exist in namespace {}",
                name.pooler(),
                k8s.namespace()
            ))
            .hint("the operator makes it; see whether it runs")
        })?;
    let direct = if port_forward {
        None
    } else {
        load_balancer(View(&service)).await
    };
    let route = match direct {
        Some((address, port)) => Route {
            address,
            port,
            _forward: None,
        },
        None => forwarded(k8s, &name.pooler()).await?,
    };
    let mut command = psql_command(&connection, &password, &route, &authority);
    command.args(&psql);
    tracing::info!(address = %route.address, port = route.port, "psql");
    // On a thread of its own runtime task: Ctrl-C belongs to psql, which cancels its query.
    let status = wait(command).await?;
    Ok(exit_code(status))
}

async fn forwarded(k8s: &Kubernetes, pooler: &str) -> Result<Route, Failure> {
    let forward = Forward::to_pooler(k8s, pooler).await?;
    Ok(Route {
        address: IpAddr::from([127, 0, 0, 1]),
        port: forward.port(),
        _forward: Some(forward),
    })
}

/// The address that a load balancer gave to the Service, if one did.
async fn load_balancer(service: View<'_>) -> Option<(IpAddr, u16)> {
    let ingress = View(service.at("/status/loadBalancer/ingress/0")?);
    let port = service
        .at("/spec/ports/0/port")
        .and_then(Value::as_u64)
        .and_then(|port| u16::try_from(port).ok())?;
    if let Some(address) = ingress.text("/ip").and_then(|ip| ip.parse().ok()) {
        return Some((address, port));
    }
    let hostname = ingress.text("/hostname")?;
    let mut found = tokio::net::lookup_host((hostname, port)).await.ok()?;
    found.next().map(|address| (address.ip(), port))
}

fn authority_file(pem: &str) -> Result<NamedTempFile, Failure> {
    let write = || -> std::io::Result<NamedTempFile> {
        let mut file = NamedTempFile::with_prefix("kubectl-daap-ca-")?;
        file.write_all(pem.as_bytes())?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|error| {
        Failure::new(format!(
            "failed to write the certificate authority to a file: {error}"
        ))
    })
}

/// Everything by environment: the arguments of a process are everybody's to read.
fn psql_command(
    connection: &Connection,
    password: &SecretString,
    route: &Route,
    authority: &NamedTempFile,
) -> Command {
    let mut command = Command::new("psql");
    command
        // A service of the user's would override what follows.
        .env_remove("PGSERVICE")
        .env_remove("PGSSLCRLDIR")
        .env_remove("PGOPTIONS")
        .env("PGHOST", &connection.host)
        .env("PGHOSTADDR", route.address.to_string())
        .env("PGPORT", route.port.to_string())
        .env("PGUSER", &connection.user)
        .env("PGDATABASE", &connection.database)
        .env("PGPASSWORD", password.expose_secret())
        .env("PGSSLMODE", connection.ssl_mode)
        .env("PGSSLROOTCERT", authority.path())
        .kill_on_drop(true);
    if std::env::var_os("PGCONNECT_TIMEOUT").is_none() {
        // psql waits for ever for an address that swallows packets.
        command.env("PGCONNECT_TIMEOUT", "15");
    }
    command
}

async fn wait(mut command: Command) -> Result<ExitStatus, Failure> {
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Failure::new("psql is not installed")
            .hint("install PostgreSQL's client (postgresql-client), or connect otherwise: kubectl daap credentials NAME"),
        _ => Failure::new(format!("failed to run psql: {error}")),
    })?;
    loop {
        tokio::select! {
            status = child.wait() => {
                return status.map_err(|error| Failure::new(format!("failed to wait for psql: {error}")));
            }
            // The terminal has sent it to psql as well, which knows what to do with it.
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    /// What a shell says of a process that a signal ended.
    const SIGNALLED: i32 = 128;
    #[cfg(unix)]
    let code = {
        use std::os::unix::process::ExitStatusExt as _;
        status
            .code()
            .or_else(|| status.signal().map(|signal| SIGNALLED + signal))
    };
    #[cfg(not(unix))]
    let code = status.code().or(Some(SIGNALLED));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_service_with_an_address_is_reached_directly() {
        let service = json!({"spec": {"ports": [{"port": 5432}]}, "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.9"}]}}});
        assert_eq!(
            load_balancer(View(&service)).await,
            Some(("127.0.0.9".parse().unwrap(), 5432))
        );
        let service = json!({"spec": {"ports": [{"port": 5432}]}, "status": {"loadBalancer": {}}});
        assert_eq!(load_balancer(View(&service)).await, None);
    }

    #[test]
    fn the_password_is_in_no_argument() {
        let connection = Connection::new("h".into(), "app".into(), "app".into());
        let route = Route {
            address: "127.0.0.1".parse().unwrap(),
            port: 1,
            _forward: None,
        };
        let command = psql_command(
            &connection,
            &SecretString::from("secret"),
            &route,
            &authority_file("x").unwrap(),
        );
        assert_eq!(command.as_std().get_args().count(), 0);
        let set: Vec<_> = command
            .as_std()
            .get_envs()
            .filter(|(_, value)| value.is_some())
            .map(|(key, _)| key.to_string_lossy().into_owned())
            .collect();
        for name in [
            "PGHOST",
            "PGHOSTADDR",
            "PGPASSWORD",
            "PGSSLMODE",
            "PGSSLROOTCERT",
        ] {
            assert!(set.iter().any(|key| key == name), "{name}");
        }
    }
}
