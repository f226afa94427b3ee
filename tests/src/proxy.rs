//! A proxy before an API server, for whoever wants to see its requests, hold them up or lose them.
//! It listens without TLS, and sends on with the credentials of a client.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;

use http::{Request, Response, header};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::{Client, client::Body};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// Ends the connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is broken on purpose")]
pub struct Broken;

/// A proxy, for as long as this lives.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Listens on loopback, and answers each request by `answer`; [`forward`] is the plain one.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start<A, F>(answer: A) -> Self
    where
        A: Fn(Request<Body>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<Response<Body>, Broken>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("loopback has a port");
        let address = listener.local_addr().expect("it is bound");
        let accepting = tokio::spawn(accept(listener, answer));
        Self { address, accepting }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A kubeconfig that leads here. Credentials are the proxy's business.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        })
        .to_string()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept<A, F>(listener: TcpListener, answer: A)
where
    A: Fn(Request<Body>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Broken>> + Send + 'static,
{
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let answer = answer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = Body::from(whole(body).await?);
                answer(Request::from_parts(head, body)).await
            }
        });
        connections.spawn(async move {
            // That it broke is what was wanted, or the client's end.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Sends a request on as `client`; whole answers only, so that nothing can be watched.
///
/// # Errors
/// There is no answer.
pub async fn forward(client: &Client, request: Request<Body>) -> Result<Response<Body>, Broken> {
    let (mut head, body) = request.into_parts();
    head.headers.remove(header::HOST);
    let request = Request::from_parts(head, body);
    let answer = client.send(request).await.map_err(|_| Broken)?;
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::TRANSFER_ENCODING);
    head.headers.remove(header::CONTENT_LENGTH);
    let body = body.collect_bytes().await.map_err(|_| Broken)?;
    Ok(Response::from_parts(head, Body::from(body.to_vec())))
}

async fn whole(mut body: Incoming) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Broken)?;
        bytes.extend(frame.into_data().unwrap_or_default());
    }
    Ok(bytes)
}
