//! The matrix: every operation, every request of it, every fault.
//!
//! The table is generated from a run of each operation in which nothing goes wrong. A write counts
//! each time that it is sent. A read counts once, however often it is sent: polls would be there
//! without end, and a fault on a later one leaves what a fault on the write before it leaves.

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    io::Write as _,
    sync::Mutex,
    time::{Duration, Instant},
};

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
        tally.operation(operation.name, run.requests.len());
        for key in &run.requests {
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
            let Some(case) = next else { return };
            let ended = case.run(place, &runs[case.operation.name]).await;
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
    place.clear(&database).await;
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
    async fn run(&self, place: &Place, faultless: &Faultless) -> Result<End, String> {
        prepare(place, self.operation, &self.database).await?;
        let before = place.world(&self.database).await.id();
        let first = self.first(place).await?;
        let id = place.world(&self.database).await.id();
        if before.is_some() && id != before {
            return Err(format!("its id was {before:?} and is {id:?}"));
        }
        let mut end = End::Again;
        if first.is_done() {
            self.wait_for(place, faultless)
                .await
                .map_err(|problem| format!("it said that it was done, and {problem}"))?;
            end = End::AtOnce;
        }
        self.truth(place).await.map_err(|problem| {
            format!(
                "{problem}\n  the first run ended with {:?}: {}",
                first.code, first.stderr
            )
        })?;
        self.second(place, faultless).await.map_err(|problem| {
            format!(
                "{problem}\n  the first run ended with {:?}: {}",
                first.code, first.stderr
            )
        })?;
        let last = place.world(&self.database).await.id();
        if id.is_some() && last != id {
            return Err(format!(
                "its id was {id:?} after the first run and is {last:?}"
            ));
        }
        self.truth(place).await?;
        if faultless.lives && state(place, &self.database).await != "ready" {
            return Err("it is not ready in the end".to_owned());
        }
        place.clear(&self.database).await;
        Ok(end)
    }

    /// The operation, with the fault.
    async fn first(&self, place: &Place) -> Result<Outcome, String> {
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
            return Err(format!("the request was never sent: {outcome:?}"));
        }
        let killed = matches!(self.fault, Fault::KilledBefore | Fault::KilledAfter);
        if killed != outcome.code.is_none() {
            return Err(format!("it ended in another way: {outcome:?}"));
        }
        Ok(outcome)
    }

    /// The same command again, without the fault.
    async fn second(&self, place: &Place, faultless: &Faultless) -> Result<(), String> {
        let words = words(self.operation.words, &self.database);
        let outcome = place
            .plugin(self.operation.user, &refs(&words), Via::Directly)
            .await;
        // Whether that is true is seen by waiting for the end.
        let nothing_left = self
            .operation
            .again
            .is_some_and(|again| outcome.code == Some(1) && outcome.stderr.contains(again));
        if !outcome.is_done() && !nothing_left {
            let (code, said) = (outcome.code, outcome.stderr);
            return Err(format!(
                "the same command again ended with {code:?}: {said}"
            ));
        }
        self.wait_for(place, faultless).await
    }

    /// Waits until everything is as if nothing had happened.
    async fn wait_for(&self, place: &Place, faultless: &Faultless) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let found = place.world(&self.database).await.snapshot();
            if found == faultless.end {
                return Ok(());
            }
            if Instant::now() > deadline {
                let difference = json_patch::diff(&faultless.end, &found);
                return Err(format!("it is not as without the fault: {difference}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// `get` and `list` say what is there, and nothing runs that nobody knows.
    async fn truth(&self, place: &Place) -> Result<(), String> {
        let world = place.world(&self.database).await;
        let words = ["get", &self.database, "-o", "json"];
        let got = place.plugin(User::Admin, &words, Via::Directly).await;
        let words = ["list", "-o", "json"];
        let listed = place.plugin(User::Admin, &words, Via::Directly).await;
        let list: Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let entry = items
            .into_iter()
            .find(|item| item["metadata"]["name"] == self.database.as_str());
        if world.cluster().is_none() {
            if got.code != Some(1) || !got.stderr.contains("not found") || entry.is_some() {
                return Err(format!(
                    "it is gone, and get and list say {got:?} and {entry:?}"
                ));
            }
        } else {
            let got: Value =
                serde_json::from_str(&got.stdout).map_err(|_| format!("get: {got:?}"))?;
            let entry = entry.ok_or("list does not show it")?;
            for (who, document) in [("get", &got), ("list", &entry)] {
                judge(&world, &document["status"]).map_err(|problem| {
                    format!("{who} is not truthful: {problem}: {}", document["status"])
                })?;
            }
        }
        self.nothing_unknown(place).await
    }

    async fn nothing_unknown(&self, place: &Place) -> Result<(), String> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let unknown = place.world(&self.database).await.unknown();
            if unknown.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("nobody knows of {unknown:?}"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Whether what is said of a living database is so.
fn judge(world: &World, status: &Value) -> Result<(), &'static str> {
    let state = status["state"].as_str().unwrap_or_default();
    let explained = status["reason"]
        .as_str()
        .is_some_and(|reason| !reason.is_empty());
    let pending = world.pending();
    let incomplete = pending.is_some() || world.pooler().is_none();
    if incomplete && (state == "ready" || !explained) {
        return Err("it is not whole");
    }
    let deleting = pending
        .as_ref()
        .is_some_and(|pending| pending.operation.as_str() == "delete");
    if deleting && !["deleting", "error"].contains(&state) {
        return Err("it is being deleted");
    }
    let failed = pending.is_some_and(|pending| pending.error.is_some());
    if failed && state != "error" {
        return Err("it has failed");
    }
    Ok(())
}
