//! The servers that are measured: each a process of its own, on its own core, stopped by its id.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Ours.
    Webhook,
    /// Ours without its rules: the same bytes each time.
    Constant,
    /// What is measured beside: Go, controller-runtime.
    Baseline,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Webhook, Self::Constant, Self::Baseline];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Constant => "constant",
            Self::Baseline => "baseline",
        }
    }
}

/// A process that ends with this value.
pub(crate) struct Process {
    child: Child,
    /// Where it listens.
    pub(crate) port: u16,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the programs, the corpus and the results are.
pub(crate) struct Place<'a> {
    pub(crate) programs: &'a Path,
    pub(crate) baseline: &'a Path,
    pub(crate) folder: &'a Path,
    pub(crate) server_core: usize,
    pub(crate) client_core: usize,
}

impl Place<'_> {
    /// Starts a server and waits until it listens.
    pub(crate) fn start(&self, kind: Kind) -> anyhow::Result<Process> {
        let port = free_port()?;
        let at = |name: &str| self.folder.join(name).into_os_string();
        let listen = format!("127.0.0.1:{port}");
        let mut command = pinned(&self.server_core.to_string());
        let ourselves = std::env::current_exe()?;
        match kind {
            Kind::Webhook => command
                .arg(self.programs.join("daap-webhook"))
                .args(["serve", "--listen", &listen])
                .args(["--metrics-listen", "127.0.0.1:0", "--shutdown-delay", "0"])
                .args([&"--tls-cert".into(), &at("tls.crt")])
                .args([&"--tls-key".into(), &at("tls.key")])
                .args([&"--policy".into(), &at("policy.yaml")]),
            Kind::Constant => command
                .arg(ourselves)
                .args(["constant", "--listen", &listen])
                .args([&"--certificates".into(), &at("")])
                .args([&"--mutated".into(), &at("mutated.json")])
                .args([&"--validated".into(), &at("validated.json")]),
            Kind::Baseline => command
                .arg(self.baseline)
                .args(["--port", &port.to_string()])
                .args([&"--cert-dir".into(), &at("")])
                .args([&"--policy".into(), &at("policy.yaml")]),
        };
        command.env("KUBECONFIG", at("kubeconfig"));
        // As the Deployment has it.
        command.env("MIMALLOC_PURGE_DELAY", "10");
        spawn(command, port)
    }

    /// Starts the API server that both webhooks ask, on the core of the client.
    pub(crate) fn api_server(&self) -> anyhow::Result<Process> {
        let port = free_port()?;
        let mut command = pinned(&self.client_core.to_string());
        command
            .arg(std::env::current_exe()?)
            .args(["api-server", "--listen", &format!("127.0.0.1:{port}")])
            .args([
                "--facts".as_ref(),
                self.folder.join("facts.json").as_os_str(),
            ])
            .args([
                "--kubeconfig".as_ref(),
                self.folder.join("kubeconfig").as_os_str(),
            ]);
        spawn(command, port)
    }
}

impl Process {
    fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time so far.
    pub(crate) fn processor(&self) -> anyhow::Result<Duration> {
        // proc(5): fields 14 and 15 in hundredths of a second; the name in parentheses may have blanks.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse().unwrap_or(0)).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// The most memory that it ever held, in KiB.
    pub(crate) fn peak_kib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.context("no VmHWM in /proc")
    }

    /// Stops it as Kubernetes does, and waits.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            // Whoever does not end is killed when this value ends.
            if began.elapsed() > Duration::from_secs(5) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// A command that runs on these processors, as in `0` or `0,1`.
pub(crate) fn pinned(cores: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", cores]);
    command
}

fn free_port() -> anyhow::Result<u16> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Ok(TcpListener::bind(loopback)?.local_addr()?.port())
}

/// `taskset` becomes the program that it starts: its id is that of the program.
fn spawn(mut command: Command, port: u16) -> anyhow::Result<Process> {
    let child = { command.stdout(Stdio::null()).stderr(Stdio::null()) }
        .spawn()
        .with_context(|| format!("failed to start {command:?}"))?;
    let mut process = Process { child, port };
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let ended = process.child.try_wait()?;
        if ended.is_some() || began.elapsed() > Duration::from_secs(30) {
            anyhow::bail!("{command:?} does not listen on {port}: {ended:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(process)
}
