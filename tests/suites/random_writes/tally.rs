//! How many writes of which kind came to what.

use std::collections::BTreeMap;

use crate::write::{Outcome, Verb};
use daap_tests::ground::Kind;

#[derive(Default)]
pub(crate) struct Tally(BTreeMap<(Verb, Kind, Outcome), usize>);

impl Tally {
    pub(crate) fn count(&mut self, verb: Verb, kind: Kind, outcome: Outcome) {
        *self.0.entry((verb, kind, outcome)).or_default() += 1;
    }

    pub(crate) fn total(&self) -> usize {
        self.0.values().sum()
    }

    pub(crate) fn tried(&self, verb: Verb) -> usize {
        let all = self.0.iter().filter(|(key, _)| key.0 == verb);
        all.map(|(_, count)| count).sum()
    }

    /// Of a hundred writes, so many came to that.
    pub(crate) fn percent(&self, outcome: Outcome) -> usize {
        let all = self.0.iter().filter(|(key, _)| key.2 == outcome);
        100 * all.map(|(_, count)| count).sum::<usize>() / self.total().max(1)
    }

    /// A line for each verb and resource, and one for all.
    pub(crate) fn print(&self) {
        println!(
            "{}",
            line(
                "VERB",
                "RESOURCE",
                &Outcome::ALL.map(|one| one.word().to_owned())
            )
        );
        for verb in Verb::ALL {
            for kind in Kind::all() {
                let counts = self.of(|key| key.0 == verb && key.1 == kind);
                if counts.iter().any(|count| count != "0") {
                    println!("{}", line(verb.word(), kind.plural, &counts));
                }
            }
        }
        println!("{}", line("all", "", &self.of(|_| true)));
    }

    fn of(&self, wanted: impl Fn(&(Verb, Kind, Outcome)) -> bool) -> [String; 5] {
        Outcome::ALL.map(|outcome| {
            let all = self
                .0
                .iter()
                .filter(|(key, _)| key.2 == outcome && wanted(key));
            all.map(|(_, count)| count).sum::<usize>().to_string()
        })
    }
}

fn line(verb: &str, resource: &str, counts: &[String; 5]) -> String {
    let counts: Vec<String> = counts.iter().map(|count| format!("{count:>10}")).collect();
    let counts = counts.concat();
    format!("{verb:<18}{resource:<24}{counts}")
}
