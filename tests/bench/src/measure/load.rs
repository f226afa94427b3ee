//! Load from known tools: wrk in a closed loop, oha at a fixed rate; curl asks once.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;

use super::server::pinned;

/// What wrk counted (`post.lua` prints it).
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Counted {
    requests: f64,
    micros: f64,
    status: u64,
    connect: u64,
    read: u64,
    write: u64,
    timeout: u64,
}

impl Counted {
    pub(crate) fn per_second(self) -> f64 {
        self.requests / self.micros * 1e6
    }

    pub(crate) fn requests(self) -> f64 {
        self.requests
    }

    /// Requests that were not answered, or not with 200.
    pub(crate) fn failed(self) -> u64 {
        self.status + self.connect + self.read + self.write + self.timeout
    }
}

/// One review, sent over and over.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) core: usize,
    pub(crate) url: &'a str,
    pub(crate) body: &'a Path,
    pub(crate) connections: usize,
    pub(crate) lasts: Duration,
}

impl Load<'_> {
    /// As fast as it is answered.
    pub(crate) fn closed(self, reconnects: bool) -> anyhow::Result<Counted> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("post.lua");
        let mut command = pinned(&self.core.to_string());
        command
            .args(["timeout", &self.limit(), "wrk", "--threads", "1"])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.lasts.as_secs())])
            .args(["--timeout", "20s", "--script"])
            .arg(script)
            .args([self.url, "--"])
            .arg(self.body)
            .args(reconnects.then_some("close"));
        let said = output(command)?;
        let line = said.lines().find_map(|line| line.strip_prefix("RESULT "));
        let line = line.with_context(|| format!("wrk said no result: {said}"))?;
        Ok(serde_json::from_str(line)?)
    }

    /// At a fixed rate, whether it is answered in time or not: p50, p99 and p99.9 in microseconds, from
    /// when each request should have been sent.
    pub(crate) fn open(self, oha: &Path, rate: f64) -> anyhow::Result<[f64; 3]> {
        let mut command = pinned(&self.core.to_string());
        command
            .args(["timeout", &self.limit()])
            .arg(oha)
            .args(["--no-tui", "--output-format", "json", "--insecure"])
            .args(["--http-version", "1.1", "--latency-correction"])
            .args(["-q", &format!("{rate:.0}")])
            .args(["-z", &format!("{}s", self.lasts.as_secs())])
            .args(["-c", &self.connections.to_string()])
            .args(["-m", "POST", "-T", "application/json", "-D"])
            .arg(self.body)
            .arg(self.url);
        let said: Value = serde_json::from_str(&output(command)?)?;
        let of = |percentile: &str| {
            let seconds = said
                .pointer("/latencyPercentiles")
                .and_then(|all| all.get(percentile));
            let seconds = seconds.and_then(Value::as_f64);
            seconds
                .map(|seconds| seconds * 1e6)
                .with_context(|| format!("oha said no {percentile}: {said}"))
        };
        Ok([of("p50")?, of("p99")?, of("p99.9")?])
    }

    /// Well after it should have ended by itself.
    fn limit(self) -> String {
        (self.lasts.as_secs() + 30).to_string()
    }
}

/// What one review is answered with.
pub(crate) fn ask(url: &str, body: &Path) -> anyhow::Result<Value> {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--insecure", "--max-time", "20"])
        .args(["--header", "Content-Type: application/json"])
        .arg("--data-binary")
        .arg(format!("@{}", body.display()))
        .arg(url);
    let said = output(command)?;
    let answer: Value = serde_json::from_str(&said).with_context(|| format!("{url}: {said}"))?;
    Ok(answer.get("response").cloned().unwrap_or_default())
}

/// What a command prints.
pub(crate) fn output(mut command: Command) -> anyhow::Result<String> {
    let output = { command.stdin(Stdio::null()) }
        .output()
        .with_context(|| format!("failed to start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        anyhow::bail!("{command:?}: {}: {said}{error}", output.status);
    }
    Ok(said)
}
