//! Sequences of writes, for as many writes and as long as is asked for.

use std::time::{Duration, Instant};

use daap_crds::contract::annotation;
use daap_crds::object::View;

use crate::generate;
use crate::random::Random;
use crate::tally::Tally;
use crate::words::Words;
use crate::write::{Outcome, Verb, Write};
use daap_tests::ground::Caller;
use daap_tests::ground::Ground;
use daap_tests::ground::{ARCHIVE_ID, CLUSTERS, CONFIG_MAPS, LEDGER_ID, ORDERS_ID, POOLERS};

/// Writes a second that any machine makes, where as many are asked for.
const FEWEST: usize = 3;

/// What has to have come of at least so many of a hundred writes: where everything is let through, or
/// nothing reaches the rules, nothing is shown.
pub(crate) struct Floor {
    pub(crate) done: usize,
    pub(crate) denied: usize,
}

/// Writes between two looks at what should have stayed.
const LENGTH: usize = 8;

pub(crate) struct Run<'a> {
    ground: &'a Ground,
    callers: &'a [Caller],
    words: Words,
    seed: u64,
    random: Random,
    writes: usize,
    fewest: usize,
    until: Instant,
    tally: Tally,
    odd: Vec<String>,
}

fn setting(name: &str, otherwise: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(otherwise, |said| {
        said.parse()
            .unwrap_or_else(|_| panic!("{name}: '{said}' is no number"))
    })
}

impl<'a> Run<'a> {
    pub(crate) async fn of(ground: &'a Ground, callers: &'a [Caller]) -> Self {
        let seed = setting("DAAP_RANDOM_SEED", 5);
        let writes = usize::try_from(setting("DAAP_RANDOM_WRITES", 1500)).unwrap();
        let seconds = setting("DAAP_RANDOM_SECONDS", 40);
        println!(
            "{}: DAAP_RANDOM_SEED={seed}, at most {writes} writes in {seconds} s",
            ground.namespace
        );
        Self {
            ground,
            callers,
            words: words(ground).await,
            seed,
            random: Random::seeded(seed),
            writes,
            fewest: writes.min(FEWEST * usize::try_from(seconds).unwrap()),
            until: Instant::now() + Duration::from_secs(seconds),
            tally: Tally::default(),
            odd: Vec::new(),
        }
    }

    /// Makes a few writes; those that were let through. None once it is enough.
    pub(crate) async fn sequence(&mut self, wanted: impl Fn(&Write) -> bool) -> Option<Vec<Write>> {
        if self.tally.total() >= self.writes || Instant::now() >= self.until {
            return None;
        }
        let mut done = Vec::new();
        for _ in 0..LENGTH {
            let caller = self.random.one(self.callers).clone();
            let write = generate::write(&mut self.random, self.ground, &self.words, &caller).await;
            if !wanted(&write) {
                continue;
            }
            let (outcome, odd) = write.send(self.ground).await;
            self.tally.count(write.verb, write.kind, outcome);
            self.odd
                .extend(odd.map(|said| format!("{write}\n    {said}")));
            if outcome == Outcome::Done {
                done.push(write);
            }
        }
        Some(done)
    }

    /// Fails where something is wrong, with the writes that made it so.
    pub(crate) fn holds(&self, sequence: &[Write], wrong: &[String]) {
        if wrong.is_empty() {
            return;
        }
        let writes: Vec<String> = sequence.iter().map(|write| format!("  {write}")).collect();
        panic!(
            "DAAP_RANDOM_SEED={} after {} writes:\n{}\nfollows from these, of the last {LENGTH}:\n{}",
            self.seed,
            self.tally.total(),
            wrong.join("\n"),
            writes.join("\n")
        );
    }

    /// Says what was tried. Fails where the webhook did not decide, and where less was tried than that.
    pub(crate) fn report(&self, floor: &Floor) {
        self.tally.print();
        println!(
            "{}: {} writes, seed {}",
            self.ground.namespace,
            self.tally.total(),
            self.seed
        );
        assert!(self.odd.is_empty(), "undecided:\n{}", self.odd.join("\n"));
        assert!(
            self.tally.total() >= self.fewest,
            "writes: {}",
            self.tally.total()
        );
        let Floor { done, denied } = floor;
        for (outcome, least) in [(Outcome::Done, done), (Outcome::Denied, denied)] {
            let share = self.tally.percent(outcome);
            assert!(share >= *least, "{}: {share} %", outcome.word());
        }
        let untried = Verb::ALL.map(|verb| (verb.word(), self.tally.tried(verb)));
        let untried = untried.iter().find(|(_, count)| *count == 0);
        assert_eq!(untried, None, "every verb is tried");
    }
}

/// What there is to know of the databases, and some that was made up.
async fn words(ground: &Ground) -> Words {
    let mut more = vec![
        ORDERS_ID.to_owned(),
        ARCHIVE_ID.to_owned(),
        LEDGER_ID.to_owned(),
    ];
    for kind in [CLUSTERS, POOLERS, CONFIG_MAPS] {
        for object in ground.list(kind).await {
            let view = View(&object);
            // Nothing that a controller makes in its own time: words have to be the same each time.
            if !view.name().starts_with("daap-") {
                continue;
            }
            more.push(view.uid().to_owned());
            for key in [annotation::HISTORY, annotation::TOMBSTONE] {
                more.extend(view.annotation(key).map(str::to_owned));
            }
        }
    }
    more.push(ground.namespace.clone());
    more.push(r#"{"operation":"repair","step":"write","since":"2026-01-01T00:00:00Z"}"#.into());
    more.push(r#"{"operation":"rollback","step":"write","since":"2026-01-01T00:00:00Z"}"#.into());
    more.push(r#"{"rows":[]}"#.into());
    Words::with(more)
}
