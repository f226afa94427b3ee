//! Every command with exactly the rights of its row, and without each of them.

use std::collections::BTreeSet;

use daap_tests::place::Place;
use daap_tests::sandbox::User;
use futures::StreamExt as _;
use kubectl_daap::{NeededIn, NeededRight, Needs, needs};
use serde_json::Value;

use crate::before::{Before, make_shared};
use crate::cases::{CASES, Case, words};
use crate::ground::{Ended, run_as, sandbox};
use crate::watched::WATCHED;
use crate::{recorded, roles};

/// With it, each right of what writes is taken away once, too: every attempt needs a database of its
/// own, and all of them together half an hour.
const WHOLE: &str = "DAAP_RIGHTS_WHOLE";

/// Rows that are tried at once.
const AT_ONCE: usize = 3;

#[test]
fn every_row_is_tried() {
    let followed = WATCHED.iter().map(|case| case.row);
    let tried: BTreeSet<&str> = CASES.iter().map(|case| case.row).chain(followed).collect();
    let rows: BTreeSet<&str> = needs().iter().map(|row| row.command).collect();
    let untried: Vec<_> = rows.difference(&tried).collect();
    assert!(untried.is_empty(), "no case in cases.rs: {untried:?}");
    let unknown: Vec<_> = tried.difference(&rows).collect();
    assert!(
        unknown.is_empty(),
        "no row in plugin/src/rights/table.rs: {unknown:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_takes_exactly_these_rights() {
    let place = Place::of(sandbox().await, "rights-read").await;
    make_shared(&place).await;
    try_all(&place, |case| case.before == Before::Shared).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_takes_exactly_these_rights() {
    let place = Place::of(sandbox().await, "rights-write").await;
    let is_meant = |case: &Case| case.before != Before::Shared && !is_alone(case);
    try_all(&place, is_meant).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repairing_all_takes_exactly_these_rights() {
    let place = Place::of(sandbox().await, "rights-all").await;
    try_all(&place, is_alone).await;
}

/// Whether it changes every database of the namespace, also those of other cases.
pub(crate) fn is_alone(case: &Case) -> bool {
    case.row == "repair --all"
}

async fn try_all(place: &Place<'_>, wanted: impl Fn(&Case) -> bool) {
    let only = std::env::var("RIGHTS_ROW").ok();
    let cases = CASES.iter().enumerate().filter(|(_, case)| wanted(case));
    let cases = cases.filter(|(_, case)| only.as_deref().is_none_or(|only| only == case.row));
    let tried = cases.map(|(number, case)| try_case(place, number, case));
    let problems: Vec<Vec<String>> = futures::stream::iter(tried)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let problems = problems.concat();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The row of a case, with its rights where the case needs them.
fn row(case: &Case) -> Needs {
    let mut row = { needs().into_iter() }
        .find(|row| row.command == case.row)
        .unwrap();
    if case.everywhere {
        let here = { row.rights.iter_mut() }.filter(|right| right.place == NeededIn::Namespace);
        here.for_each(|right| right.place = NeededIn::Cluster);
    }
    row
}

/// `patch poolers`, as cases name it.
pub(crate) fn short(right: &NeededRight) -> String {
    format!("{} {}", right.verb, right.resource)
}

/// Tries one row; what is wrong with it.
async fn try_case(place: &Place<'_>, number: usize, case: &Case) -> Vec<String> {
    let row = row(case);
    let mut trial = Trial {
        place,
        case,
        row: row.clone(),
        number,
        databases: 0,
        ready: None,
        folder: tempfile::tempdir().unwrap(),
        problems: Vec::new(),
    };
    trial.with_all().await;
    trial.uses_what_it_says();
    if case.everywhere {
        trial.with_all_here().await;
    }
    let whole = case.before == Before::Shared || std::env::var_os(WHOLE).is_some();
    for right in &row.rights {
        if whole || trial.fails_without(right) {
            trial.without(right).await;
        }
    }
    trial.nothing_else_was_sent();
    trial.problems
}

struct Trial<'a> {
    place: &'a Place<'a>,
    case: &'a Case,
    row: Needs,
    number: usize,
    databases: usize,
    /// A database that an attempt left as it was.
    ready: Option<String>,
    folder: tempfile::TempDir,
    problems: Vec<String>,
}

impl Trial<'_> {
    /// Somebody of this case.
    fn user(&self, attempt: &str) -> String {
        format!("rights-{}-{attempt}", self.number)
    }

    fn complain(&mut self, attempt: &str, ended: &Ended, what: &str) {
        let line = format!(
            "{} {attempt}: {what}; it ended with {:?}: {}",
            self.row.command, ended.code, ended.said
        );
        self.problems.push(line);
    }

    /// The name of a database that is as the case wants it.
    fn prepare(&mut self) -> String {
        if let Some(ready) = self.ready.take() {
            return ready;
        }
        self.databases += 1;
        let name = format!("d{}-{}", self.number, self.databases);
        tokio::task::block_in_place(|| self.case.before.make(self.place, &name));
        name
    }

    fn run(&self, user: &str, name: &str) -> Ended {
        let words = words(self.case, name, self.folder.path());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        tokio::task::block_in_place(|| run_as(self.place, user, &words))
    }

    fn works(&self, ended: &Ended) -> bool {
        ended
            .code
            .is_some_and(|code| self.case.codes.contains(&code))
    }

    async fn with_all(&mut self) {
        let user = self.user("all");
        roles::give(self.place, &user, &self.row.rights, self.case.teams).await;
        let name = self.prepare();
        let ended = self.run(&user, &name);
        if !self.works(&ended) {
            self.complain("with all its rights", &ended, "it does not work");
        }
    }

    /// What is needed in all namespaces is of no use in one.
    async fn with_all_here(&mut self) {
        let user = self.user("here");
        let mut rights = self.row.rights.clone();
        rights.retain(|right| right.otherwise.is_none());
        for right in &mut rights {
            right.place = NeededIn::Namespace;
        }
        roles::give(self.place, &user, &rights, self.case.teams).await;
        let name = self.prepare();
        let ended = self.run(&user, &name);
        self.ready = Some(name);
        if ended.code != Some(1) || !ended.said.contains("in all namespaces") {
            self.complain("in one namespace", &ended, "it does not ask for all");
        }
    }

    /// Whether it comes to nothing without the right.
    fn fails_without(&self, right: &NeededRight) -> bool {
        let is_used = self.case.uses.contains(&short(right).as_str());
        let otherwise = right.otherwise.unwrap_or_default();
        is_used && otherwise.starts_with("it fails")
    }

    fn sent(&self, attempt: &str) -> recorded::Requests {
        recorded::of(
            self.place.sandbox,
            &self.user(attempt),
            self.place.namespace,
        )
    }

    fn uses_what_it_says(&mut self) {
        let sent = self.sent("all");
        for used in self.case.uses {
            let right = { self.row.rights.iter() }.find(|right| short(right) == *used);
            let right = right.map(recorded::shown).unwrap_or_default();
            if !sent.contains(&right) {
                let line = format!("{} {:?}: never sent: {used}", self.row.command, self.case);
                self.problems.push(line);
            }
        }
    }

    async fn without(&mut self, right: &NeededRight) {
        let at = { self.row.rights.iter() }
            .position(|one| one == right)
            .unwrap();
        let user = self.user(&at.to_string());
        let mut rest = self.row.rights.clone();
        rest.remove(at);
        roles::give(self.place, &user, &rest, self.case.teams).await;
        let name = self.prepare();
        let before = self.state(&name);
        let ended = self.run(&user, &name);
        let attempt = format!("without {} {}", right.verb, right.resource);
        if right.otherwise.is_some() && !self.fails_without(right) {
            if !self.works(&ended) {
                self.complain(&attempt, &ended, "it needs it after all");
            }
            return;
        }
        // psql has codes of its own.
        if self.works(&ended) || ended.code.is_none() {
            self.complain(&attempt, &ended, "it should have failed");
            return;
        }
        let names = |word: &str| ended.said.contains(word);
        if !names(right.verb) || !names(&right.resource) {
            self.complain(&attempt, &ended, "it does not name the right");
        }
        if self.state(&name) == before {
            self.ready = Some(name);
            return;
        }
        // Half of it is done: with the rights it goes on where it stopped.
        let whole = self.user("all");
        let finished = self.run(&whole, &name);
        if !self.works(&finished) {
            self.complain(
                &attempt,
                &finished,
                "the same again with all its rights does not finish it",
            );
        }
    }

    /// Everything of a database, in the version that it has.
    fn state(&self, name: &str) -> Vec<String> {
        let kinds = "clusters,poolers,persistentvolumeclaims,configmaps,secrets";
        let found = self.place.kubectl(&["get", kinds, "-o", "json"], None);
        let found: Value = serde_json::from_str(&found).unwrap();
        let of = format!("daap-{name}");
        let mut state: Vec<String> = { found["items"].as_array().unwrap().iter() }
            .filter(|object| {
                let called = object["metadata"]["name"].as_str().unwrap();
                called == of || called.starts_with(&format!("{of}-"))
            })
            .map(|object| {
                let spec = [
                    &object["spec"],
                    &object["data"],
                    &object["metadata"]["labels"],
                ];
                let annotations = &object["metadata"]["annotations"];
                let uid = &object["metadata"]["uid"];
                let owners = &object["metadata"]["ownerReferences"];
                format!("{uid} {spec:?} {annotations} {owners}")
            })
            .collect();
        state.sort();
        state
    }

    /// What was sent, whether or not it was allowed, stands in the table.
    fn nothing_else_was_sent(&mut self) {
        let mut known: BTreeSet<String> = self.row.rights.iter().map(recorded::shown).collect();
        if self.case.everywhere {
            // A right in all of them is one in each.
            let each = known
                .iter()
                .map(|right| right.replace(" cluster", " namespace"));
            known.extend(each.collect::<Vec<_>>());
        }
        let attempts = (0..self.row.rights.len()).map(|at| at.to_string());
        for attempt in attempts.chain(["all".to_owned()]) {
            let sent = self.sent(&attempt);
            let unknown: Vec<String> = sent.difference(&known).cloned().collect();
            if !unknown.is_empty() {
                self.problems.push(format!(
                    "{}: the table does not name what it sends: {}",
                    self.row.command,
                    unknown.join(", ")
                ));
                return;
            }
        }
    }
}

/// That nobody asked for something would show that nothing is recorded.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_recorded() {
    let place = Place::of(sandbox().await, "rights-recorded").await;
    let ended = run_as(&place, "rights-nobody", &["list"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let sent = recorded::of(place.sandbox, "rights-nobody", place.namespace);
    assert!(
        sent.contains("list postgresql.cnpg.io/clusters namespace"),
        "{sent:?}"
    );
    let output = place.plugin(User::Harness, &["list"]);
    assert!(output.status.success());
}
