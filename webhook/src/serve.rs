//! Listening, reloading, and ending without a lost request.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum_server::Handle;
use kube::client::ClientBuilder;
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::access_reviews::MeasureAccessReviews;
use crate::certificates::Certificates;
use crate::certificates::own::{Keeper, Lifetimes, Settings};
use crate::decide::Decider;
use crate::listening::{Bounds, Listening, listen, listen_plain};
use crate::lookup::KubeLookup;
use crate::metrics::Metrics;
use crate::policy_file::PolicyFile;
use crate::readiness::{OfOthers, Readiness, Trust};
use crate::reload::keep_reading;
use crate::router::{Health, plain_router, router};
use crate::serve_args::{OwnArgs, ServeArgs};

/// What is still under way when the drain begins is done within the API server's own time-out.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
/// Where a pod finds its namespace.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Of the Service in manifests/.
const SERVICE: &str = "daap-webhook";

pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs {
        listen: address,
        metrics_listen,
        tls_cert,
        tls_key,
        own_certificates: _,
        own,
        policy,
        shutdown_delay,
        log_format: _,
    } = args;
    let metrics = Arc::new(Metrics::default());
    let policy = Arc::new(PolicyFile::open(policy)?);
    let client = client(Arc::clone(&metrics)).await?;
    let (certificates, keeper) = if let (Some(certificate), Some(key)) = (tls_cert, tls_key) {
        (Arc::new(Certificates::open(certificate, key)?), None)
    } else {
        let certificates = Arc::new(Certificates::unsigned());
        let keeper = Keeper::new(
            client.clone(),
            settings(own)?,
            Arc::clone(&certificates),
            Arc::clone(&metrics),
        );
        (certificates, Some(Arc::new(keeper)))
    };
    let health = Arc::new(Health::default());
    let decider = Decider::new(Arc::clone(&policy), Arc::new(KubeLookup::new(client)))
        .counted_by(Arc::clone(&metrics));
    let mut signals = Signals::new()?;
    let reviews = listen(
        address,
        &certificates,
        router(decider, Arc::clone(&health)),
        Bounds::REVIEWS,
        &metrics,
    )?;
    // Before anybody can ask.
    health.check_by(readiness(&reviews, &certificates, keeper.as_ref())?);
    let plain = plain_router(Arc::clone(&metrics), Arc::clone(&health));
    let plain = listen_plain(metrics_listen, plain)?;
    tracing::info!(address = %reviews.address, metrics = %plain.address, "serving");
    let (end, ending) = watch::channel(false);
    let background = Background {
        reload: tokio::spawn(keep_reading(policy, certificates, metrics)),
        keeper: keeper.map(|keeper| tokio::spawn(keep(keeper, ending))),
    };
    let mut task = reviews.task;
    tokio::select! {
        ended = &mut task => return Ok(ended??),
        error = background.fails() => return Err(error),
        () = signals.next() => {}
    }
    health.end();
    end.send_replace(true);
    // Said once it holds: whoever reads it may ask at once.
    tracing::info!("ending");
    // A second signal ends at once.
    tokio::select! {
        () = drained(&reviews.handle, Duration::from_secs(shutdown_delay), &mut task) => {}
        () = signals.next() => {}
    }
    plain.handle.shutdown();
    tracing::info!("ended");
    Ok(())
}

async fn client(metrics: Arc<Metrics>) -> anyhow::Result<kube::Client> {
    let mut config = kube::Config::infer()
        .await
        .context("failed to find out how to reach the API server")?;
    // A decision has a deadline of its own; kube would retry writes fifteen times.
    config.default_retry = false;
    let client = ClientBuilder::try_from(config).context("failed to make a client")?;
    Ok(client.with_layer(&MeasureAccessReviews(metrics)).build())
}

fn settings(own: OwnArgs) -> anyhow::Result<Settings> {
    let OwnArgs {
        namespace,
        pod_name,
        dns_name,
        ca_lifetime,
        leaf_lifetime,
        ca_propagation,
        lease_duration,
    } = own;
    let lifetimes = Lifetimes {
        ca: ca_lifetime,
        leaf: leaf_lifetime,
        propagation: ca_propagation,
    };
    if let Some(mistake) = lifetimes.mistake() {
        anyhow::bail!(mistake);
    }
    let namespace = match namespace {
        Some(namespace) => namespace,
        None => std::fs::read_to_string(NAMESPACE_FILE)
            .context("failed to find out the namespace of this pod: set POD_NAMESPACE")?
            .trim()
            .to_owned(),
    };
    let names = if dns_name.is_empty() {
        let service = format!("{SERVICE}.{namespace}.svc");
        vec![service.clone(), format!("{service}.cluster.local")]
    } else {
        dns_name
    };
    let nanos = jiff::Timestamp::now().subsec_nanosecond();
    let pod = pod_name.unwrap_or_else(|| SERVICE.into());
    Ok(Settings {
        // A container that is started again in its pod is another holder.
        identity: format!("{pod}_{}_{nanos}", std::process::id()),
        namespace,
        names,
        lifetimes,
        lease: lease_duration,
    })
}

fn readiness(
    reviews: &Listening,
    certificates: &Arc<Certificates>,
    keeper: Option<&Arc<Keeper>>,
) -> anyhow::Result<Readiness> {
    let (name, trust): (String, Arc<dyn Trust>) = match keeper {
        Some(keeper) => (keeper.name(), Arc::clone(keeper) as _),
        None => ("localhost".into(), Arc::new(OfOthers)),
    };
    let server = ServerName::try_from(name.clone())
        .with_context(|| format!("--dns-name: {name} is neither a DNS name nor an address"))?;
    let certificates = Arc::clone(certificates);
    Ok(Readiness::new(reviews.address, server, certificates, trust))
}

async fn keep(keeper: Arc<Keeper>, mut ending: watch::Receiver<bool>) {
    let ends = async move {
        // Also when the sender is gone.
        let _ = ending.wait_for(|ending| *ending).await;
    };
    keeper.keep(ends).await;
}

/// What runs beside the requests, for as long as they are served.
struct Background {
    reload: JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
}

impl Background {
    /// A webhook that keeps neither policy nor certificate is one that has to be started again.
    async fn fails(mut self) -> anyhow::Error {
        let keeper = async {
            match &mut self.keeper {
                Some(keeper) => {
                    let _ = keeper.await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = &mut self.reload => anyhow::anyhow!("files are read no more"),
            () = keeper => anyhow::anyhow!("certificates are kept no more"),
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn drained(
    handle: &Handle<SocketAddr>,
    delay: Duration,
    task: &mut JoinHandle<std::io::Result<()>>,
) {
    tokio::time::sleep(delay).await;
    handle.graceful_shutdown(Some(DRAIN_LIMIT));
    if let Ok(Err(error)) = task.await {
        tracing::warn!(%error, "ended with an error");
    }
}
