//! The instance manager: runs `PostgreSQL` on the volume of its pod, and says how it is.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use kube::ResourceExt as _;

use super::{
    container::{Orders, Report},
    work::Bench,
};
use crate::operator::{
    contract::{POOLER_ROLE, PORT, REPLICATION_ROLE},
    error::Error,
    faults::Fault,
    objects::Cluster,
    postgres::{Postmaster, Shutdown},
};

/// How often an instance that is not ready is asked whether it is.
const PROBE: Duration = Duration::from_millis(150);
/// How long an instance may take to end once its sessions are cut.
const CUT: Duration = Duration::from_secs(60);

/// Who may connect how: the operator's own rules.
const HBA: &str = "\
local all all trust
hostssl postgres streaming_replica all cert
hostssl replication streaming_replica all cert
hostssl all cnpg_pooler_pgbouncer all cert
host all all all scram-sha-256
";

/// Parameters that the operator decides itself.
const FIXED: [&str; 15] = [
    "archive_command",
    "cluster_name",
    "hba_file",
    "ident_file",
    "listen_addresses",
    "log_destination",
    "log_directory",
    "logging_collector",
    "port",
    "primary_conninfo",
    "restore_command",
    "shared_preload_libraries",
    "ssl",
    "unix_socket_directories",
    "data_directory",
];

/// Why the supervision of a `postgres` ended.
enum Ended {
    /// The container is to stop, and `postgres` has.
    Stopped,
    /// It is fenced, and `postgres` has stopped.
    Fenced,
    /// `postgres` ended by itself.
    Alone(i32),
}

/// Runs the instance until the container stops (0) or `postgres` ends by itself (its code).
pub(super) async fn run(bench: &mut Bench) -> Result<i32, Error> {
    loop {
        bench.running(false);
        if !may_start(bench).await {
            return Ok(0);
        }
        let data = data_folder(&bench.volume().await?);
        configure(bench, &data).await?;
        let programs = &bench.work.equipment.programs;
        let postmaster =
            Postmaster::start(programs, &data, &bench.work.folder, &bench.log(), &[]).await?;
        match supervise(bench, postmaster, &data).await? {
            Ended::Stopped => return Ok(0),
            Ended::Fenced => {}
            Ended::Alone(code) => return Ok(if code == 0 { 1 } else { code }),
        }
    }
}

/// Waits while the instance is fenced or is never to be healthy; false when it is to stop.
async fn may_start(bench: &Bench) -> bool {
    let mut orders = bench.orders.clone();
    let mut faults = bench.work.equipment.faults.changes();
    loop {
        if bench.is_stopping() {
            return false;
        }
        let faulty = bench.work.equipment.faults.has(
            &bench.namespace(),
            &bench.owner(),
            Fault::NeverHealthy,
        );
        if !faulty && !orders.borrow_and_update().fenced {
            return true;
        }
        tokio::select! {
            changed = orders.changed() => if changed.is_err() { return false },
            _ = faults.changed() => {}
        }
    }
}

async fn supervise(bench: &Bench, mut postmaster: Postmaster, data: &Path) -> Result<Ended, Error> {
    let mut orders = bench.orders.clone();
    let mut known = orders.borrow().parameters.clone();
    let mut ready = false;
    let mut probe = tokio::time::interval(PROBE);
    // A long query of the status is no reason to ask twice as often afterwards.
    probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = orders.borrow_and_update().clone();
        if let Some(patience) = asked.stop {
            stop(&mut postmaster, &mut orders, patience).await;
            return Ok(Ended::Stopped);
        }
        if asked.fenced {
            bench.running(false);
            postmaster.stop(Shutdown::Fast);
            postmaster.ended().await;
            return Ok(Ended::Fenced);
        }
        // Before it has set up its handlers the signal would end it.
        if ready && asked.parameters != known {
            known = asked.parameters;
            configure(bench, data).await?;
            postmaster.reload();
        }
        tokio::select! {
            code = postmaster.ended() => return Ok(Ended::Alone(code)),
            changed = orders.changed() => if changed.is_err() { return Ok(Ended::Stopped) },
            _ = probe.tick(), if !ready => ready = look(bench, &postmaster).await,
        }
    }
}

/// Asks the instance how it is; whether it is ready.
async fn look(bench: &Bench, postmaster: &Postmaster) -> bool {
    let programs = &bench.work.equipment.programs;
    if !postmaster.accepts(programs).await {
        return false;
    }
    let sql = "SELECT pg_is_in_recovery(), (pg_control_checkpoint()).timeline_id, (pg_control_system()).system_identifier, (SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming')";
    let Ok(line) = programs.sql(&bench.work.folder, "postgres", sql).await else {
        return false;
    };
    let fields: Vec<&str> = line.trim().split('|').collect();
    let [in_recovery, timeline, system_id, streams] = fields.as_slice() else {
        return false;
    };
    let is_primary = *in_recovery == "f";
    let report = Report {
        is_primary,
        timeline: timeline.parse().unwrap_or(1),
        system_id: (*system_id).to_owned(),
    };
    // What it reports is seen before its pod is ready, as with the real one's slower probe.
    let first = bench.report(Some(report));
    if first {
        tokio::time::sleep(PROBE).await;
        return false;
    }
    if !is_primary && *streams == "0" {
        return false;
    }
    bench.running(true);
    true
}

/// Stops `postgres`: sessions are waited for, then cut. Fencing cuts them at once.
async fn stop(
    postmaster: &mut Postmaster,
    orders: &mut tokio::sync::watch::Receiver<Orders>,
    patience: Duration,
) {
    let begun = tokio::time::Instant::now();
    let mut until = begun + patience;
    if !patience.is_zero() {
        postmaster.stop(Shutdown::Smart);
    }
    loop {
        let asked = orders.borrow_and_update().clone();
        if asked.fenced {
            break;
        }
        until = until.min(begun + asked.stop.unwrap_or_default());
        tokio::select! {
            _ = postmaster.ended() => return,
            () = tokio::time::sleep_until(until) => break,
            changed = orders.changed() => if changed.is_err() { break },
        }
    }
    postmaster.stop(Shutdown::Fast);
    if tokio::time::timeout(CUT, postmaster.ended()).await.is_err() {
        tracing::error!("postgres does not stop; it is killed");
    }
}

/// Writes the configuration of the instance.
async fn configure(bench: &Bench, data: &Path) -> Result<(), Error> {
    let programs = &bench.work.equipment.programs;
    let cluster = bench.cluster().await?;
    let name = &cluster.name;
    bench
        .unpack(
            &format!("{name}-server"),
            &[("tls.crt", "server.crt"), ("tls.key", "server.key")],
        )
        .await?;
    bench
        .unpack(&format!("{name}-ca"), &[("ca.crt", "ca.crt")])
        .await?;
    bench
        .unpack(
            &format!("{name}-replication"),
            &[
                ("tls.crt", "replication.crt"),
                ("tls.key", "replication.key"),
            ],
        )
        .await?;
    let target = cluster.object.data["status"]["targetPrimary"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let signal = data.join("standby.signal");
    if target == bench.work.pod.name_any() {
        if signal.exists() {
            fs::remove_file(&signal)?;
        }
    } else {
        programs.write(&signal, "")?;
    }
    let mut lines = own_parameters(bench, &cluster)?;
    for (key, value) in &cluster.spec.postgresql.parameters {
        if FIXED.contains(&key.as_str()) {
            continue;
        }
        if programs.knows(key) {
            lines.push(setting(key, value));
        } else {
            tracing::info!(parameter = %key, version = programs.version(), "left out: this PostgreSQL does not know it");
        }
    }
    programs.write(&data.join("custom.conf"), &(lines.join("\n") + "\n"))?;
    programs.write(&data.join("postgresql.conf"), "include 'custom.conf'\n")?;
    programs.write(&data.join("pg_hba.conf"), HBA)?;
    Ok(())
}

fn own_parameters(bench: &Bench, cluster: &Cluster) -> Result<Vec<String>, Error> {
    Ok(vec![
        setting("listen_addresses", &bench.address.ip.to_string()),
        setting("port", &PORT.to_string()),
        setting("unix_socket_directories", &bench.path("")),
        setting("cluster_name", &bench.work.pod.name_any()),
        setting("ssl", "on"),
        setting("ssl_cert_file", &bench.path("server.crt")),
        setting("ssl_key_file", &bench.path("server.key")),
        setting("ssl_ca_file", &bench.path("ca.crt")),
        setting("primary_conninfo", &upstream(bench, cluster)?),
        // Data need to survive the end of a process here, not of the machine.
        setting("fsync", "off"),
        // Many instances share a machine.
        setting("shared_buffers", "16MB"),
        setting("wal_level", "logical"),
        setting("wal_receiver_timeout", "5s"),
        setting("wal_retrieve_retry_interval", "200ms"),
    ])
}

/// How a replica reaches the primary.
pub(super) fn upstream(bench: &Bench, cluster: &Cluster) -> Result<String, Error> {
    let host = format!("{}-rw", cluster.name);
    let address = bench.work.traffic.address(&cluster.namespace, &host)?;
    Ok(format!(
        "host={host} hostaddr={address} port={PORT} user={REPLICATION_ROLE} application_name={} sslmode=verify-ca sslcert='{}' sslkey='{}' sslrootcert='{}'",
        bench.work.pod.name_any(),
        bench.path("replication.crt"),
        bench.path("replication.key"),
        bench.path("ca.crt"),
    ))
}

fn setting(key: &str, value: &str) -> String {
    format!("{key} = '{}'", value.replace('\'', "''"))
}

/// SQL that every new database system begins with.
pub(super) fn roles() -> String {
    format!(
        "CREATE ROLE {REPLICATION_ROLE} WITH REPLICATION LOGIN; CREATE ROLE {POOLER_ROLE} WITH LOGIN;"
    )
}

/// SQL that lets `PgBouncer` look passwords up, for each database.
pub(super) fn user_search() -> String {
    format!(
        "CREATE FUNCTION public.user_search(uname TEXT) RETURNS TABLE (usename name, passwd text) LANGUAGE sql SECURITY DEFINER AS 'SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename=$1;';
REVOKE ALL ON FUNCTION public.user_search(text) FROM public;
GRANT EXECUTE ON FUNCTION public.user_search(text) TO {POOLER_ROLE};"
    )
}

/// The data directory on a volume.
pub(super) fn data_folder(volume: &Path) -> PathBuf {
    volume.join("pgdata")
}
