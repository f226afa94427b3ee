//! Certificates that the webhook makes itself, on a real API server that calls it through them:
//! rotated under load, broken by hand, and past their end; and an API server that is slow to answer
//! them, or fails to. Certificates in files, too, as a Secret volume shows them. The rights are those of
//! `manifests/overlays/own-certificates`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod balancer;
mod everything;
mod failing;
mod ground;
mod load;
mod replica;
mod slow;
mod steady;
mod volume;

use std::time::Duration;

use ground::Ground;
use load::Load;
use tokio::sync::RwLock;

/// Whoever counts how much is served wants the machine alone: the others share it.
static ALONE: RwLock<()> = RwLock::const_new(());

/// The wait for what is due within seconds, on a machine that is busy.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_and_its_leaves_are_succeeded_without_a_refused_write() {
    let _shared = ALONE.read().await;
    let mut ground = Ground::new(&[
        "--ca-lifetime=42s",
        "--leaf-lifetime=9s",
        "--ca-propagation=4s",
    ])
    .await;
    // All at once: one makes the CA, and all sign with it.
    ground.start_replicas(4).await;
    let made = ground.said("a new CA is made: there was none that could be used");
    assert_eq!(made, 1, "one CA is made");
    let first = ground.stored("ca.crt").await;
    let load = Load::on(&ground).await;
    let begun = std::time::Instant::now();
    ground
        .until(
            "the next CA is published",
            Duration::from_mins(1),
            async |ground| ground.stored("next.crt").await.is_some_and(|_| true),
        )
        .await;
    ground
        .until("it signs", Duration::from_mins(1), async |ground| {
            let current = ground.stored("ca.crt").await;
            current.is_some() && current != first
        })
        .await;
    ground
        .until(
            "the first one is forgotten",
            Duration::from_mins(1),
            async |ground| {
                let first = first.clone().unwrap();
                let bundles = ground.bundles().await;
                ground.stored("retired.crt").await.is_none()
                    && bundles.iter().all(|bundle| !bundle.contains(&first))
            },
        )
        .await;
    let took = begun.elapsed();
    let leaves = ground.said("serving a new certificate");
    let (writes, handshakes) = load.end().await;
    println!(
        "{writes} writes and {handshakes} new connections in {took:?}, {leaves} leaves served, none refused"
    );
    assert!(writes > 100 && handshakes > 20 && leaves >= 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_by_hand_comes_back() {
    let _shared = ALONE.read().await;
    let mut ground = Ground::new(&[
        "--ca-lifetime=1h",
        "--leaf-lifetime=60s",
        "--ca-propagation=3s",
        "--lease-duration=3s",
    ])
    .await;
    ground.start_replicas(2).await;
    let first = ground.stored("ca.crt").await.unwrap();
    // Nothing else trusts us while it is gone, so there is no load yet.
    ground.overwrite_bundles().await;
    let since = std::time::Instant::now();
    ground
        .until("the bundles are back", SOON, async |ground| {
            let bundles = ground.bundles().await;
            bundles.iter().all(|bundle| bundle.contains(&first))
        })
        .await;
    println!("bundles came back after {:?}", since.elapsed());
    ground.until_ready().await;
    let load = Load::on(&ground).await;
    // Whoever deletes the Secret wants another CA, and gets it without an outage.
    ground.delete_secret().await;
    let second = ground.another_ca(&first).await;
    ground.break_secret("ca.key", "nonsense").await;
    let third = ground.another_ca(&second).await;
    let (writes, handshakes) = load.end().await;
    println!("{writes} writes and {handshakes} new connections, none refused");
    // Whoever held the Lease is gone without a word: another one goes on.
    let holder = ground.holder().await;
    ground.kill(&holder);
    ground.delete_secret().await;
    let load = Load::on(&ground).await;
    ground.another_ca(&third).await;
    assert_ne!(ground.holder().await, holder);
    load.end().await;
    assert!(writes > 20 && handshakes > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_past_every_end_is_recovered_from() {
    let _shared = ALONE.read().await;
    let mut ground = Ground::new(&[
        "--ca-lifetime=15s",
        "--leaf-lifetime=4s",
        "--ca-propagation=1s",
        "--lease-duration=3s",
    ])
    .await;
    ground.start_replicas(2).await;
    let first = ground.stored("ca.crt").await.unwrap();
    // For them the clock jumps: past the leaf, past the CA, past the Lease.
    ground.stop_for(Duration::from_secs(16)).await;
    ground.another_ca(&first).await;
    ground.until_ready().await;
    let load = Load::on(&ground).await;
    ground
        .until("writes pass", SOON, async |_| load.writes() > 5)
        .await;
    load.end().await;
}
