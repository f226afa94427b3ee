//! The Jobs that fill the volume of a new instance.

use std::{fs, path::Path};

use jiff::Timestamp;

use super::{
    configuration::{data_folder, rewinding, roles, unpack_certificates, upstream, user_search},
    work::Bench,
};
use crate::operator::{
    error::Error,
    pods::Filling,
    postgres::SUPERUSER,
    postmaster::{Postmaster, Shutdown},
    resources::{Cluster, Initdb},
};

/// Fills the volume; gives up when the container is stopped.
pub(super) async fn run(bench: &Bench, filling: Filling) -> Result<(), Error> {
    let cluster = bench.cluster().await?;
    let data = data_folder(&bench.volume().await?);
    set_aside(bench, &data).await?;
    match filling {
        Filling::Initdb => initialise(bench, &cluster, &data).await,
        Filling::Join => unless_stopped(bench, copy(bench, &cluster, &data)).await,
    }
}

/// Does a part of it, as long as the container is not stopped.
async fn unless_stopped<T>(
    bench: &Bench,
    part: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        done = part => done,
        () = bench.stopping() => Err(Error::Other("stopped before it was done".to_owned())),
    }
}

/// Renames what lies where data or WAL are to be, as the operator does: it destroys nothing.
pub(super) async fn set_aside(bench: &Bench, data: &Path) -> Result<(), Error> {
    let when = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    for folder in [Some(data.to_owned()), bench.wal_folder().await?] {
        if let Some(folder) = folder.filter(|folder| folder.exists()) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            fs::rename(&folder, folder.with_file_name(format!("{name}_{when}")))?;
        }
    }
    Ok(())
}

async fn initialise(bench: &Bench, cluster: &Cluster, data: &Path) -> Result<(), Error> {
    let programs = &bench.work.equipment.programs;
    let Initdb {
        encoding,
        locale_collate,
        locale_ctype,
        data_checksums,
        ..
    } = &cluster.spec.bootstrap.initdb;
    let mut args = vec![
        "-D".to_owned(),
        data.display().to_string(),
        "-U".to_owned(),
        SUPERUSER.to_owned(),
        "--no-sync".to_owned(),
        "--auth=trust".to_owned(),
        "--locale=C".to_owned(),
        format!("--encoding={}", encoding.as_deref().unwrap_or("UTF8")),
    ];
    args.extend(
        locale_collate
            .as_ref()
            .map(|locale| format!("--lc-collate={locale}")),
    );
    args.extend(
        locale_ctype
            .as_ref()
            .map(|locale| format!("--lc-ctype={locale}")),
    );
    args.extend(
        data_checksums
            .filter(|on| *on)
            .map(|_| "--data-checksums".to_owned()),
    );
    let wal = bench.wal_folder().await?;
    args.extend(wal.map(|folder| format!("--waldir={}", folder.display())));
    let made = async { Ok(programs.run("initdb", args).await?) };
    unless_stopped(bench, made).await?;

    let folder = &bench.work.folder;
    let sockets = format!("unix_socket_directories={}", folder.display());
    let log = bench.log();
    let options = ["listen_addresses=", sockets.as_str(), "fsync=off"];
    let mut postmaster = Postmaster::start(programs, data, folder, &log, &options).await?;
    let filled = async {
        postmaster.started(programs, &log).await?;
        fill(bench, cluster).await
    };
    let filled = unless_stopped(bench, filled).await;
    // Also when it failed: killed, it would leave its shared memory.
    postmaster.stop(Shutdown::Fast);
    postmaster.ended().await;
    filled
}

async fn fill(bench: &Bench, cluster: &Cluster) -> Result<(), Error> {
    let programs = &bench.work.equipment.programs;
    let folder = &bench.work.folder;
    let initdb = &cluster.spec.bootstrap.initdb;
    let (database, owner) = (cluster.database(), cluster.owner());
    // PgBouncer before 1.19 asks in the database that is connected to, so every later database
    // has to have the function too: they are copies of template1.
    programs
        .sql(folder, "template1", &(roles() + &user_search()))
        .await?;
    programs
        .sql(folder, "postgres", &(user_search() + &rewinding()))
        .await?;
    // The operator's order: what is asked for comes between the role and its database.
    let role = format!("CREATE ROLE {} LOGIN;", identifier(owner));
    programs.sql(folder, "postgres", &role).await?;
    for sql in &initdb.post_init_sql {
        programs.sql(folder, "postgres", sql).await?;
    }
    let made = format!(
        "CREATE DATABASE {} OWNER {};",
        identifier(database),
        identifier(owner)
    );
    programs.sql(folder, "postgres", &made).await?;
    for sql in &initdb.post_init_application_sql {
        programs.sql(folder, database, sql).await?;
    }
    Ok(())
}

/// Copies the primary.
pub(super) async fn copy(bench: &Bench, cluster: &Cluster, data: &Path) -> Result<(), Error> {
    unpack_certificates(bench, cluster).await?;
    let source = upstream(bench, cluster)?;
    let target = data.display().to_string();
    let wal = bench.wal_folder().await?;
    let wal = wal.map(|folder| format!("--waldir={}", folder.display()));
    let args = [
        "-D",
        &target,
        "-d",
        &source,
        "-X",
        "stream",
        "-c",
        "fast",
        "--no-sync",
        "--no-password",
    ];
    let args = args.into_iter().chain(wal.as_deref());
    bench
        .work
        .equipment
        .programs
        .run("pg_basebackup", args)
        .await?;
    // Without it a data directory is a primary's.
    bench
        .work
        .equipment
        .programs
        .write(&data.join("standby.signal"), "")?;
    Ok(())
}

/// A name as SQL takes it, whatever it is made of.
pub(in super::super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
