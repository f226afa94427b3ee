//! `measure`: every row several times, the servers in turn, so that what disturbs the machine disturbs
//! all of them.

mod load;
mod run;
mod server;
mod start;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use run::Run;
use server::Place;
use table::Table;

use crate::{tell, write_corpus};

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Measure {
    /// Folder with daap-webhook, daap-bench and kubectl-daap.
    #[arg(long, default_value = "target/release", value_name = "FOLDER")]
    programs: PathBuf,
    /// The baseline in Go.
    #[arg(
        long,
        default_value = "target/bench/daap-baseline",
        value_name = "FILE"
    )]
    baseline: PathBuf,
    /// oha, for a fixed rate.
    #[arg(long, value_name = "FILE")]
    oha: Option<PathBuf>,
    /// Where the corpus and the results are written to.
    #[arg(long, default_value = "target/bench/run", value_name = "FOLDER")]
    folder: PathBuf,
    /// How often each row is measured.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// How long each load lasts; reviews age after 15.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=12), value_name = "SECONDS")]
    seconds: u64,
    /// Core of the servers.
    #[arg(long, default_value_t = 0, value_name = "CORE")]
    server_core: usize,
    /// Core of the load, and of the API server that is asked.
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    client_core: usize,
}

impl Measure {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let Self {
            programs,
            baseline,
            oha,
            folder,
            rounds,
            seconds,
            server_core,
            client_core,
        } = self;
        std::fs::create_dir_all(&folder)?;
        let folder = folder.canonicalize()?;
        prepare(&folder)?;
        let mut run = Run {
            place: Place {
                programs: &programs,
                baseline: &baseline,
                folder: &folder,
                server_core,
                client_core,
            },
            lasts: Duration::from_secs(seconds),
            table: Table::default(),
        };
        let api_server = run.place.api_server()?;
        run.requests(rounds)?;
        if let Some(oha) = &oha {
            run.latencies(rounds, oha)?;
        }
        run.memory(rounds)?;
        start::measure(&mut run.table, &programs, server_core, rounds)?;
        api_server.stop()?;
        run.table.compare();
        std::fs::write(folder.join("results.json"), run.table.json()?)?;
        std::fs::write(folder.join("results.md"), run.table.markdown())?;
        tell(&format!("written: {}", folder.join("results.md").display()));
        Ok(())
    }
}

/// What all servers need.
fn prepare(folder: &Path) -> anyhow::Result<()> {
    write_corpus(folder, Timestamp::now())?;
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let signed = rcgen::generate_simple_self_signed(names)?;
    std::fs::write(folder.join("tls.crt"), signed.cert.pem())?;
    std::fs::write(folder.join("tls.key"), signed.signing_key.serialize_pem())?;
    std::fs::write(
        folder.join("policy.yaml"),
        include_str!("../../policy.yaml"),
    )?;
    // Until the webhook has said what it says.
    std::fs::write(folder.join("mutated.json"), "{}")?;
    Ok(std::fs::write(folder.join("validated.json"), "{}")?)
}
