//! The configuration of an instance, and what a new database system begins with.

use std::path::{Path, PathBuf};

use kube::ResourceExt as _;

use super::work::Bench;
use crate::operator::{
    contract::{POOLER_ROLE, PORT, REPLICATION_ROLE},
    error::Error,
    resources::Cluster,
};

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

/// Writes the configuration of the instance.
///
/// What it was stays as it is: a standby that is to be the primary is promoted once it runs.
pub(super) async fn configure(bench: &Bench, data: &Path) -> Result<(), Error> {
    let programs = &bench.work.equipment.programs;
    let cluster = bench.cluster().await?;
    let name = &cluster.name;
    bench
        .unpack(
            &format!("{name}-server"),
            &[("tls.crt", "server.crt"), ("tls.key", "server.key")],
        )
        .await?;
    unpack_certificates(bench, &cluster).await?;
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

/// Whether the instance is to be the primary.
pub(super) async fn is_wanted_as_primary(bench: &Bench) -> Result<bool, Error> {
    let cluster = bench.cluster().await?;
    Ok(cluster.object.data["status"]["targetPrimary"] == bench.work.pod.name_any().as_str())
}

/// Whether the data directory is a standby's.
pub(super) fn is_standby(data: &Path) -> bool {
    data.join("standby.signal").exists()
}

/// What an instance trusts, and what it replicates with.
pub(super) async fn unpack_certificates(bench: &Bench, cluster: &Cluster) -> Result<(), Error> {
    let name = &cluster.name;
    let replication = [
        ("tls.crt", "replication.crt"),
        ("tls.key", "replication.key"),
    ];
    bench
        .unpack(&format!("{name}-ca"), &[("ca.crt", "ca.crt")])
        .await?;
    bench
        .unpack(&format!("{name}-replication"), &replication)
        .await
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
        // What a former primary is rewound by.
        setting("wal_log_hints", "on"),
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

/// SQL that lets a former primary read what it lacks, in the database that it asks.
pub(super) fn rewinding() -> String {
    let functions = [
        "pg_ls_dir(text, boolean, boolean)",
        "pg_stat_file(text, boolean)",
        "pg_read_binary_file(text)",
        "pg_read_binary_file(text, bigint, bigint, boolean)",
    ];
    let grant = |function| {
        format!("GRANT EXECUTE ON FUNCTION pg_catalog.{function} TO {REPLICATION_ROLE};")
    };
    functions.map(grant).concat()
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
