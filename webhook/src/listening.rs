//! The two ports: reviews over TLS, metrics and health in plain.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::service::SendService;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::certificates::Certificates;
use crate::connections::Connections;
use crate::metrics::Metrics;
use crate::seated::Seating;

/// What a client may take of a server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// A client that does not finish its handshake holds up nobody for longer.
    pub handshake: Duration,
    /// The same of a header. Counts from the end of the request before, so that it closes idle
    /// keep-alives too.
    pub header: Duration,
    /// Connections at once.
    pub connections: usize,
}

impl Bounds {
    /// For the API server. It drops idle keep-alives after 90 s (client-go's transport) and does not
    /// repeat a POST: were we the first to hang up, a write that is just on its way would be refused.
    /// It has a connection for each review under way; several API servers with many hundreds of
    /// writes at once share these, and what is idle takes some 30 KiB each.
    pub const REVIEWS: Self = Self {
        handshake: Duration::from_secs(5),
        header: Duration::from_mins(2),
        connections: 512,
    };
    /// Neither the kubelet nor Prometheus minds to connect again.
    const PLAIN: Self = Self {
        handshake: Duration::ZERO,
        header: Duration::from_secs(10),
        connections: 64,
    };
}

/// A server that listens.
#[derive(Debug)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// Ends it.
    pub handle: Handle<SocketAddr>,
    /// Ends when it has ended.
    pub task: JoinHandle<std::io::Result<()>>,
}

/// Serves `router` at `address` over TLS.
///
/// # Errors
/// The address cannot be listened on.
pub fn listen(
    address: SocketAddr,
    certificates: &Arc<Certificates>,
    router: Router,
    bounds: Bounds,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Listening> {
    let config = RustlsConfig::from_config(Arc::new(certificates.tls()?));
    let connections = Connections::at_most(bounds.connections, Arc::clone(metrics));
    let acceptor = RustlsAcceptor::new(config)
        .handshake_timeout(bounds.handshake)
        .acceptor(Seating(connections));
    start(address, acceptor, router, bounds)
}

/// Serves `router` at `address` in plain.
pub(crate) fn listen_plain(address: SocketAddr, router: Router) -> anyhow::Result<Listening> {
    // Counted for themselves: who reads metrics is no client of them.
    let connections = Connections::at_most(Bounds::PLAIN.connections, Arc::default());
    start(address, Seating(connections), router, Bounds::PLAIN)
}

fn start<A>(
    address: SocketAddr,
    acceptor: A,
    router: Router,
    bounds: Bounds,
) -> anyhow::Result<Listening>
where
    A: Accept<TcpStream, Router> + Clone + Send + Sync + 'static,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send,
    A::Service: SendService<Request<Incoming>> + Send,
    A::Future: Send,
{
    let listener =
        TcpListener::bind(address).with_context(|| format!("failed to listen on {address}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?
        .acceptor(acceptor)
        .handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header);
    let server = server.http1_only();
    let task = tokio::spawn(server.serve(router.into_make_service()));
    Ok(Listening {
        address,
        handle,
        task,
    })
}
