//! A connection in its place: [`Connections`] as an acceptor, below TLS, so that a handshake that
//! never ends is one of them.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_server::accept::Accept;
use futures::future::{BoxFuture, FutureExt};
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tower::Service;

use crate::connections::{Connections, Place};
use crate::router::is_review;

/// Gives each connection a place.
#[derive(Clone, Debug)]
pub(crate) struct Seating(pub(crate) Arc<Connections>);

impl<S> Accept<TcpStream, S> for Seating {
    type Stream = SeatedStream;
    type Service = SeatedService<S>;
    type Future = Ready<io::Result<(SeatedStream, SeatedService<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Some((place, ends)) = self.0.take() else {
            return ready(Err(io::Error::other("every place is taken")));
        };
        // What follows a first part of an answer would wait for 40 ms, until the client has acknowledged that.
        if let Err(error) = stream.set_nodelay(true) {
            return ready(Err(error));
        }
        let stream = SeatedStream {
            stream,
            ends: Some(ends),
            _place: Arc::clone(&place),
        };
        ready(Ok((stream, SeatedService { service, place })))
    }
}

/// Ends as if the client had hung up, when its place is taken.
#[derive(Debug)]
pub(crate) struct SeatedStream {
    stream: TcpStream,
    /// None once it has resolved.
    ends: Option<oneshot::Receiver<()>>,
    _place: Arc<Place>,
}

impl AsyncRead for SeatedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Nothing is ever sent there: it resolves when the other end is dropped.
        let ends = { self.ends.as_mut() }.is_none_or(|ends| ends.poll_unpin(context).is_ready());
        if ends {
            self.ends = None;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for SeatedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Tells what is going on.
#[derive(Clone, Debug)]
pub(crate) struct SeatedService<S> {
    service: S,
    place: Arc<Place>,
}

impl<S, A, B> Service<Request<A>> for SeatedService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let is_review = is_review(request.uri().path());
        let place = Arc::clone(&self.place);
        place.answering();
        let answer = self.service.call(request);
        async move {
            let answer = answer.await;
            let done = { answer.as_ref() }.is_ok_and(|answer| answer.status() == StatusCode::OK);
            place.answered(is_review && done);
            answer
        }
        .boxed()
    }
}
