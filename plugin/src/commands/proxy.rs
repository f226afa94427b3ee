//! `kubectl daap proxy`

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::Args;
use clap::ValueEnum as _;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokio::process::Command;

use super::connect::OF_OTHERS;
use super::program;
use crate::context::Context;
use crate::database::{Access, Name};
use crate::failure::Failure;
use crate::forward::Forward;
use crate::interrupt;
use crate::kubernetes::{Kind, Kubernetes, Right};
use crate::login::{AuthorityFlags, Login, Shape, authority};
use crate::output::{stderr_line, stdout};

const EXAMPLES: &str = "\
Examples:
  kubectl daap proxy orders -n apps
  kubectl daap proxy orders --port 5433
  kubectl daap proxy orders -o jdbc --show-password
  kubectl daap proxy orders -- pg_dump -Fc -f orders.dump
  kubectl daap proxy orders -- npm run migrate";

/// What has to be allowed: connections are made only later, and nobody would be told why not.
const RIGHTS: [Right; 2] = [
    Right::to("list", Kind::Pod),
    Right::to("get", Kind::PortForward),
];

/// Arguments of `proxy`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ProxyArgs {
    /// Name of the database
    #[arg(value_name = "NAME")]
    name: OsString,
    /// Port to listen on; 0 is a free one
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    port: u16,
    /// Address to listen on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1", value_parser = address)]
    address: IpAddr,
    /// Show the password as well
    #[arg(long)]
    show_password: bool,
    /// How to print where it listens [default: uri]
    #[arg(
        short = 'o',
        long,
        value_name = "FORMAT",
        default_value = "uri",
        hide_default_value = true,
        value_parser = local()
    )]
    output: Shape,
    #[command(flatten)]
    authority: AuthorityFlags,
    /// A command that runs with libpq's variables and `DATABASE_URL`, password included; the port
    /// closes when it ends
    #[arg(value_name = "COMMAND", last = true, conflicts_with_all = ["output", "show_password"])]
    command: Vec<OsString>,
}

/// Of all formats, those that make sense of a local port.
fn local() -> impl TypedValueParser<Value = Shape> {
    let values = Shape::LOCAL
        .iter()
        .filter_map(clap::ValueEnum::to_possible_value);
    PossibleValuesParser::new(values).try_map(|word| Shape::from_str(&word, false))
}

fn address(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse()
        .map_err(|_| format!("'{text}' is no IP address; write it as 127.0.0.1 or ::1"))
}

/// Forwards until it is interrupted, or its command ends.
pub(crate) async fn run(context: &Context, args: ProxyArgs) -> Result<ExitCode, Failure> {
    let name = Name::parse(&args.name)?;
    let k8s = context.kubernetes().await?;
    let access = Access::of(k8s, &name).await?;
    k8s.require(&RIGHTS, &format!("forward a port to database/{name}"))
        .await?;
    let mut login = access
        .login(args.show_password || args.output.is_secret() || !args.command.is_empty())
        .await?;
    login.authority = authority(&access, &args.authority).await?;
    let subject = format!("database/{name}");
    let at = SocketAddr::new(args.address, args.port);
    let forward = Forward::to_pooler(k8s, &name.pooler(), at, Some(subject.clone())).await?;
    login.connection.port = forward.address().port();
    login.address = Some(reached_at(args.address));
    if let Some((program, words)) = args.command.split_first() {
        return with_command(&login, program, words).await;
    }
    explain(k8s, &login, &forward, args.output);
    stdout(&login.text(args.output)?)?;
    interrupted().await?;
    drop(forward);
    stderr_line(&format!("{subject}: closed"));
    Ok(ExitCode::SUCCESS)
}

/// The port is open for as long as this takes.
async fn with_command(
    login: &Login,
    name: &OsStr,
    words: &[OsString],
) -> Result<ExitCode, Failure> {
    let mut command = Command::new(name);
    for variable in OF_OTHERS {
        command.env_remove(variable);
    }
    command.args(words).envs(login.environment());
    let missing = Failure::new(format!("{} is not on the PATH", name.to_string_lossy()))
        .hint("what stands behind -- is a command with its arguments");
    program::run(command, missing).await
}

/// Who listens everywhere is reached at home.
fn reached_at(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

fn explain(k8s: &Kubernetes, login: &Login, forward: &Forward, output: Shape) {
    let (name, namespace) = (&login.name, k8s.namespace());
    let at = forward.address();
    stderr_line(&format!(
        "database/{name}: {at} leads to its pooler (pod {}); Ctrl-C ends it, with every connection",
        forward.pod()
    ));
    if !at.ip().is_loopback() {
        stderr_line(&format!(
            "Warning: whoever reaches {at} reaches the database's login, as you"
        ));
    }
    if output == Shape::Uri {
        stderr_line(&format!(
            "for clients that know no hostaddr (JDBC, Go, Node): {}",
            login.portable().uri()
        ));
    }
    if login.password.is_none() {
        stderr_line(&format!(
            "its password: kubectl daap credentials {name} -n {namespace} -o password"
        ));
    }
}

/// Waits for Ctrl-C, or for whoever else ends us.
async fn interrupted() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let failed =
            |error: std::io::Error| Failure::new(format!("failed to wait for signals: {error}"));
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(failed)?;
        tokio::select! {
            () = interrupt::ctrl_c() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupt::ctrl_c().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("localhost"), Ok(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(address("::1"), Ok(Ipv6Addr::LOCALHOST.into()));
        assert!(address("here").is_err());
        assert_eq!(
            reached_at(Ipv4Addr::UNSPECIFIED.into()),
            IpAddr::from(Ipv4Addr::LOCALHOST)
        );
    }
}
