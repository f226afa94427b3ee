//! The matrix: every operation, every request of it, every fault.
//!
//! The table is generated from a run of each operation in which nothing goes wrong. A write counts
//! each time that it is sent. A read counts once, however often it is sent: polls would be there
//! without end, and a fault on a later one leaves what a fault on the write before it leaves. A read
//! that a variant of an operation shares with it is broken in the operation.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    io::Write as _,
    sync::Mutex,
    time::{Duration, Instant},
};

use daap_crds::pending::OperationName;
use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    operator,
    place::{Outcome, Place, Via},
    proxy::Fault,
    request::Key,
    table::{Before, NAME, OPERATIONS, Operation},
    tally::{End, Tally},
    world::World,
};

/// Cases at once. Most of a case is waiting.
const WORKERS: usize = 10;
/// How long the operator and the collectors may take to do what an operation leaves to them.
const SETTLING: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(400);
/// Cases after which a line tells that it goes on.
const PROGRESS: usize = 100;
/// Who has changed nothing for so long is done.
const QUIET: Duration = Duration::from_secs(2);
/// Comma-separated names: only these operations, for whoever works on one.
const ONLY: &str = "DAAP_FAULTS";

/// The sandbox of the matrix and the races: nobody connects to a database of theirs.
pub(crate) async fn sandbox() -> &'static Sandbox {
    static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
    static PLAYED: OnceCell<()> = OnceCell::const_new();
    let options = SandboxOptions {
        operator: false,
        ..SandboxOptions::default()
    };
    let start = || Sandbox::start_with(options);
    let sandbox = SHARED.get_or_try_init(start).await.unwrap();
    PLAYED.get_or_init(async || operator::play(sandbox)).await;
    sandbox
}

/// A run in which nothing went wrong.
pub(crate) struct Faultless {
    /// Every request, in its order.
    pub(crate) sent: Vec<Key>,
    /// Those that the matrix breaks.
    requests: Vec<Key>,
    /// What is there afterwards.
    pub(crate) end: Value,
    lives: bool,
}

/// Why a case did not end well.
enum Trouble {
    /// It did not come to the fault; it is tried once more.
    NotMet(String),
    /// It ended as it must not.
    Wrong(String),
}

struct Case {
    operation: &'static Operation,
    key: Key,
    fault: Fault,
    database: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_on_every_request_is_told_truly_and_made_good_by_the_same_command() {
    let begun = Instant::now();
    let sandbox = sandbox().await;
    let mut places = Vec::new();
    for number in 0..WORKERS {
        places.push(Place::make(sandbox, &format!("faults-{number}")).await);
    }
    let only = env::var(ONLY).unwrap_or_default();
    let chosen = |operation: &&Operation| {
        only.is_empty() || only.split(',').any(|name| name == operation.name)
    };
    let operations: Vec<&'static Operation> = OPERATIONS.iter().filter(chosen).collect();
    let runs = operations.iter().zip(places.iter().cycle()).enumerate();
    let runs = runs.map(|(number, (operation, place))| record(place, operation, number));
    let runs = join_all(runs).await;
    let mut tally = Tally::default();
    let mut cases = VecDeque::new();
    for (operation, run) in operations.iter().zip(&runs) {
        let elsewhere = operations
            .iter()
            .position(|other| operation.variant_of == Some(other.name))
            .map_or(&[][..], |other| &runs[other].requests);
        let own = |key: &&Key| key.is_write() || !elsewhere.contains(key);
        let requests: Vec<&Key> = run.requests.iter().filter(own).collect();
        tally.operation(operation.name, requests.len());
        for key in requests {
            for fault in Fault::ALL {
                cases.push_back(Case {
                    operation,
                    key: key.clone(),
                    fault,
                    database: format!("f{:05}", cases.len()),
                });
            }
        }
    }
    let planned = cases.len();
    say(&format!("fault matrix: {planned} cases\n"));
    let names = operations.iter().map(|operation| operation.name);
    let runs: BTreeMap<&str, Faultless> = names.zip(runs).collect();
    let (cases, tally) = (Mutex::new(cases), Mutex::new(tally));
    let failures = Mutex::new(Vec::new());
    let workers = places.iter().map(|place| async {
        loop {
            let next = cases.lock().unwrap().pop_front();
            let Some(mut case) = next else { return };
            let ended = case.try_twice(place, &runs[case.operation.name]).await;
            let end = ended.as_ref().ok().copied();
            let counted = {
                let mut tally = tally.lock().unwrap();
                tally.count(case.operation.name, case.fault, end);
                tally.cases()
            };
            if counted % PROGRESS == 0 {
                let seconds = begun.elapsed().as_secs();
                say(&format!(
                    "fault matrix: {counted} of {planned} cases, {seconds} s\n"
                ));
            }
            if let Err(problem) = ended {
                let (name, Case { key, fault, .. }) = (case.operation.name, &case);
                let text = format!(
                    "{name}: {fault} on {key} ({}):\n  {problem}\n",
                    case.database
                );
                say(&text);
                failures.lock().unwrap().push(text);
            }
        }
    });
    join_all(workers).await;
    let failures = failures.into_inner().unwrap();
    let tally = tally.into_inner().unwrap();
    say(&tally.summary(planned, failures.len(), begun.elapsed()));
    assert_eq!(tally.cases(), planned, "a case was skipped");
    assert!(failures.is_empty(), "{} cases failed", failures.len());
}

/// Looks again until it is so; the last objection is what the test fails with.
pub(crate) async fn eventually(what: &str, look: impl AsyncFn() -> Result<(), String>) {
    let deadline = Instant::now() + SETTLING;
    while let Err(objection) = look().await {
        assert!(Instant::now() < deadline, "{what}: {objection}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Written even where the harness keeps what a test prints.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

pub(crate) async fn record(place: &Place, operation: &Operation, number: usize) -> Faultless {
    let database = format!("r{number:05}");
    prepare(place, operation, &database).await.unwrap();
    let (proxy, strikes) = place.proxy(operation.user, &database, None).await;
    let words = words(operation.words, &database);
    let outcome = place
        .plugin(operation.user, &refs(&words), Via::Through(&proxy, strikes))
        .await;
    assert!(outcome.is_done(), "{}: {outcome:?}", operation.name);
    let lives = place.world(&database).await.cluster().is_some();
    let end = settled(place, &database).await;
    let sent = proxy.requests();
    let once = |key: &&Key| key.is_write() || key.occurrence == 1;
    let mut requests: Vec<Key> = sent.iter().filter(once).cloned().collect();
    requests.sort();
    assert_eq!(end["inconsistencies"], json!([]), "{}", operation.name);
    place.clear(&place.world(&database).await).await;
    Faultless {
        sent,
        requests,
        end,
        lives,
    }
}

/// What is there once a database has become ready, or its remains have been collected, and nobody
/// changes anything any more.
async fn settled(place: &Place, database: &str) -> Value {
    let deadline = Instant::now() + SETTLING;
    let mut last = Value::Null;
    loop {
        let world = place.world(database).await;
        let lives = world.cluster().is_some();
        let done =
            world.unknown().is_empty() && (!lives || state(place, database).await == "ready");
        let now = world.snapshot();
        if done && now == last {
            return now;
        }
        assert!(Instant::now() < deadline, "{database} does not settle");
        last = now;
        tokio::time::sleep(QUIET).await;
    }
}

async fn state(place: &Place, database: &str) -> String {
    let words = ["get", database, "-o", "json"];
    let outcome = place.plugin(User::Admin, &words, Via::Directly).await;
    let read: Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
    read["status"]["state"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

pub(crate) async fn prepare(
    place: &Place,
    operation: &Operation,
    database: &str,
) -> Result<(), String> {
    for before in operation.before {
        match before {
            Before::Done(user, given) => {
                let words = words(given, database);
                let outcome = place.plugin(*user, &refs(&words), Via::Directly).await;
                if !outcome.is_done() {
                    return Err(format!("before it, {words:?}: {}", outcome.stderr));
                }
            }
            Before::Killed(user, given, what) => {
                let key = Key {
                    what: (*what).to_owned(),
                    occurrence: 1,
                };
                let plan = Some((key, Fault::KilledAfter));
                let (proxy, strikes) = place.proxy(*user, database, plan).await;
                let (words, via) = (words(given, database), Via::Through(&proxy, strikes));
                let outcome = place.plugin(*user, &refs(&words), via).await;
                if !proxy.has_fired() {
                    return Err(format!("before it, {words:?}: {}", outcome.stderr));
                }
            }
            Before::PoolerRemoved => {
                let world = place.world(database).await;
                let pooler = world
                    .paths()
                    .into_iter()
                    .find(|path| path.contains("/poolers/"));
                let deleted = place.delete(User::Admin, &pooler.unwrap_or_default()).await;
                deleted.map_err(|error| format!("before it: {error}"))?;
            }
        }
    }
    Ok(())
}

pub(crate) fn words(given: &[&str], database: &str) -> Vec<String> {
    let words = given.iter().map(|word| word.replace(NAME, database));
    words.collect()
}

pub(crate) fn refs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

impl Case {
    async fn try_twice(&mut self, place: &Place, faultless: &Faultless) -> Result<End, String> {
        let mut ended = self.run(place, faultless).await;
        if let Err(Trouble::NotMet(_)) = ended {
            self.database += "x";
            ended = self.run(place, faultless).await;
        }
        ended.map_err(|(Trouble::NotMet(problem) | Trouble::Wrong(problem))| problem)
    }

    async fn run(&self, place: &Place, faultless: &Faultless) -> Result<End, Trouble> {
        let prepared = prepare(place, self.operation, &self.database).await;
        prepared.map_err(Trouble::NotMet)?;
        let before = match self.operation.before {
            [] => None,
            _ => place.world(&self.database).await.id(),
        };
        let first = self.first(place).await?;
        let ended = format!(
            "\n  the first run ended with {:?}: {}",
            first.code, first.stderr
        );
        let rest = self.after(place, faultless, before, &first).await;
        rest.map_err(|problem| Trouble::Wrong(problem + &ended))
    }

    /// The operation, with the fault.
    async fn first(&self, place: &Place) -> Result<Outcome, Trouble> {
        let (user, plan) = (self.operation.user, (self.key.clone(), self.fault));
        let (proxy, strikes) = place.proxy(user, &self.database, Some(plan)).await;
        let mut words = words(self.operation.words, &self.database);
        if self.fault == Fault::Hang {
            words.push("--request-timeout=2s".to_owned());
        }
        let outcome = place
            .plugin(user, &refs(&words), Via::Through(&proxy, strikes))
            .await;
        if !proxy.has_fired() {
            let problem = format!("the request was never sent: {outcome:?}");
            return Err(Trouble::NotMet(problem));
        }
        let killed = matches!(self.fault, Fault::KilledBefore | Fault::KilledAfter);
        if killed != outcome.code.is_none() {
            return Err(Trouble::Wrong(format!("it ended otherwise: {outcome:?}")));
        }
        Ok(outcome)
    }

    /// What has to be so after the first run, and after the same command again.
    async fn after(
        &self,
        place: &Place,
        faultless: &Faultless,
        before: Option<String>,
        first: &Outcome,
    ) -> Result<End, String> {
        let mut world = place.world(&self.database).await;
        let mut end = End::Again;
        if first.is_done() {
            let done = self.wait_for(place, faultless, world).await;
            world = done.map_err(|problem| format!("it said that it was done, and {problem}"))?;
            end = End::AtOnce;
        }
        let id = world.id();
        if before.is_some() && id != before {
            return Err(format!("its id was {before:?} and is {id:?}"));
        }
        let got = self.get(place, &world).await?;
        self.list(place, &world, &got).await?;
        self.nothing_unknown(place, world).await?;
        self.second(place).await?;
        let world = place.world(&self.database).await;
        let last = self.wait_for(place, faultless, world).await?;
        if id.is_some() && last.id() != id {
            let last = last.id();
            return Err(format!(
                "its id was {id:?} after the first run and is {last:?}"
            ));
        }
        let got = self.get(place, &last).await?;
        if faultless.lives && got["status"]["state"] != "ready" {
            return Err(format!("in the end it is not ready: {got}"));
        }
        place.clear(&last).await;
        Ok(end)
    }

    /// The same command again, without the fault.
    async fn second(&self, place: &Place) -> Result<(), String> {
        let words = words(self.operation.words, &self.database);
        let outcome = place
            .plugin(self.operation.user, &refs(&words), Via::Directly)
            .await;
        // Whether that is true is seen by waiting for the end.
        let nothing_left = self
            .operation
            .again
            .is_some_and(|again| outcome.code == Some(1) && outcome.stderr.contains(again));
        if outcome.is_done() || nothing_left {
            return Ok(());
        }
        let (code, said) = (outcome.code, outcome.stderr);
        Err(format!(
            "the same command again ended with {code:?}: {said}"
        ))
    }

    /// Waits until everything is as if nothing had happened.
    async fn wait_for(
        &self,
        place: &Place,
        faultless: &Faultless,
        mut world: World,
    ) -> Result<World, String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let found = world.snapshot();
            if found == faultless.end {
                return Ok(world);
            }
            if Instant::now() > deadline {
                let difference = json_patch::diff(&faultless.end, &found);
                return Err(format!("it is not as without the fault: {difference}"));
            }
            tokio::time::sleep(LOOK).await;
            world = place.world(&self.database).await;
        }
    }

    /// `get` says what is there.
    async fn get(&self, place: &Place, world: &World) -> Result<Value, String> {
        let words = ["get", &self.database, "-o", "json"];
        let got = place.plugin(User::Admin, &words, Via::Directly).await;
        if world.cluster().is_none() {
            if got.code == Some(1) && got.stderr.contains("not found") {
                return Ok(Value::Null);
            }
            return Err(format!("it is gone, and get says {got:?}"));
        }
        let document: Value =
            serde_json::from_str(&got.stdout).map_err(|_| format!("get: {got:?}"))?;
        judge("get", world, &document)?;
        Ok(document)
    }

    /// `list` says the same.
    async fn list(&self, place: &Place, world: &World, got: &Value) -> Result<(), String> {
        let words = ["list", "-o", "json"];
        let listed = place.plugin(User::Admin, &words, Via::Directly).await;
        let list: Value =
            serde_json::from_str(&listed.stdout).map_err(|_| format!("list: {listed:?}"))?;
        let items = list["items"].as_array().into_iter().flatten();
        let entry = { items }.find(|item| item["metadata"]["name"] == self.database.as_str());
        match entry {
            Some(entry) if got.is_null() => Err(format!("it is gone, and list shows {entry}")),
            None if got.is_null() => Ok(()),
            Some(entry) => judge("list", world, entry),
            None => Err("list does not show it".to_owned()),
        }
    }

    async fn nothing_unknown(&self, place: &Place, mut world: World) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let unknown = world.unknown();
            if unknown.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("nobody knows of {unknown:?}"));
            }
            tokio::time::sleep(LOOK).await;
            world = place.world(&self.database).await;
        }
    }
}

/// Whether what is said of a living database is so.
fn judge(who: &str, world: &World, document: &Value) -> Result<(), String> {
    let status = &document["status"];
    let state = status["state"].as_str().unwrap_or_default();
    let reason = status["reason"].as_str().unwrap_or_default();
    let pending = world.pending();
    let incomplete = pending.is_some() || world.pooler().is_none();
    let untrue = |what: &str| Err(format!("{who} is not truthful, as {what}: {status}"));
    if incomplete && (state == "ready" || reason.is_empty()) {
        return untrue("it is not whole");
    }
    let Some(pending) = pending else {
        return Ok(());
    };
    if pending.operation == OperationName::Delete && !["deleting", "error"].contains(&state) {
        return untrue("it is being deleted");
    }
    if pending.error.is_some() && state != "error" {
        return untrue("it has failed");
    }
    Ok(())
}
