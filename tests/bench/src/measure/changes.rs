//! Many changes of one database: what the history costs.

use std::time::Instant;

use anyhow::Context;
use daap_bench::corpus::databases::created;
use http::Method;
use serde_json::{Value, json};

use super::sandbox::{DEVELOPER, MERGE, Programs, Sandbox, path, send};
use super::table::Table;
use crate::tell;

/// How many changes there are in the end.
const CHANGES: usize = 1000;
/// Around these it is looked how long one takes, and how large the annotations are.
const AT: [usize; 3] = [1, 100, 1000];
/// Changes whose median is one value.
const AROUND: usize = 15;

/// Changes one database over and over; each round is a database of its own.
pub(super) fn measure(table: &mut Table, programs: &Programs, rounds: usize) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let (sandbox, _) = Sandbox::up(programs, "changes", &["--no-operator"])?;
    let client = runtime.block_on(sandbox.client(DEVELOPER))?;
    for (round, letter) in (1..=rounds).zip('a'..='z') {
        for why in [Why::Said, Why::Unsaid] {
            runtime.block_on(change(table, &client, letter, why))?;
        }
        tell(&format!("changes: round {round} of {rounds}"));
    }
    Ok(())
}

/// Whether each change has a reason of its own: that is most of what a version takes.
#[derive(Clone, Copy)]
enum Why {
    Said,
    Unsaid,
}

impl Why {
    fn annotations(self, number: usize) -> Value {
        match self {
            Self::Said => {
                json!({"daap.dev/change-reason": format!("SHOP-{number:05}: more or fewer of them")})
            }
            Self::Unsaid => json!({}),
        }
    }

    /// What is changed, in the rows.
    fn database(self) -> &'static str {
        match self {
            Self::Said => "one database",
            Self::Unsaid => "one database, without reasons",
        }
    }
}

async fn change(
    table: &mut Table,
    client: &kube::Client,
    letter: char,
    why: Why,
) -> anyhow::Result<()> {
    let name = match why {
        Why::Said => format!("changed-{letter}"),
        Why::Unsaid => format!("unsaid-{letter}"),
    };
    let object = created(&name)?.to_string();
    let stored = send(
        client,
        Method::POST,
        &path("clusters"),
        "application/json",
        object,
    )
    .await?;
    let cluster = { stored.pointer("/metadata/name").and_then(Value::as_str) };
    let path = format!("{}/{}", path("clusters"), cluster.context("it has a name")?);
    let mut taken = Vec::new();
    for number in 1..=CHANGES {
        let instances = 1 + number % 2;
        let change = json!({
            "metadata": {"annotations": why.annotations(number)},
            "spec": {"instances": instances + 1},
        });
        let began = Instant::now();
        let stored = send(client, Method::PATCH, &path, MERGE, change.to_string()).await?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
        let row = |number| format!("change {number} of {}", why.database());
        // The middle of the fifteen that end here, or begin at the first.
        if number == AROUND || (number > AROUND && AT.contains(&number)) {
            let last = taken.iter().rev().take(AROUND);
            let at = if number == AROUND { 1 } else { number };
            let mut around = Table::default();
            last.for_each(|millis| around.add("", "", *millis));
            let median = around.median("", "").unwrap_or_default();
            table.add(&row(at), "ms", median);
        }
        if AT.contains(&number) {
            let annotations = stored.pointer("/metadata/annotations");
            let annotations = annotations
                .and_then(Value::as_object)
                .context("it has annotations")?;
            let texts = annotations
                .iter()
                .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len));
            let bytes: u32 = texts.sum::<usize>().try_into()?;
            table.add(
                &row(number),
                "KiB of annotations",
                f64::from(bytes) / 1024.0,
            );
        }
    }
    Ok(())
}
