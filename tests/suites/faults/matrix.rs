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

use daap_tests::sandbox::{Sandbox, SandboxOptions, User};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    case::Case,
    operator,
    place::{Place, Via},
    proxy::Fault,
    request::Key,
    table::{Before, NAME, OPERATIONS, Operation},
    tally::Tally,
};

/// Cases at once. Most of a case is waiting.
const WORKERS: usize = 10;
/// How long the operator and the collectors may take to do what an operation leaves to them.
pub(crate) const SETTLING: Duration = Duration::from_secs(30);
pub(crate) const LOOK: Duration = Duration::from_millis(400);
/// How often an operation is recorded at most.
const RECORDINGS: usize = 5;
/// Cases after which a line tells that it goes on.
const PROGRESS: usize = 100;
/// Who has changed nothing for so long is done.
const QUIET: Duration = Duration::from_secs(2);
/// Comma-separated names: only these operations, for whoever works on one.
const ONLY: &str = "DAAP_FAULTS";
/// A number: only one case of so many, others each day, for whoever has not the time for all.
const ONE_OF: &str = "DAAP_FAULTS_ONE_OF";

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
    pub(crate) lives: bool,
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
        assert!(!requests.is_empty(), "{} sent nothing", operation.name);
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
    let one_of: usize = env::var(ONE_OF).map_or(1, |number| number.parse().unwrap());
    let today = jiff::Timestamp::now().as_second() / 86_400;
    let mut turn = usize::try_from(today).unwrap();
    cases.retain(|_| {
        turn += 1;
        turn % one_of == 0
    });
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
    let first = failures.first().map(String::as_str).unwrap_or_default();
    assert!(
        failures.is_empty(),
        "{} cases failed, the first: {first}",
        failures.len()
    );
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

/// A run in which the operator came in between is longer by what the plugin said again, and no later
/// run would send as much: it is recorded anew.
pub(crate) async fn record(place: &Place, operation: &Operation, number: usize) -> Faultless {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (run, met_conflict) = record_once(place, operation, number, attempts).await;
        if !met_conflict || attempts == RECORDINGS {
            return run;
        }
    }
}

async fn record_once(
    place: &Place,
    operation: &Operation,
    number: usize,
    attempt: usize,
) -> (Faultless, bool) {
    let database = format!("r{number:05}-{attempt}");
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
    let run = Faultless {
        sent,
        requests,
        end,
        lives,
    };
    (run, proxy.has_met_conflict())
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
