//! Writes through the API server at a steady rate, whatever becomes of the ones before (an open loop):
//! who waits for answers would not notice that nobody answers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use daap_tests::sandbox::User;
use http::StatusCode;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::ground::Ground;

const CLUSTERS: &str = "/apis/postgresql.cnpg.io/v1/namespaces/apps/clusters";
/// Wanted: 200 writes a second.
const EVERY: Duration = Duration::from_millis(5);
/// At once, at most. Where a machine is too slow for the rate, writes are left out: that many more
/// would only wait for each other, until the API server waits no longer. So as many are let in as are
/// answered soon, one more with each that is, and half of them when one was not.
const IN_FLIGHT: usize = 120;
const AT_FIRST: usize = 24;
const SOON: Duration = Duration::from_millis(250);
const LATE: Duration = Duration::from_millis(600);
/// What an API server that has the time answers well before.
const STARVED: Duration = Duration::from_millis(400);
/// What team payments changes again and again; what it creates is not stored.
const DATABASE: &str = "daap-load";

#[derive(Default)]
struct Tally {
    done: AtomicBool,
    accepted: AtomicUsize,
    refused: AtomicUsize,
    left_out: AtomicUsize,
    in_flight: AtomicUsize,
    most: AtomicUsize,
    /// Reads that no webhook is asked about, and that took long: from when until when.
    slow_reads: Mutex<Vec<(Instant, Instant)>>,
    /// Undecided, as the API server did not answer the webhook in time.
    starved: Mutex<Vec<Starved>>,
    wrong: Mutex<Vec<String>>,
    images: Mutex<BTreeSet<String>>,
    took: Mutex<Vec<Duration>>,
}

struct Starved {
    began: Instant,
    ended: Instant,
    said: String,
}

/// Writes until it is ended.
pub(crate) struct Steady {
    tally: Arc<Tally>,
    began: Instant,
    tasks: [JoinHandle<()>; 2],
}

/// What became of the writes.
pub(crate) struct Written {
    pub(crate) accepted: usize,
    pub(crate) refused: usize,
    pub(crate) left_out: usize,
    /// Undecided on a machine that was too slow for its API server, too.
    pub(crate) starved: usize,
    /// Images that the policy gave.
    pub(crate) images: BTreeSet<String>,
    pub(crate) rate: f64,
    /// The time that half of all took, 99 of a hundred, and all.
    pub(crate) took: [Duration; 3],
}

impl Steady {
    pub(crate) async fn on(ground: &Ground) -> Self {
        let tally: Arc<Tally> = Arc::default();
        let owner = ground.sandbox.client(User::PaymentsDev).await;
        let other = ground.sandbox.client(User::BillingDev).await;
        let control = ground.sandbox.client(User::Harness).await;
        let (status, body) = create(&owner, DATABASE, "").await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{body}");
        tally.most.store(AT_FIRST, Ordering::Relaxed);
        Self {
            tally: Arc::clone(&tally),
            began: Instant::now(),
            tasks: [
                tokio::spawn(write(owner, other, Arc::clone(&tally))),
                tokio::spawn(read(control, tally)),
            ],
        }
    }

    pub(crate) fn images(&self) -> usize {
        self.tally.images.lock().unwrap().len()
    }

    /// Ends, when every write is answered; fails where one was answered wrongly.
    pub(crate) async fn end(self) -> Written {
        let lasted = self.began.elapsed();
        self.tally.done.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let wrong = self.tally.wrong.lock().unwrap();
        let first: Vec<&String> = wrong.iter().take(10).collect();
        assert!(wrong.is_empty(), "{} went wrong: {first:#?}", wrong.len());
        // Only where the machine shows elsewhere and at that very time, too, that it is too slow.
        let slow = self.tally.slow_reads.lock().unwrap();
        let undecided = self.tally.starved.lock().unwrap();
        for write in undecided.iter() {
            let meanwhile =
                |read: &(Instant, Instant)| read.0 < write.ended && read.1 > write.began;
            assert!(slow.iter().any(meanwhile), "undecided: {}", write.said);
        }
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let (accepted, refused) = (count(&self.tally.accepted), count(&self.tally.refused));
        let mut took = self.tally.took.lock().unwrap().clone();
        took.sort();
        let share = |hundredths: usize| took[(took.len() - 1) * hundredths / 100];
        Written {
            accepted,
            refused,
            left_out: count(&self.tally.left_out),
            starved: undecided.len(),
            images: self.tally.images.lock().unwrap().clone(),
            rate: f64::from(u32::try_from(accepted + refused).unwrap()) / lasted.as_secs_f64(),
            took: [share(50), share(99), share(100)],
        }
    }
}

async fn write(owner: Client, other: Client, tally: Arc<Tally>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    for nth in 0.. {
        ticks.tick().await;
        if tally.done.load(Ordering::Relaxed) {
            break;
        }
        while under_way.try_join_next().is_some() {}
        // One is always let in.
        if tally.in_flight.load(Ordering::Relaxed) > tally.most.load(Ordering::Relaxed) {
            tally.left_out.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        tally.in_flight.fetch_add(1, Ordering::Relaxed);
        let write = Write::nth(nth);
        let client = if write.is_attack() { &other } else { &owner }.clone();
        let tally = Arc::clone(&tally);
        under_way.spawn(async move {
            let began = Instant::now();
            let answer = write.send(&client, nth).await;
            let took = began.elapsed();
            tally.took.lock().unwrap().push(took);
            let adapted = |most: usize| match took {
                took if took < SOON => Some((most + 1).min(IN_FLIGHT)),
                took if took > LATE => Some(most / 2),
                _ => None,
            };
            let relaxed = Ordering::Relaxed;
            let _ = tally.most.fetch_update(relaxed, relaxed, adapted);
            tally.in_flight.fetch_sub(1, Ordering::Relaxed);
            if let Err(wrong) = tally.count(write, began, &answer) {
                tally.wrong.lock().unwrap().push(wrong);
            }
        });
    }
    under_way.join_all().await;
}

/// Reads what nobody is asked about, to know how the API server does by itself.
async fn read(client: Client, tally: Arc<Tally>) {
    while !tally.done.load(Ordering::Relaxed) {
        let began = Instant::now();
        let request = http::Request::get("/api/v1/namespaces/apps").body(Vec::new());
        let _: Value = client.request(request.unwrap()).await.unwrap();
        let ended = Instant::now();
        if ended - began > STARVED {
            tally.slow_reads.lock().unwrap().push((began, ended));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is asked for. Of ten writes seven are changes, two creations, and one is a stranger's, which
/// has to be refused.
#[derive(Clone, Copy)]
enum Write {
    Create,
    Change,
    StrangeCreate,
    StrangeChange,
}

impl Write {
    const fn nth(nth: usize) -> Self {
        match nth % 20 {
            0 => Self::StrangeCreate,
            10 => Self::StrangeChange,
            nth if nth % 5 == 2 => Self::Create,
            _ => Self::Change,
        }
    }

    const fn is_attack(self) -> bool {
        matches!(self, Self::StrangeCreate | Self::StrangeChange)
    }

    /// Without storing it.
    async fn send(self, client: &Client, nth: usize) -> Result<(StatusCode, Value), String> {
        match self {
            Self::Create | Self::StrangeCreate => {
                create(client, &format!("{DATABASE}-{}", nth % 100), "?dryRun=All").await
            }
            Self::Change | Self::StrangeChange => change(client, nth).await,
        }
    }
}

/// Creates a database of team payments.
async fn create(client: &Client, name: &str, query: &str) -> Result<(StatusCode, Value), String> {
    let cluster = json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": {"name": name, "labels": {"daap.dev/owner-team": "payments"},
            "annotations": {"daap.dev/purpose": "load"}},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}},
    });
    let path = format!("{CLUSTERS}{query}");
    answer(
        client,
        http::Request::post(path),
        "application/json",
        &cluster,
    )
    .await
}

/// Changes the purpose of team payments' database.
async fn change(client: &Client, nth: usize) -> Result<(StatusCode, Value), String> {
    let change = json!({"metadata": {"annotations": {"daap.dev/purpose": format!("load {nth}")}}});
    let path = format!("{CLUSTERS}/{DATABASE}?dryRun=All");
    let content = "application/merge-patch+json";
    answer(client, http::Request::patch(path), content, &change).await
}

async fn answer(
    client: &Client,
    request: http::request::Builder,
    content: &str,
    body: &Value,
) -> Result<(StatusCode, Value), String> {
    let request = request
        .header(http::header::CONTENT_TYPE, content)
        .body(Body::from(body.to_string().into_bytes()))
        .unwrap();
    let answer = client.send(request).await;
    let answer = answer.map_err(|error| format!("no answer: {error:?}"))?;
    let status = answer.status();
    let body = answer.into_body().collect_bytes().await;
    let body = body.map_err(|error| format!("half an answer: {error:?}"))?;
    let body = serde_json::from_slice(&body).map_err(|error| format!("{status}: {error}"))?;
    Ok((status, body))
}

impl Tally {
    fn count(
        &self,
        write: Write,
        began: Instant,
        answer: &Result<(StatusCode, Value), String>,
    ) -> Result<(), String> {
        let (status, body) = answer.as_ref().map_err(Clone::clone)?;
        let said = body["message"].as_str().unwrap_or_default();
        // Who looks up, or who asks the webhook, has given up.
        let undecided = ["no answer within 2 s", "context deadline exceeded"];
        if undecided.iter().any(|words| said.contains(words)) {
            self.starved.lock().unwrap().push(Starved {
                began,
                ended: Instant::now(),
                said: said.to_owned(),
            });
            return Ok(());
        }
        if write.is_attack() {
            // By a rule, not because nobody answers.
            if *status != StatusCode::FORBIDDEN || !said.contains("[ownership]") {
                return Err(format!("a stranger's write: {status} {said}"));
            }
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        // What both halves have to stamp.
        let stamps = &body["metadata"]["annotations"];
        let (passed, version) = match write {
            Write::Create => (StatusCode::CREATED, "1"),
            _ => (StatusCode::OK, "2"),
        };
        let stamped = stamps["daap.dev/updated-by"] == "payments-dev";
        if *status != passed || !stamped || stamps["daap.dev/version"] != version {
            return Err(format!("the owner's write: {status} {said} {stamps}"));
        }
        self.accepted.fetch_add(1, Ordering::Relaxed);
        if let (Write::Create, Some(image)) = (write, body["spec"]["imageName"].as_str()) {
            self.images.lock().unwrap().insert(image.to_owned());
        }
        Ok(())
    }
}
