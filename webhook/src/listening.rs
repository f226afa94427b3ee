//! The two ports: reviews over TLS, metrics and health in plain.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;

use crate::certificates::Certificates;

/// A client that does not finish its handshake, or its header, holds up nobody for longer.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// Counts from the end of the request before, so that it closes idle keep-alives too. The API server
/// drops those after 90 s (client-go's transport) and does not repeat a POST: were we the first to
/// hang up, a write that is just on its way would be refused.
const HEADER_LIMIT: Duration = Duration::from_mins(2);
/// Neither the kubelet nor Prometheus minds to connect again.
const PLAIN_HEADER_LIMIT: Duration = Duration::from_secs(10);

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
    let (listener, address) = bind(address)?;
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

/// Serves `router` at `address` in plain.
pub(crate) fn listen_plain(address: SocketAddr, router: Router) -> anyhow::Result<Listening> {
    let (listener, address) = bind(address)?;
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(PLAIN_HEADER_LIMIT);
    let server = server.http1_only();
    let task = tokio::spawn(server.serve(router.into_make_service()));
    Ok(Listening {
        address,
        handle,
        task,
    })
}

fn bind(address: SocketAddr) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener =
        TcpListener::bind(address).with_context(|| format!("failed to listen on {address}"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
