//! The instance manager: runs `PostgreSQL` on the volume of its pod, and says how it is.

use std::{path::Path, time::Duration};

use super::{
    configuration::{configure, data_folder, is_wanted_as_primary},
    container::{Orders, Report},
    rejoin::rejoin,
    work::Bench,
};
use crate::operator::{
    error::Error,
    faults::Fault,
    postmaster::{Postmaster, Shutdown},
};

/// How often an instance that is not ready is asked whether it is.
const PROBE: Duration = Duration::from_millis(150);
/// When a configuration is tried again that could not be written.
const AGAIN: Duration = Duration::from_secs(1);
/// How long an instance may take to end once its sessions are cut.
const CUT: Duration = Duration::from_mins(1);

/// Why the supervision of a `postgres` ended.
enum Ended {
    /// The container is to stop, and `postgres` has.
    Stopped,
    /// It is fenced, or not the primary any more, and `postgres` has stopped.
    Held,
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
        tokio::select! {
            rejoined = rejoin(bench, &data) => rejoined?,
            () = bench.stopping() => return Ok(0),
        }
        configure(bench, &data).await?;
        let programs = &bench.work.equipment.programs;
        let postmaster =
            Postmaster::start(programs, &data, &bench.work.folder, &bench.log(), &[]).await?;
        match supervise(bench, postmaster, &data).await? {
            Ended::Stopped => return Ok(0),
            Ended::Held => {}
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
        let never = bench.work.equipment.faults.has(
            &bench.namespace(),
            &bench.owner(),
            Fault::NeverHealthy,
        );
        let asked = orders.borrow_and_update().clone();
        if !never && !asked.fenced && !asked.demoted {
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
    let mut wanted = is_wanted_as_primary(bench).await?;
    let (mut ready, mut settled) = (false, false);
    let mut probe = tokio::time::interval(PROBE);
    // A long query of the status is no reason to ask twice as often afterwards.
    probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = orders.borrow_and_update().clone();
        let mut behind = false;
        if let Some(patience) = asked.stop {
            stop(&mut postmaster, &mut orders, patience).await;
            return Ok(Ended::Stopped);
        }
        if asked.fenced || asked.demoted {
            bench.running(false);
            postmaster.stop(Shutdown::Fast);
            postmaster.ended().await;
            return Ok(Ended::Held);
        }
        if asked.parameters != known {
            let before = wanted;
            wanted = is_wanted_as_primary(bench).await.unwrap_or(before);
            settled &= wanted == before;
            // Before it has set up its handlers the signal would end it.
            if ready {
                match configure(bench, data).await {
                    Ok(()) => {
                        known = asked.parameters;
                        postmaster.reload();
                    }
                    // What went with its Cluster is no reason to cut who is connected.
                    Err(error) => {
                        tracing::warn!(pod = %bench.name(), "not reloaded: {error}");
                        behind = true;
                    }
                }
            }
        }
        tokio::select! {
            code = postmaster.ended() => return Ok(Ended::Alone(code)),
            changed = orders.changed() => if changed.is_err() { return Ok(Ended::Stopped) },
            () = tokio::time::sleep(AGAIN), if behind => {}
            _ = probe.tick(), if !(ready && settled) => {
                settled = look(bench, &postmaster, wanted).await;
                ready |= settled;
            }
        }
    }
}

/// Asks the instance how it is; whether it is ready, and what it is to be.
async fn look(bench: &Bench, postmaster: &Postmaster, wanted: bool) -> bool {
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
    if wanted && !is_primary {
        // As long as it receives, the old primary has not stopped, and has more to give.
        if *streams != "0" {
            return false;
        }
        // Without a checkpoint nobody could be rewound to the new timeline yet.
        let sql = "SELECT pg_promote(); CHECKPOINT;";
        if let Err(error) = programs.sql(&bench.work.folder, "postgres", sql).await {
            tracing::warn!(pod = %bench.name(), "failed to promote: {error}");
        }
        return false;
    }
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
        if asked.fenced || asked.demoted {
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
