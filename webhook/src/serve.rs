//! Listening, reloading, and ending without a lost request.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::ServeArgs;
use crate::certificates::Certificates;
use crate::decide::Decider;
use crate::lookup::KubeLookup;
use crate::policy_file::PolicyFile;
use crate::reload::keep_reading;
use crate::router::{Health, router};

/// A client that does not finish its handshake, or its header, holds up nobody for longer.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Counts from the end of the request before, so that it closes idle keep-alives too. The API server
/// drops those after 90 s (client-go's transport) and does not repeat a POST: were we the first to
/// hang up, a write that is just on its way would be refused.
const HEADER_LIMIT: Duration = Duration::from_mins(2);
/// What is still under way when the drain begins is done within the API server's own time-out.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A server that listens.
#[derive(Debug)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// Ends it.
    pub handle: Handle<SocketAddr>,
    /// Ends when it has ended.
    pub task: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Serves `router` at `address` over TLS.
///
/// # Errors
/// The address cannot be listened on.
pub fn listen(
    address: SocketAddr,
    certificates: &Arc<Certificates>,
    router: Router,
) -> anyhow::Result<Listening> {
    let listener =
        TcpListener::bind(address).with_context(|| format!("failed to listen on {address}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let config = RustlsConfig::from_config(Arc::new(certificates.tls()?));
    let acceptor = RustlsAcceptor::new(config).handshake_timeout(HANDSHAKE_LIMIT);
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(acceptor)
        .handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT);
    let server = server.http1_only();
    let task = tokio::spawn(server.serve(router.into_make_service()));
    Ok(Listening {
        address,
        handle,
        task,
    })
}

pub(crate) async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let ServeArgs {
        listen: address,
        tls_cert,
        tls_key,
        policy,
        shutdown_delay,
        log_format: _,
    } = args;
    let policy = Arc::new(PolicyFile::open(policy)?);
    let certificates = Arc::new(Certificates::open(tls_cert, tls_key)?);
    let mut config = kube::Config::infer()
        .await
        .context("failed to find out how to reach the API server")?;
    // A decision has a deadline of its own; kube would retry writes fifteen times.
    config.default_retry = false;
    let client = kube::Client::try_from(config).context("failed to make a client")?;
    let lookup = Arc::new(KubeLookup::new(client));
    let health = Arc::new(Health::default());
    let decider = Decider::new(Arc::clone(&policy), lookup);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let Listening {
        address,
        handle,
        mut task,
    } = listen(address, &certificates, router(decider, Arc::clone(&health)))?;
    tracing::info!(%address, "serving");
    let reload = tokio::spawn(keep_reading(policy, certificates));
    tokio::select! {
        ended = &mut task => return Ok(ended??),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("ending");
    health.end();
    // A second signal ends at once.
    tokio::select! {
        () = drained(&handle, Duration::from_secs(shutdown_delay), &mut task) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    reload.abort();
    tracing::info!("ended");
    Ok(())
}

async fn drained(
    handle: &Handle<SocketAddr>,
    delay: Duration,
    task: &mut tokio::task::JoinHandle<std::io::Result<()>>,
) {
    tokio::time::sleep(delay).await;
    handle.graceful_shutdown(Some(DRAIN_LIMIT));
    if let Ok(Err(error)) = task.await {
        tracing::warn!(%error, "ended with an error");
    }
}
