//! Creating a Cluster through an API server: with the webhook, with only the admission policies, with
//! neither.

use std::time::{Duration, Instant};

use daap_bench::corpus::databases::created;
use http::{Method, Request};
use kube::Client;
use serde_json::Value;

use super::sandbox::{ADMIN, DEVELOPER, Programs, Sandbox, path, send};
use super::table::Table;
use crate::tell;

/// How soon one creation follows another.
const PACES: [(&str, Duration); 2] = [
    // What people do, still four a second. The API server asks etcd how far it is at once where it has
    // not asked for 100 ms: a list then takes what it takes.
    (
        "create of a Cluster, 4 a second",
        Duration::from_millis(250),
    ),
    // Each waits for what is left of the 100 ms that began with the one before.
    ("create of a Cluster, at once after another", Duration::ZERO),
];
/// Creations of each kind, in turn, that make one value (their median).
const CREATIONS: usize = 40;
/// Before anything is counted: connections, caches, compiled expressions.
const WARMUP: usize = 10;
/// Both configurations of the webhook are called so.
const CONFIGURATIONS: [&str; 2] = [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
];
/// How long the API server may go on to ask a webhook that is gone.
const LIMIT: Duration = Duration::from_secs(20);

/// What judges a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    Webhook,
    Policies,
    Nothing,
}

impl Judged {
    const ALL: [Self; 3] = [Self::Nothing, Self::Policies, Self::Webhook];

    fn column(self) -> &'static str {
        match self {
            Self::Webhook => "ms, webhook and policies",
            Self::Policies => "ms, policies only",
            Self::Nothing => "ms, neither",
        }
    }
}

/// Measures creations in three sandboxes, in turn.
pub(super) fn measure(table: &mut Table, programs: &Programs, rounds: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let mut places = Vec::new();
    for judged in Judged::ALL {
        let (what, flags): (&str, &[&str]) = match judged {
            Judged::Webhook => ("webhook", &["--no-operator"]),
            Judged::Policies => ("policies", &["--no-operator"]),
            Judged::Nothing => ("nothing", &["--no-operator", "--no-webhook"]),
        };
        let (sandbox, _) = Sandbox::up(programs, what, flags)?;
        let client = runtime.block_on(sandbox.client(DEVELOPER))?;
        if judged == Judged::Policies {
            runtime.block_on(async { without_webhook(&sandbox.client(ADMIN).await?).await })?;
        }
        places.push((judged, sandbox, client));
    }
    for round in 0..=rounds {
        let creations = if round == 0 { WARMUP } else { CREATIONS };
        for (pace, (row, apart)) in PACES.into_iter().enumerate() {
            let mut taken = Table::default();
            for number in 0..creations {
                std::thread::sleep(apart);
                for (judged, _, client) in &places {
                    let [pace, round, number] = [pace, round, number].map(letters);
                    let name = format!("made-{pace}-{round}-{number}");
                    let millis = runtime.block_on(create(client, *judged, &name))?;
                    taken.add(row, judged.column(), millis);
                }
            }
            for judged in Judged::ALL.iter().filter(|_| round > 0) {
                let median = taken.median(row, judged.column());
                table.add(row, judged.column(), median.unwrap_or_default());
            }
        }
        tell(&format!("creations: round {round} of {rounds}"));
    }
    Ok(())
}

/// Names have letters only: the policy that is shipped may want that.
fn letters(number: usize) -> String {
    number
        .to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'a'))
        .collect()
}

async fn create(client: &Client, judged: Judged, name: &str) -> anyhow::Result<f64> {
    let object = created(name)?.to_string();
    let began = Instant::now();
    let stored = send(
        client,
        Method::POST,
        &path("clusters"),
        "application/json",
        object,
    )
    .await?;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    if stamped(&stored) != (judged == Judged::Webhook) {
        anyhow::bail!(
            "{name}: it is not so that it is judged by {}",
            judged.column()
        );
    }
    Ok(millis)
}

/// Removes the webhook's configurations, and waits until nobody asks it any more.
async fn without_webhook(client: &Client) -> anyhow::Result<()> {
    for plural in CONFIGURATIONS {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{plural}/admission.daap.dev");
        send(
            client,
            Method::DELETE,
            &path,
            "application/json",
            String::new(),
        )
        .await?;
    }
    let began = Instant::now();
    loop {
        let object = created("probe")?.to_string();
        let request = Request::post(format!("{}?dryRun=All", path("clusters")))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(object.into_bytes())?;
        let stored: Value = client.request(request).await?;
        if !stamped(&stored) {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            anyhow::bail!("the webhook is still asked");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The webhook alone says who created it.
fn stamped(cluster: &Value) -> bool {
    let by = cluster.pointer("/metadata/annotations/daap.dev~1created-by");
    by.and_then(Value::as_str).is_some()
}
