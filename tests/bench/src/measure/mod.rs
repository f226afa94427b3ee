//! `measure`: every row several times, what is compared in turn, so that what disturbs the machine
//! disturbs all of it.

mod changes;
mod command;
mod create;
mod goals;
mod list;
mod load;
mod loader;
mod plot;
mod ready;
mod report;
mod run;
mod sandbox;
mod server;
mod start;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use report::Report;
use run::Run;
use sandbox::Programs;
use server::Place;
use table::Table;

use crate::{tell, write_corpus};

/// What is measured together; each can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Section {
    /// The webhook beside the baseline in Go and a constant.
    Admission,
    /// Starts of the plugin beside kubectl's.
    Start,
    /// Listing many databases beside kubectl.
    List,
    /// Creating a Cluster through an API server.
    Create,
    /// A thousand changes of one database.
    Changes,
    /// A sandbox, until it is ready.
    Ready,
}

impl Section {
    const ALL: [Self; 6] = [
        Self::Start,
        Self::Ready,
        Self::Create,
        Self::Changes,
        Self::List,
        Self::Admission,
    ];

    /// Of the file that it is written to.
    fn name(self) -> &'static str {
        match self {
            Self::Admission => "admission",
            Self::Start => "start",
            Self::List => "list",
            Self::Create => "create",
            Self::Changes => "changes",
            Self::Ready => "ready",
        }
    }
}

/// What to measure, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Measure {
    /// Folder with daap-webhook and kubectl-daap as they are released.
    #[arg(long, value_name = "FOLDER")]
    programs: PathBuf,
    /// daap-sandbox; it measures nothing itself.
    #[arg(long, default_value = "target/debug/daap-sandbox", value_name = "FILE")]
    sandbox: PathBuf,
    /// Folder with kubectl.
    #[arg(long, value_name = "FOLDER")]
    control_plane: PathBuf,
    /// The baseline in Go.
    #[arg(
        long,
        default_value = "target/bench/daap-baseline",
        value_name = "FILE"
    )]
    baseline: PathBuf,
    /// oha, for a fixed rate.
    #[arg(long, value_name = "FILE")]
    oha: PathBuf,
    /// Where the corpus and what was measured are written to.
    #[arg(long, default_value = "target/bench/run", value_name = "FOLDER")]
    folder: PathBuf,
    /// Only this; can be repeated. What was measured earlier stays until it is measured anew.
    #[arg(long, value_name = "SECTION")]
    only: Vec<Section>,
    /// Add to what an earlier run measured with the same programs: where a machine is uneven, more rounds say more.
    #[arg(long)]
    add: bool,
    /// How often each row is measured.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// How long each load lasts; reviews age after 15.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=12), value_name = "SECONDS")]
    seconds: u64,
    /// How many databases are listed, each more than the one before.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000], value_name = "N,…")]
    databases: Vec<usize>,
    /// Core of what is measured alone, and of the servers.
    #[arg(long, default_value_t = 0, value_name = "CORE")]
    server_core: usize,
    /// Core of the load, and of the API server that is asked.
    #[arg(long, default_value_t = 1, value_name = "CORE")]
    client_core: usize,
}

impl Measure {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let wanted = |section: &Section| self.only.is_empty() || self.only.contains(section);
        for section in Section::ALL.into_iter().filter(wanted) {
            let file = self.folder.join(format!("{}.json", section.name()));
            let mut table = Table::of(table::Keeping {
                when: now(),
                adds: self.add,
                file: file.clone(),
            })?;
            self.measure(section, &mut table)?;
            table.write()?;
            tell(&format!("measured: {}", file.display()));
        }
        Ok(())
    }

    fn measure(&self, section: Section, table: &mut Table) -> anyhow::Result<()> {
        let (programs, rounds) = (&self.programs, self.rounds);
        let kubectl = self.control_plane.join("kubectl");
        let sandboxes = Programs {
            sandbox: self.sandbox.clone(),
            release: programs.clone(),
        };
        match section {
            Section::Admission => self.admission(table),
            Section::Start => start::measure(table, programs, &kubectl, self.server_core, rounds),
            Section::Create => create::measure(table, &sandboxes, rounds),
            Section::Changes => changes::measure(table, &sandboxes, rounds.min(3)),
            Section::Ready => ready::measure(table, &sandboxes, rounds),
            Section::List => list::Lists {
                programs: &sandboxes,
                kubectl: &kubectl,
                cores: &format!("{},{}", self.server_core, self.client_core),
                rounds,
            }
            .measure(table, &self.databases),
        }
    }

    fn admission(&self, table: &mut Table) -> anyhow::Result<()> {
        let folder = self.folder.canonicalize()?;
        prepare(&folder)?;
        let mut run = Run {
            place: Place {
                programs: &self.programs,
                baseline: &self.baseline,
                folder: &folder,
                server_core: self.server_core,
                client_core: self.client_core,
            },
            lasts: Duration::from_secs(self.seconds),
            oha: &self.oha,
            table,
        };
        let api_server = run.place.api_server()?;
        run.requests(self.rounds)?;
        run.latencies(self.rounds.min(3))?;
        run.memory(self.rounds.min(3))?;
        api_server.stop()
    }
}

/// When it is, and how busy the machine.
fn now() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "{}, load {load}",
        Timestamp::now().strftime("%Y-%m-%d %H:%M UTC")
    )
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
