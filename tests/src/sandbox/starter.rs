//! Starting a supervisor, and talking to it.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    folder::{Base, clear},
    options::SandboxOptions,
    process::OWNER_VARIABLE,
    programs,
    wire::{Mandate, Order, Report},
};

/// How long a start may take on a machine that has never read the programs before.
pub(super) const START_LIMIT: Duration = Duration::from_mins(2);
/// How long an order may take.
const ORDER_LIMIT: Duration = Duration::from_mins(1);
/// How long a supervisor may take to take everything down.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Finds out what a supervisor has to know.
pub(super) fn mandate(name: &str, options: SandboxOptions, tied: bool) -> Result<Mandate> {
    let webhook = options
        .webhook
        .then(|| programs::built("daap-webhook", Some("DAAP_WEBHOOK")))
        .transpose()?;
    Ok(Mandate {
        name: name.to_owned(),
        options,
        assets: programs::control_plane()?,
        webhook,
        until_stdin_closes: tied,
    })
}

/// A supervisor that we started.
#[derive(Debug)]
pub(super) struct Supervisor {
    child: Child,
    /// Held open as long as a tied sandbox is to live.
    orders: Option<ChildStdin>,
    reports: Receiver<Report>,
}

impl Supervisor {
    /// Starts a supervisor, in a session of its own.
    pub(super) fn start(mandate: &Mandate) -> Result<Self> {
        let folder = Base::from_environment()?.sandbox(&mandate.name)?;
        let stdin = if mandate.until_stdin_closes {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = Command::new("setsid")
            .arg(programs::built("daap-sandbox", None)?)
            .arg("serve")
            .arg(serde_json::to_string(mandate)?)
            .env(OWNER_VARIABLE, folder)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("failed to start the supervisor (setsid, of util-linux)")?;
        let orders = child.stdin.take();
        let stdout = child.stdout.take().context("no standard output")?;
        let (sender, reports) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Ok(report) = serde_json::from_str(&line) else {
                    continue;
                };
                if sender.send(report).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            child,
            orders,
            reports,
        })
    }

    /// The next report.
    pub(super) fn report(&self, limit: Duration) -> Result<Report> {
        match self.reports.recv_timeout(limit) {
            Ok(Report::Failed(message)) => bail!("{message}"),
            Ok(report) => Ok(report),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("the sandbox said nothing for {limit:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the supervisor ended"),
        }
    }

    /// Gives an order and waits until it is carried out.
    pub(super) fn order(&mut self, order: Order) -> Result<()> {
        let stdin = self
            .orders
            .as_mut()
            .context("a detached sandbox takes no orders")?;
        writeln!(stdin, "{}", serde_json::to_string(&order)?)?;
        self.report(ORDER_LIMIT).map(|_| ())
    }

    /// Process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Closes standard input and waits until everything is down.
    pub(super) fn stop(&mut self, folder: &Path) -> Result<()> {
        drop(self.orders.take());
        let deadline = Instant::now() + STOP_LIMIT;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
                self.child.wait()?;
            }
            thread::sleep(Duration::from_millis(10));
        }
        clear(folder)?;
        Base::from_environment()?.remove_if_empty();
        Ok(())
    }
}
