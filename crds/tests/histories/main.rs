//! Whatever is done to a database, and whatever goes wrong: its history tiles time without a gap or
//! an overlap, has one current version, and that is the record. No version is ever lost or changed,
//! but for the oldest, which are folded.
//!
//! Everything goes through the code that decides in the webhook and writes in the plugin; only the
//! API server is a model: it stores what admission lets through.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod deed;
mod invariants;
mod world;

use std::collections::BTreeSet;

use daap_crds::contract::annotation;
use daap_crds::object::View;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use deed::{Deed, deeds};
use world::World;

/// Short lives; the long one is dear.
const CASES: u32 = 96;
const LONG_CASES: u32 = 2;

fn live(deeds: &[Deed]) -> World {
    let mut world = World::default();
    for deed in deeds {
        world.perform(deed);
        invariants::assert_hold(&mut world, deed);
    }
    world
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(CASES))]

    #[test]
    fn any_life_leaves_a_history_that_tiles_time(deeds in deeds(1..60, 12)) {
        live(&deeds);
    }
}

proptest! {
    #![proptest_config(cases(LONG_CASES))]

    #[test]
    fn so_does_a_life_that_is_longer_than_an_annotation(
        deeds in deeds(1400..1500, 240)
    ) {
        live(&deeds);
    }
}

/// Properties hold of nothing, too: what is drawn has to do everything.
#[test]
fn the_lives_that_are_drawn_are_full() {
    let mut runner = TestRunner::deterministic();
    let mut actions = BTreeSet::new();
    let mut draw = |strategy: &dyn Fn() -> BoxedStrategy<Vec<Deed>>| {
        let world = live(&strategy().new_tree(&mut runner).unwrap().current());
        let rows = world.seen.values().flat_map(|rows| rows.values());
        actions.extend(rows.map(|row| row.action.to_string()));
        world
    };
    for _ in 0..24 {
        draw(&|| deeds(50..60, 12).boxed());
    }
    let long = draw(&|| deeds(1400..1500, 240).boxed());
    let folded = |object: &Value| {
        let history = View(object).annotation(annotation::HISTORY);
        history.is_some_and(|history| history.contains("\"folded\""))
    };
    assert!(long.cluster.iter().chain(&long.tombstones).any(folded));
    for action in [
        "created",
        "updated",
        "transferred",
        "rolled-back",
        "deleted",
        "restored",
    ] {
        assert!(
            actions.contains(action),
            "{action} is not among {actions:?}"
        );
    }
}
