//! One connection: from a client to a pod, by a port-forward of its own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::Portforwarder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::aim::{Aim, FIRST_PAUSE, longer};
use crate::database::PORT;
use crate::failure::{Class, Failure};
use crate::kubernetes::{chain, explain};
use crate::output::stderr_line;

/// How long a client is kept waiting for a pod: a pooler that is restarted is back within this.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long the API server may take to open a port-forward, and a pod to say its first word.
const ANSWER: Duration = Duration::from_secs(15);
/// Bytes that are read at once in the beginning; what `PostgreSQL`'s clients begin with is shorter.
const BEGINNING: usize = 16 * 1024;

/// Carries one connection to its end.
pub(super) async fn carry(mut client: TcpStream, aim: Arc<Aim>) {
    let _ = client.set_nodelay(true);
    // What the client begins with is kept: so a pod that does not answer is replaced by another
    // without the client's noticing.
    let mut first = vec![0; BEGINNING];
    match client.read(&mut first).await {
        Ok(length @ 1..) => first.truncate(length),
        Ok(0) | Err(_) => return,
    }
    let deadline = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt(&aim, &first).await {
            Ok(Some((upstream, answer))) => return join(client, upstream, &answer).await,
            Ok(None) => return,
            Err(Broken { why, for_good }) if for_good || Instant::now() + pause > deadline => {
                return stderr_line(&format!("error: a connection was given up: {why}"));
            }
            Err(Broken { why, .. }) => {
                aim.lost(&why, pause);
                tokio::time::sleep(pause).await;
                pause = longer(pause);
            }
        }
    }
}

/// Why there is no connection.
struct Broken {
    why: String,
    /// It will not be otherwise soon: the caller may not do this, say.
    for_good: bool,
}

impl Broken {
    fn passing(why: String) -> Self {
        Self {
            why,
            for_good: false,
        }
    }

    fn of(error: &kube::Error) -> Self {
        let code = match error {
            kube::Error::Api(status) => status.code,
            _ => 0,
        };
        let mut why = explain(error);
        if code == 403 {
            // The API server leaves the reason out where the second of both rights is missing.
            let said = why.trim_end().trim_end_matches(':');
            why = format!("{said}; it takes the rights to get and to create pods/portforward");
        }
        Self {
            why,
            for_good: matches!(code, 401 | 403),
        }
    }
}

/// What a pod answered, and the stream to go on with; none where it closed the connection, which a
/// request to cancel a query is answered by.
async fn attempt(aim: &Aim, first: &[u8]) -> Result<Option<(DuplexStream, Vec<u8>)>, Broken> {
    let pod = aim.pod().await.map_err(|failure| Broken {
        why: failure.to_string(),
        for_good: failure.is_hard(),
    })?;
    begin(&aim.pods(), &pod, first).await.map_err(|broken| {
        aim.failed(&pod);
        Broken {
            why: format!("failed to forward to pod {pod}: {}", broken.why),
            ..broken
        }
    })
}

async fn begin(
    pods: &Api<Pod>,
    pod: &str,
    first: &[u8],
) -> Result<Option<(DuplexStream, Vec<u8>)>, Broken> {
    let mut forwarder = open(pods, pod).await?;
    let refusal = forwarder.take_error(PORT);
    let Some(mut upstream) = forwarder.take_stream(PORT) else {
        return Ok(None);
    };
    let mut answer = vec![0; BEGINNING];
    let written = upstream.write_all(first).await;
    let read = match written {
        Ok(()) => in_time(upstream.read(&mut answer)).await?,
        Err(error) => Err(error),
    };
    if let Ok(length @ 1..) = read {
        answer.truncate(length);
        return Ok(Some((upstream, answer)));
    }
    drop(upstream);
    let refused = match refusal {
        Some(refusal) => in_time(refusal).await.ok().flatten(),
        None => None,
    };
    match refused {
        Some(why) if !why.is_empty() => Err(Broken::passing(why)),
        _ => match ended(forwarder).await {
            Ok(()) if !is_cancel(first) => {
                Err(Broken::passing("it closed the connection".to_owned()))
            }
            ended => ended.map(|()| None),
        },
    }
}

/// Whether a client begins with the wish to cancel a query: it is answered by nothing, and must not
/// be said again, when it would meet another query.
fn is_cancel(first: &[u8]) -> bool {
    /// As the protocol has it, behind the length.
    const CODE: u32 = 80_877_102;
    first.get(4..8) == Some(&CODE.to_be_bytes())
}

async fn open(pods: &Api<Pod>, pod: &str) -> Result<Portforwarder, Broken> {
    in_time(pods.portforward(pod, &[PORT]))
        .await?
        .map_err(|error| Broken::of(&error))
}

/// Whether the port-forward itself broke.
async fn ended(forwarder: Portforwarder) -> Result<(), Broken> {
    match in_time(forwarder.join()).await {
        Ok(Err(error)) => Err(Broken::passing(chain(&error))),
        Ok(Ok(())) | Err(_) => Ok(()),
    }
}

/// A stream to a pod, for who speaks to it by itself.
pub(super) async fn upstream(pods: &Api<Pod>, pod: &str) -> Result<DuplexStream, Failure> {
    let opened = open(pods, pod).await;
    let stream = opened.map(|mut forwarder| forwarder.take_stream(PORT));
    match stream {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => Err(Failure::new(format!("no stream to pod {pod}")).transient()),
        Err(broken) => {
            let failure = Failure::new(format!("failed to forward to pod {pod}: {}", broken.why));
            Err(failure.class(if broken.for_good {
                Class::Forbidden
            } else {
                Class::Transient
            }))
        }
    }
}

async fn in_time<T>(what: impl Future<Output = T>) -> Result<T, Broken> {
    timeout(ANSWER, what)
        .await
        .map_err(|_| Broken::passing(format!("no answer within {} s", ANSWER.as_secs())))
}

/// Copies both ways until either side ends it, as it may: neither `PostgreSQL` nor its clients close
/// only half of a connection.
async fn join(mut client: TcpStream, upstream: DuplexStream, answer: &[u8]) {
    if client.write_all(answer).await.is_err() {
        return;
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_pod, mut to_pod) = tokio::io::split(upstream);
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_pod) => {}
        _ = tokio::io::copy(&mut from_pod, &mut to_client) => {}
    }
    let _ = to_pod.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_to_cancel_is_told_from_a_wish_for_tls() {
        assert!(is_cancel(&[0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1]));
        assert!(!is_cancel(&[0, 0, 0, 8, 4, 210, 22, 47]));
        assert!(!is_cancel(&[]));
    }
}
