//! A pod of a Pooler: `PgBouncer` in front of a Service of the Cluster.

use std::time::Duration;

use rustix::process::Signal;
use tokio::{net::TcpStream, process::Child};

use super::work::Bench;
use crate::{
    operator::{
        contract::{POOLER_ROLE, PORT},
        error::Error,
        faults::Fault,
        resources::{self, Pooler},
    },
    sandbox::process::{Identity, Tied},
};

const PROBE: Duration = Duration::from_millis(50);
/// When a configuration is tried again that could not be written.
const AGAIN: Duration = Duration::from_secs(1);
/// How long it may take to end.
const CUT: Duration = Duration::from_secs(10);

/// Parameters that the operator decides itself.
const FIXED: [&str; 9] = [
    "auth_file",
    "auth_query",
    "auth_type",
    "auth_user",
    "listen_addr",
    "listen_port",
    "pool_mode",
    "unix_socket_dir",
    "user",
];

/// Runs `PgBouncer` until the container stops (0) or it ends by itself (its code).
pub(super) async fn run(bench: &mut Bench) -> Result<i32, Error> {
    if crashes(bench) {
        bench.running(false);
        return Ok(1);
    }
    configure(bench).await?;
    let programs = &bench.work.equipment.programs;
    let program = Tied::new(&programs.pgbouncer).arg(bench.path("pgbouncer.ini"));
    let program = program
        .user(programs.user)
        .current_dir("/")
        .log_to(bench.log())?;
    let mut child = program.spawn().await?;
    let identity = child.id().and_then(Identity::of);
    bench.running(false);

    let mut orders = bench.orders.clone();
    let mut faults = bench.work.equipment.faults.changes();
    let mut known = orders.borrow().parameters.clone();
    let mut probe = tokio::time::interval(PROBE);
    let mut ready = false;
    loop {
        let asked = orders.borrow_and_update().clone();
        if asked.stop.is_some() {
            return stop(child, identity).await.map(|()| 0);
        }
        if crashes(bench) {
            stop(child, identity).await?;
            return Ok(1);
        }
        // Before it has set up its handlers the signal would end it.
        let mut behind = ready && asked.parameters != known;
        if behind {
            match configure(bench).await {
                Ok(()) => {
                    known = asked.parameters;
                    behind = false;
                    signal(identity, Signal::HUP)?;
                }
                // A Secret that went with its Cluster is no reason to cut who is connected.
                Err(error) => tracing::warn!(pod = %bench.name(), "not reloaded: {error}"),
            }
        }
        tokio::select! {
            status = child.wait() => {
                let code = status?.code().unwrap_or(1);
                return Ok(if code == 0 { 1 } else { code });
            }
            _ = orders.changed() => {}
            _ = faults.changed() => {}
            () = tokio::time::sleep(AGAIN), if behind => {}
            _ = probe.tick(), if !ready => {
                if TcpStream::connect((bench.address.ip, PORT)).await.is_ok() {
                    ready = true;
                    bench.running(true);
                }
            }
        }
    }
}

fn crashes(bench: &Bench) -> bool {
    bench
        .work
        .equipment
        .faults
        .has(&bench.namespace(), &bench.owner(), Fault::PoolerCrash)
}

async fn stop(mut child: Child, identity: Option<Identity>) -> Result<(), Error> {
    signal(identity, Signal::TERM)?;
    // It is killed when it does not: the child is dropped.
    let _ = tokio::time::timeout(CUT, child.wait()).await;
    Ok(())
}

fn signal(identity: Option<Identity>, signal: Signal) -> Result<(), Error> {
    identity.map_or(Ok(()), |identity| Ok(identity.signal(signal)?))
}

/// Writes its configuration.
async fn configure(bench: &Bench) -> Result<(), Error> {
    let api = resources::poolers(&bench.work.equipment.client, &bench.namespace());
    let pooler = Pooler::parse(api.get(&bench.owner()).await?)?;
    let cluster = &pooler.spec.cluster.name;
    bench
        .unpack(
            &format!("{cluster}-server"),
            &[("tls.crt", "server.crt"), ("tls.key", "server.key")],
        )
        .await?;
    bench
        .unpack(&format!("{cluster}-ca"), &[("ca.crt", "ca.crt")])
        .await?;
    bench
        .unpack(
            &format!("{cluster}-pooler"),
            &[("tls.crt", "pooler.crt"), ("tls.key", "pooler.key")],
        )
        .await?;
    let programs = &bench.work.equipment.programs;
    programs.write(
        &bench.work.folder.join("users.txt"),
        &format!("\"{POOLER_ROLE}\" \"\"\n"),
    )?;
    programs.write(
        &bench.work.folder.join("pgbouncer.ini"),
        &ini(bench, &pooler)?,
    )?;
    Ok(())
}

fn ini(bench: &Bench, pooler: &Pooler) -> Result<String, Error> {
    let target = bench
        .work
        .traffic
        .address(&pooler.namespace, &pooler.target_service())?;
    let mode = pooler
        .spec
        .pgbouncer
        .pool_mode
        .as_deref()
        .unwrap_or("session");
    let mut lines = vec![
        "[databases]".to_owned(),
        format!("* = host={target} port={PORT}"),
        "[pgbouncer]".to_owned(),
        format!("listen_addr = {}", bench.address.ip),
        format!("listen_port = {PORT}"),
        format!("unix_socket_dir = {}", bench.path("")),
        format!("pool_mode = {mode}"),
        "auth_type = scram-sha-256".to_owned(),
        format!("auth_file = {}", bench.path("users.txt")),
        format!("auth_user = {POOLER_ROLE}"),
        "auth_query = SELECT usename, passwd FROM public.user_search($1)".to_owned(),
        "client_tls_sslmode = prefer".to_owned(),
        format!("client_tls_cert_file = {}", bench.path("server.crt")),
        format!("client_tls_key_file = {}", bench.path("server.key")),
        format!("client_tls_ca_file = {}", bench.path("ca.crt")),
        "server_tls_sslmode = verify-ca".to_owned(),
        format!("server_tls_ca_file = {}", bench.path("ca.crt")),
        format!("server_tls_cert_file = {}", bench.path("pooler.crt")),
        format!("server_tls_key_file = {}", bench.path("pooler.key")),
        "ignore_startup_parameters = extra_float_digits,options".to_owned(),
        // An instance that was restarted is used again at once.
        "server_login_retry = 0.2".to_owned(),
    ];
    let parameters = &pooler.spec.pgbouncer.parameters;
    lines.extend(
        parameters
            .iter()
            .filter(|(key, _)| !FIXED.contains(&key.as_str()))
            .map(|(key, value)| format!("{key} = {value}")),
    );
    Ok(lines.join("\n") + "\n")
}
