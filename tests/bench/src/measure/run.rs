//! One run of measurements on the webhook and what is beside it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use serde_json::Value;

use super::load::{Load, ask};
use super::server::{Kind, Place, Process};
use super::table::Table;
use crate::{AHEAD, tell, write_corpus};

/// Rows of requests a second: reviews of the corpus.
const ROWS: [&str; 6] = [
    "mutate-update",
    "mutate-nothing",
    "validate-update",
    "validate-deny",
    "mutate-create",
    "validate-create",
];
/// Rows of latency.
const LATENCY: [&str; 3] = ["mutate-update", "validate-update", "validate-deny"];
/// Keep one core of a server busy without piling up.
const CONNECTIONS: usize = 8;
/// At a fixed rate: as many as keep up with it, and so few that their handshakes are not what p99 shows.
const STEADY: usize = 4;
/// How long that lasts, for the same reason; reviews age after 15 s.
const STEADILY: Duration = Duration::from_secs(12);
/// What the API server may have in flight, say.
const MANY: usize = 64;

/// One run of measurements.
pub(super) struct Run<'a> {
    pub(super) place: Place<'a>,
    pub(super) lasts: Duration,
    /// Sends at a fixed rate.
    pub(super) oha: &'a Path,
    pub(super) table: &'a mut Table,
}

impl Run<'_> {
    /// Requests a second, on one core, with connections that are kept and with one for each request.
    pub(super) fn requests(&mut self, rounds: usize) -> anyhow::Result<()> {
        self.learn_constant()?;
        let servers = self.start_all()?;
        for round in 1..=rounds {
            for row in ROWS {
                for (kind, server) in &servers {
                    self.request_row(*kind, server, row)?;
                }
            }
            for (kind, server) in &servers {
                self.new_connections(*kind, server)?;
            }
            tell(&format!("requests: round {round} of {rounds}"));
        }
        for (_, server) in servers {
            server.stop()?;
        }
        Ok(())
    }

    /// The constant answers what the webhook answers to the first row of each half.
    fn learn_constant(&self) -> anyhow::Result<()> {
        let webhook = self.place.start(Kind::Webhook)?;
        for (row, file) in [
            ("mutate-update", "mutated.json"),
            ("validate-update", "validated.json"),
        ] {
            let response = ask(&self.url(&webhook, row)?, &self.body(row))?;
            let review = serde_json::json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
            std::fs::write(self.place.folder.join(file), review.to_string())?;
        }
        webhook.stop()
    }

    /// Reviews that age are made anew.
    fn renew(&self) -> anyhow::Result<()> {
        let ahead = Timestamp::now().checked_add(jiff::SignedDuration::try_from(AHEAD)?)?;
        write_corpus(self.place.folder, ahead)
    }

    fn start_all(&self) -> anyhow::Result<Vec<(Kind, Process)>> {
        let started = Kind::ALL.map(|kind| Ok((kind, self.place.start(kind)?)));
        started.into_iter().collect()
    }

    fn request_row(&mut self, kind: Kind, server: &Process, row: &str) -> anyhow::Result<()> {
        self.renew()?;
        let (url, body) = (self.url(server, row)?, self.body(row));
        self.answers_well(kind, row, &url, &body)?;
        let before = server.processor()?;
        let counted = self.load(&url, &body, CONNECTIONS).closed(false)?;
        let busy = server.processor()?.saturating_sub(before);
        self.answers_well(kind, row, &url, &body)?;
        if counted.failed() > 0 {
            anyhow::bail!(
                "{row} of {}: {} requests failed",
                kind.as_str(),
                counted.failed()
            );
        }
        let cell = |what: &str| format!("{what}, {}", kind.as_str());
        self.table
            .add(row, &cell("requests/s"), counted.per_second());
        let micros = busy.as_secs_f64() * 1e6 / counted.requests();
        self.table.add(row, &cell("processor µs/request"), micros);
        Ok(())
    }

    fn new_connections(&mut self, kind: Kind, server: &Process) -> anyhow::Result<()> {
        let row = "validate-update";
        let (url, body) = (self.url(server, row)?, self.body(row));
        let counted = self.load(&url, &body, CONNECTIONS).closed(true)?;
        let cell = format!("requests/s, {}", kind.as_str());
        self.table
            .add("new connection per request", &cell, counted.per_second());
        Ok(())
    }

    /// At half of what the baseline can at most, so that nobody is overrun.
    pub(super) fn latencies(&mut self, rounds: usize) -> anyhow::Result<()> {
        let mut servers = self.start_all()?;
        servers.retain(|(kind, _)| *kind != Kind::Constant);
        for round in 1..=rounds {
            for row in LATENCY {
                let peak = self.table.median(row, "requests/s, baseline");
                let rate = peak.context("the baseline's peak is not measured")? / 2.0;
                for (kind, server) in &servers {
                    self.renew()?;
                    let (url, body) = (self.url(server, row)?, self.body(row));
                    self.answers_well(*kind, row, &url, &body)?;
                    let load = Load {
                        lasts: STEADILY,
                        ..self.load(&url, &body, STEADY)
                    };
                    let latency = load.open(self.oha, rate)?;
                    let row = format!("{row} at half of the baseline's peak");
                    for (percentile, micros) in ["p50", "p99", "p99.9"].iter().zip(latency) {
                        let cell = format!("{percentile} µs, {}", kind.as_str());
                        self.table.add(&row, &cell, micros);
                    }
                }
            }
            tell(&format!("latencies: round {round} of {rounds}"));
        }
        Ok(())
    }

    /// The most memory: once started, at 64 in flight, with bodies of 6 MiB.
    pub(super) fn memory(&mut self, rounds: usize) -> anyhow::Result<()> {
        for round in 1..=rounds {
            for kind in [Kind::Webhook, Kind::Baseline] {
                for (what, row, connections) in [
                    ("idle", "", 0),
                    ("64 in flight", "mutate-update", MANY),
                    ("bodies of 6 MiB, 8 in flight", "validate-6mib", CONNECTIONS),
                ] {
                    let server = self.place.start(kind)?;
                    if connections > 0 {
                        let url = self.url(&server, row)?;
                        // The webhook refuses large bodies that it has no room for: that counts, too.
                        let counted = self
                            .load(&url, &self.body(row), connections)
                            .closed(false)?;
                        let cell = format!("refused or failed, {}", kind.as_str());
                        let failed = f64::from(u32::try_from(counted.failed())?);
                        self.table.add(&format!("memory: {what}"), &cell, failed);
                    }
                    let cell = format!("peak KiB, {}", kind.as_str());
                    let kib = f64::from(u32::try_from(server.peak_kib()?)?);
                    self.table.add(&format!("memory: {what}"), &cell, kib);
                    server.stop()?;
                }
            }
            tell(&format!("memory: round {round} of {rounds}"));
        }
        Ok(())
    }

    /// What is measured must be what it is called: denied by a wrong clock is another row.
    fn answers_well(&self, kind: Kind, row: &str, url: &str, body: &Path) -> anyhow::Result<()> {
        if kind == Kind::Constant {
            return Ok(());
        }
        let expected = self.index(row)?;
        let expected = { expected.get("expected") }
            .and_then(Value::as_str)
            .unwrap_or_default();
        let response = ask(url, body)?;
        let patched = response.get("patch").is_some();
        let is = match (response.get("allowed").and_then(Value::as_bool), patched) {
            (Some(true), true) => "patched",
            (Some(true), false) => "allowed",
            _ => "denied",
        };
        if expected != is {
            anyhow::bail!(
                "{row} of {}: {is}, not {expected}: {response}",
                kind.as_str()
            );
        }
        Ok(())
    }

    fn index(&self, row: &str) -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(self.place.folder.join("index.json"))?;
        let rows: Vec<Value> = serde_json::from_str(&text)?;
        let found = rows
            .into_iter()
            .find(|one| one.get("name").and_then(Value::as_str) == Some(row));
        found.with_context(|| format!("the corpus has no {row}"))
    }

    fn url(&self, server: &Process, row: &str) -> anyhow::Result<String> {
        let row = self.index(row)?;
        let path = row.get("path").and_then(Value::as_str).unwrap_or_default();
        Ok(format!(
            "https://127.0.0.1:{}{path}?timeout=5s",
            server.port
        ))
    }

    fn body(&self, row: &str) -> PathBuf {
        self.place.folder.join(format!("{row}.json"))
    }

    fn load<'a>(&self, url: &'a str, body: &'a Path, connections: usize) -> Load<'a> {
        Load {
            core: self.place.client_core,
            url,
            body,
            connections,
            lasts: self.lasts,
        }
    }
}
