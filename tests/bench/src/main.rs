//! What the scripts of `make bench` run: see `docs/benchmarks.md`.

mod measure;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use daap_bench::corpus::{Expected, corpus};
use daap_bench::{ApiServer, constant, kubeconfig, serve_lists};
use daap_webhook::{Bounds, Certificates, listen};
use jiff::Timestamp;
use serde_json::json;

/// Measures kubectl daap beside what people would use instead.
#[derive(Debug, Parser)]
#[command(name = "daap-bench")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the reviews, the facts that they are decided by, and index.json.
    Corpus {
        /// Folder to write to; made where it is missing.
        folder: PathBuf,
        /// When the reviews come (RFC 3339); now otherwise.
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
    },
    /// Answer look-ups from facts, and write a kubeconfig for whoever asks.
    ApiServer {
        /// Address and port (plain HTTP).
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
        listen: SocketAddr,
        /// facts.json of the corpus.
        #[arg(long, value_name = "FILE")]
        facts: PathBuf,
        /// Where the kubeconfig is written to.
        #[arg(long, value_name = "FILE")]
        kubeconfig: PathBuf,
    },
    /// Answer lists of many databases, and write a kubeconfig for whoever asks.
    Lists {
        /// Address and port (plain HTTP).
        #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
        listen: SocketAddr,
        /// How many.
        #[arg(long, value_name = "N")]
        databases: usize,
        /// Where the kubeconfig is written to, once it listens.
        #[arg(long, value_name = "FILE")]
        kubeconfig: PathBuf,
    },
    /// Answer every review with the same bytes, by the code that the webhook listens with.
    Constant {
        /// Address and port (TLS).
        #[arg(long, value_name = "ADDR:PORT")]
        listen: SocketAddr,
        /// Folder with tls.crt and tls.key.
        #[arg(long, value_name = "FOLDER")]
        certificates: PathBuf,
        /// What /mutate is answered with.
        #[arg(long, value_name = "FILE")]
        mutated: PathBuf,
        /// What /validate is answered with.
        #[arg(long, value_name = "FILE")]
        validated: PathBuf,
    },
    /// Measure, and write down every value.
    Measure(measure::Measure),
    /// Write what was measured into docs/benchmarks.md, and its picture.
    Report(measure::Report),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "progress is for whoever waits")]
fn tell(line: &str) {
    eprintln!("{line}");
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Corpus { folder, at } => write_corpus(&folder, at.unwrap_or_else(Timestamp::now)),
        Command::ApiServer {
            listen,
            facts,
            kubeconfig: file,
        } => {
            let server = ApiServer::start(listen, &facts).await?;
            std::fs::write(&file, kubeconfig(server.address))?;
            Ok(server.task.await??)
        }
        Command::Lists {
            listen,
            databases,
            kubeconfig: file,
        } => {
            serve_lists(listen, databases, |address| {
                std::fs::write(file, kubeconfig(address))
            })
            .await
        }
        Command::Constant {
            listen: address,
            certificates: folder,
            mutated,
            validated,
        } => {
            let certificates = Certificates::open(folder.join("tls.crt"), folder.join("tls.key"))?;
            let routes = constant(std::fs::read(mutated)?, std::fs::read(validated)?);
            Ok(listen(
                address,
                &Arc::new(certificates),
                routes,
                Bounds::REVIEWS,
                &Arc::default(),
            )?
            .task
            .await??)
        }
        // What is measured runs in processes of its own; here is only waited for.
        Command::Measure(measure) => tokio::task::spawn_blocking(move || measure.run()).await?,
        Command::Report(report) => report.run(),
    }
}

/// How far ahead of now a corpus may be made: the webhook lets clocks differ by five seconds.
const AHEAD: Duration = Duration::from_secs(4);

fn write_corpus(folder: &Path, at: Timestamp) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("failed to make {}", folder.display()))?;
    let corpus = corpus(at)?;
    let mut index = Vec::new();
    for review in &corpus.reviews {
        let text = review.review.to_string();
        let file = format!("{}.json", review.name);
        index.push(json!({
            "name": review.name, "path": review.path, "file": file, "bytes": text.len(),
            "ages": review.ages,
            "expected": match review.expected {
                Expected::Patched => "patched",
                Expected::Allowed => "allowed",
                Expected::Denied => "denied",
            },
        }));
        std::fs::write(folder.join(file), text)?;
    }
    std::fs::write(folder.join("facts.json"), corpus.facts.to_string())?;
    std::fs::write(
        folder.join("index.json"),
        serde_json::to_string_pretty(&index)?,
    )?;
    Ok(())
}
