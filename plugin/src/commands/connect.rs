//! `kubectl daap connect`

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::process::Command;

use super::program;
use crate::context::Context;
use crate::database::{Access, Connection, Name};
use crate::failure::Failure;
use crate::forward::Forward;
use crate::kubernetes::{Kind, Kubernetes};

const EXAMPLES: &str = "\
Examples:
  kubectl daap connect orders -n apps
  kubectl daap connect orders -- -c 'select version()'
  kubectl daap connect orders -- --csv -c 'table items' > items.csv
  kubectl daap connect orders < schema.sql";

/// What psql comes with, for who lacks it.
const PSQL: &str = if cfg!(target_os = "macos") {
    "PostgreSQL's client (brew install libpq && brew link --force libpq)"
} else if cfg!(windows) {
    "PostgreSQL's client (https://www.postgresql.org/download/windows)"
} else {
    "PostgreSQL's client (apt install postgresql-client, dnf install postgresql)"
};
/// What of the user's environment is meant for other servers, and would override what we say or be
/// refused by `PgBouncer`.
pub(super) const OF_OTHERS: [&str; 11] = [
    "PGSERVICE",
    "PGOPTIONS",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLNEGOTIATION",
    "PGCHANNELBINDING",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGTARGETSESSIONATTRS",
];

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
    program::run(command, without_psql(&name, k8s.namespace())).await
}

async fn forwarded(k8s: &Kubernetes, pooler: &str) -> Result<Route, Failure> {
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let forward = Forward::to_pooler(k8s, pooler, free, None).await?;
    Ok(Route {
        address: forward.address().ip(),
        port: forward.address().port(),
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
    for variable in OF_OTHERS {
        command.env_remove(variable);
    }
    command
        .env("PGHOST", &connection.host)
        .env("PGHOSTADDR", route.address.to_string())
        .env("PGPORT", route.port.to_string())
        .env("PGUSER", &connection.user)
        .env("PGDATABASE", &connection.database)
        .env("PGPASSWORD", password.expose_secret())
        .env("PGSSLMODE", connection.ssl_mode)
        .env("PGSSLROOTCERT", authority.path());
    if std::env::var_os("PGCONNECT_TIMEOUT").is_none() {
        // psql waits for ever for an address that swallows packets.
        command.env("PGCONNECT_TIMEOUT", "15");
    }
    command
}

fn without_psql(name: &DatabaseName, namespace: &str) -> Failure {
    Failure::new("psql is not on the PATH").hint(format!(
        "install {PSQL}, or connect with another client: kubectl daap proxy {name} -n {namespace}"
    ))
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
