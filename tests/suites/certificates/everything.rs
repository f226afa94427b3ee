//! Everything at once: leaf, CA and policy change and replicas are replaced while 200 writes a second
//! come in. `DAAP_ROTATION_SECONDS=60` for as long as one likes, at a rate that is held; otherwise for
//! 20 s, at the rate that the machine allows.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::ground::Ground;
use crate::steady::Steady;

/// Between two policies: both replicas have read the one before (they look every 2 s).
const POLICY: Duration = Duration::from_secs(3);

/// Writes a second, of the 200 that are wanted.
const RATE: f64 = 190.0;

/// For how long, if somebody says so.
fn asked_for() -> Option<Duration> {
    let said = std::env::var("DAAP_ROTATION_SECONDS").ok()?;
    Some(Duration::from_secs(said.parse().unwrap()))
}

fn policy(nth: usize) -> String {
    format!("defaults: {{image: 'registry.example/postgresql:17.{nth}'}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_refused_while_everything_changes_under_load() {
    let _alone = crate::ALONE.write().await;
    let asked_for = asked_for();
    let lasts = asked_for.unwrap_or(Duration::from_secs(20));
    let mut ground = Ground::new(&[
        "--ca-lifetime=30s",
        "--leaf-lifetime=7s",
        "--ca-propagation=3s",
    ])
    .await;
    ground.write_policy(&policy(0));
    ground.start_replicas(2).await;
    let first = ground.stored("ca.crt").await.unwrap();
    let load = Steady::on(&ground).await;
    let began = Instant::now();
    let (mut policies, mut replaced, mut authorities) = (1, 0, BTreeSet::from([first]));
    let mut leaves = 0;
    while began.elapsed() < lasts || authorities.len() < 2 || replaced < 2 {
        assert!(began.elapsed() < lasts + Duration::from_mins(2), "stuck");
        ground.write_policy(&policy(policies));
        policies += 1;
        tokio::time::sleep(POLICY).await;
        authorities.extend(ground.stored("ca.crt").await);
        // Some time after the last one, so that both have been at work.
        if policies % 3 == 0 {
            leaves += ground.replicas[0].said("serving a new certificate");
            ground.replace_first(&format!("next-{replaced}")).await;
            replaced += 1;
        }
    }
    ground
        .until("the last policy is in force", crate::SOON, async |_| {
            load.images() > 1
        })
        .await;
    leaves += ground.said("serving a new certificate");
    let lasted = began.elapsed();
    let written = load.end().await;
    let [half, most, all] = written.took;
    println!(
        "{:.0} writes a second for {lasted:.0?}: {} accepted, {} refused by their rule, none else; \
         as the machine was too slow, {} left out and {} undecided; half within {half:.0?}, 99 % within {most:.0?}, \
         all within {all:.0?}; meanwhile {} authorities, {leaves} leaves, {} policies in force, \
         {replaced} replicas replaced",
        written.rate,
        written.accepted,
        written.refused,
        written.left_out,
        written.starved,
        authorities.len(),
        written.images.len(),
    );
    assert!(written.accepted > 100 && written.refused > 10);
    assert!(written.images.len() > 1 && leaves >= 4);
    if asked_for.is_some() {
        assert!(
            written.rate > RATE && written.starved == 0,
            "this machine is too slow for it"
        );
    }
}
