//! A local port that leads to a pooler, through the API server.
//!
//! Every connection has a port-forward of its own, to a pod that is ready when it is made: what
//! listens here outlives pods and networks.

mod aim;
mod carry;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::failure::Failure;
use crate::kubernetes::Kubernetes;
use aim::Aim;

/// A listening port. It closes, with every connection through it, when this is dropped.
pub(crate) struct Forward {
    address: SocketAddr,
    pod: String,
    tasks: Vec<JoinHandle<()>>,
}

impl Forward {
    /// Listens on `at`; port 0 is a free one. `subject` begins what is said of every change; where
    /// there is none, only connections that fail are told of.
    ///
    /// # Errors
    /// The port is taken, or no pod of the pooler is ready.
    pub(crate) async fn to_pooler(
        k8s: &Kubernetes,
        pooler: &str,
        at: SocketAddr,
        subject: Option<String>,
    ) -> Result<Self, Failure> {
        let listener = TcpListener::bind(at)
            .await
            .map_err(|error| cannot_listen(at, &error))?;
        let address = listener
            .local_addr()
            .map_err(|error| cannot_listen(at, &error))?;
        let follows = subject.is_some();
        let aim = Arc::new(Aim::new(k8s, pooler, subject));
        let pod = aim.pod().await?;
        let mut tasks = vec![tokio::spawn(accept(listener, aim.clone()))];
        if follows {
            tasks.push(tokio::spawn(aim.follow()));
        }
        Ok(Self {
            address,
            pod,
            tasks,
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The pod that connections went to in the beginning.
    pub(crate) fn pod(&self) -> &str {
        &self.pod
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A stream to a pod of the pooler, for who speaks to it by itself.
///
/// # Errors
/// No pod is ready, or the API server does not forward to it. It may pass.
pub(crate) async fn stream(k8s: &Kubernetes, pooler: &str) -> Result<DuplexStream, Failure> {
    let aim = Aim::new(k8s, pooler, None);
    let pod = aim.pod().await?;
    carry::upstream(&aim.pods(), &pod).await
}

fn cannot_listen(at: SocketAddr, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::AddrInUse => Failure::new(format!("--port: {at} is taken by another program"))
            .hint("choose another, or leave --port out: a free one is found"),
        ErrorKind::PermissionDenied => Failure::new(format!(
            "--port: {} may only be listened on by an administrator",
            at.port()
        ))
        .hint("choose one above 1023, or leave --port out: a free one is found"),
        ErrorKind::AddrNotAvailable => Failure::new(format!(
            "--address: {} is no address of this machine",
            at.ip()
        ))
        .hint("leave it out to listen on 127.0.0.1"),
        _ => Failure::new(format!("failed to listen on {at}: {error}")),
    }
}

/// Takes connections for as long as it is not aborted; then those that are open end as well.
async fn accept(listener: TcpListener, aim: Arc<Aim>) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    open.spawn(carry::carry(client, aim.clone()));
                }
                // Too many open files, most likely: it passes when connections end.
                Err(_) => tokio::time::sleep(aim::FIRST_PAUSE).await,
            },
            Some(_) = open.join_next() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let at = taken.local_addr().unwrap();
        let k8s = crate::kubernetes::fake::Fake::default().connect();
        let failure = Forward::to_pooler(&k8s, "p", at, None).await.err().unwrap();
        assert_eq!(
            failure.to_string(),
            format!("--port: {at} is taken by another program")
        );
    }
}
