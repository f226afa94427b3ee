//! The supervisor: raises a sandbox, keeps it, and takes it down.

use std::{
    fs::File,
    io::{self, BufRead, Write},
    panic, process,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    certificates::Authority,
    component::{Component, Plan},
    definitions,
    folder::{Base, clear, write_private},
    guard,
    identity::User,
    kubeconfig,
    layout::Layout,
    process::Identity,
    raise,
    running::Running,
    stand_in,
    wire::{Mandate, Order, Ready, Report},
};

/// How long the operator may take to stop its databases, before they are killed.
const OPERATOR_LIMIT: Duration = Duration::from_secs(10);

/// How often the controller-manager is started again.
const RESTARTS: usize = 10;

/// Raises the sandbox that the mandate asks for and stays until it is to go.
pub(super) async fn serve(mandate: Mandate) -> Result<()> {
    let served = claim_and_serve(&mandate).await;
    // Only now, so that whoever reads it finds nothing left.
    if let Err(error) = &served {
        report(&Report::Failed(format!("{error:#}")));
    }
    served
}

async fn claim_and_serve(mandate: &Mandate) -> Result<()> {
    let started = Instant::now();
    let base = Base::from_environment()?;
    let Some(claim) = base.claim(&mandate.name)? else {
        report(&Report::Taken);
        return Ok(());
    };
    let folder = claim.path();
    let mut guard = guard::spawn(folder)?;
    let lived = live(mandate, &Layout::of(folder), started).await;
    if let Err(error) = &lived {
        tracing::error!("{error:#}");
    }
    // Before its standard input closes: it would take us for a leftover.
    guard.kill()?;
    guard.wait()?;
    clear(folder)?;
    drop(claim);
    base.remove_if_empty();
    lived
}

async fn live(mandate: &Mandate, layout: &Layout, started: Instant) -> Result<()> {
    let stop = CancellationToken::new();
    let authority = Arc::new(Authority::new()?);
    raise::prepare(layout, &authority)?;
    log_to(layout)?;
    let identity = serde_json::to_string(&Identity::of(process::id()))?;
    write_private(&layout.supervisor(), &identity)?;
    stop_on_signals(&stop)?;
    let mut orders = read_orders(mandate.until_stdin_closes.then(|| stop.clone()));
    let mut running = Running::new(Plan {
        layout: layout.clone(),
        assets: mandate.assets.clone(),
        webhook: mandate.webhook.clone().unwrap_or_default(),
        authority,
        api_port: 0,
        webhook_port: 0,
        audit: mandate.options.audit,
    });
    let raised = tokio::select! {
        raised = raise::raise(&mut running, &mandate.options) => raised,
        () = stop.cancelled() => Err(anyhow::anyhow!("told to stop before the sandbox was ready")),
    };
    let warnings = match raised {
        Ok(warnings) => warnings,
        Err(error) => {
            running.end_all().await;
            return Err(error);
        }
    };
    let operator_stop = CancellationToken::new();
    let mut operator = None;
    if mandate.options.operator {
        operator = Some(stand_in::start(layout, operator_stop.clone()).await?);
    }
    let ready = Ready {
        folder: layout.folder().to_owned(),
        assets: mandate.assets.clone(),
        server: running.plan.server(),
        raised_in_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        warnings,
    };
    write_private(&layout.ready(), &serde_json::to_string_pretty(&ready)?)?;
    tracing::info!("ready after {} ms", ready.raised_in_ms);
    report(&Report::Ready(ready));
    keep(&mut running, &mut orders, &mut operator, &stop).await;
    operator_stop.cancel();
    if let Some(operator) = operator.take()
        && timeout(OPERATOR_LIMIT, operator).await.is_err()
    {
        tracing::warn!("the operator did not stop in time: its databases are killed");
    }
    running.end_all().await;
    Ok(())
}

/// Follows orders until the sandbox is to go.
async fn keep(
    running: &mut Running,
    orders: &mut mpsc::UnboundedReceiver<Result<Order>>,
    operator: &mut Option<JoinHandle<Result<()>>>,
    stop: &CancellationToken,
) {
    let mut restarts = 0;
    loop {
        let operator_ended = async {
            match operator.as_mut() {
                Some(operator) => operator.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            Some(order) = orders.recv() => {
                let done = follow(running, order).await;
                report(&done.map_or_else(|e| Report::Failed(format!("{e:#}")), |()| Report::Done));
            }
            (component, error) = running.lost() => {
                tracing::error!("{error:#}");
                if component == Component::ControllerManager && restarts < RESTARTS {
                    restarts += 1;
                    revive_controllers(running).await;
                }
            }
            ended = operator_ended => {
                tracing::error!("the operator ended: {ended:?}");
                *operator = None;
            }
        }
    }
}

/// Starts the controller-manager again: it ends when it does not find the API server while it
/// starts, and a real one is then started again, too.
async fn revive_controllers(running: &mut Running) {
    if running.has(Component::ApiServer)
        && let Err(error) = running.start(Component::ControllerManager).await
    {
        tracing::error!("{error:#}");
    }
}

async fn follow(running: &mut Running, order: Result<Order>) -> Result<()> {
    match order? {
        Order::Kill(component) => running.kill(component).await,
        Order::Start(component) => {
            running.start(component).await?;
            if component == Component::ApiServer {
                let harness = running.plan.layout.kubeconfig_of(User::Harness);
                definitions::wait_until_served(&kubeconfig::client(&harness).await?).await?;
                revive_controllers(running).await;
            }
            Ok(())
        }
    }
}

fn stop_on_signals(stop: &CancellationToken) -> Result<()> {
    for kind in [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            stop.cancel();
        });
    }
    Ok(())
}

/// Reads orders from standard input; at its end the token is cancelled.
///
/// A thread of our own: tokio's would keep the runtime from ending.
fn read_orders(stop: Option<CancellationToken>) -> mpsc::UnboundedReceiver<Result<Order>> {
    let (sender, orders) = mpsc::unbounded_channel();
    if let Some(stop) = stop {
        thread::spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                let order = serde_json::from_str(&line).map_err(Into::into);
                if sender.send(order).is_err() {
                    break;
                }
            }
            stop.cancel();
        });
    }
    orders
}

/// Tells the starter. That it is gone is its own business.
fn report(report: &Report) {
    if let Ok(line) = serde_json::to_string(report) {
        let mut stdout = io::stdout().lock();
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    }
}

fn log_to(layout: &Layout) -> Result<()> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(layout.log("sandbox"))?;
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        tracing_subscriber::EnvFilter::new("info,kube_client::client::builder=off")
    });
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(Mutex::new(file));
    if subscriber.try_init().is_err() {
        bail!("logging is set up twice");
    }
    // Standard error of a detached supervisor leads nowhere.
    panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    Ok(())
}
