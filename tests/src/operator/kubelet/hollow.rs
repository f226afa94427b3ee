//! Containers without processes: pods, volumes, Secrets and statuses as usual, and nobody who
//! answers on a port. A fake, for suites in which hundreds of databases come and go and none is
//! connected to: what they try is the plugin against the API server and the webhook.

use kube::ResourceExt as _;
use tokio::sync::watch::Receiver;

use super::{
    container::{Orders, Report},
    work::Bench,
};
use crate::operator::error::Error;

/// Any number: no two instances of it ever meet.
const SYSTEM_ID: &str = "7000000000000000000";

/// Plays an instance or a pooler that is ready at once and stops at once.
pub(super) async fn run(bench: &mut Bench, instance: bool) -> Result<i32, Error> {
    let mut orders = bench.orders.clone();
    loop {
        bench.running(false);
        if instance {
            bench.report(Some(Report {
                is_primary: is_primary(bench).await?,
                timeline: 1,
                system_id: SYSTEM_ID.to_owned(),
            }));
        }
        if !until(&mut orders, |orders| !orders.fenced).await {
            return Ok(0);
        }
        bench.running(true);
        if !until(&mut orders, |orders| orders.fenced).await {
            return Ok(0);
        }
    }
}

/// Waits; false when the container is to stop, or nobody is there to ask it any more.
async fn until(orders: &mut Receiver<Orders>, reached: impl Fn(&Orders) -> bool) -> bool {
    let asked = orders.wait_for(|orders| orders.stop.is_some() || reached(orders));
    asked.await.is_ok_and(|orders| orders.stop.is_none())
}

async fn is_primary(bench: &Bench) -> Result<bool, Error> {
    let cluster = bench.cluster().await?;
    Ok(cluster.object.data["status"]["targetPrimary"] == bench.work.pod.name_any())
}
