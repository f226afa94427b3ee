//! A local port that leads to a pooler's pod, through the API server.

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::database::PORT;
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, explain};
use crate::output::stderr_line;

/// A listening port; closed when dropped.
pub(super) struct Forward {
    port: u16,
    task: JoinHandle<()>,
}

impl Forward {
    /// Forwards a free local port to a pod of the pooler.
    pub(super) async fn to_pooler(k8s: &Kubernetes, pooler: &str) -> Result<Self, Failure> {
        let selector = format!("{}={pooler}", cnpg::POOLER_NAME);
        let pods = k8s.list(Kind::Pod, &selector).await?;
        let pod = pods
            .iter()
            .map(View)
            .find(|pod| is_ready(*pod))
            .map(|pod| pod.name().to_owned())
            .ok_or_else(|| {
                Failure::new(format!(
                    "no pod of pooler {pooler} is ready in namespace {}",
                    k8s.namespace()
                ))
                .hint(format!(
                    "look at them: kubectl get pods -l {selector} -n {}",
                    k8s.namespace()
                ))
            })?;
        let failed = |error: std::io::Error| {
            Failure::new(format!("failed to listen on a local port: {error}"))
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let pods = Api::<Pod>::namespaced(k8s.client(), k8s.namespace());
        Ok(Self {
            port,
            task: tokio::spawn(serve(listener, pods, pod)),
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, pods: Api<Pod>, pod: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (pods, pod) = (pods.clone(), pod.clone());
        tokio::spawn(async move {
            if let Err(error) = carry(stream, &pods, &pod).await {
                stderr_line(&format!("error: failed to forward to pod {pod}: {error}"));
            }
        });
    }
}

async fn carry(mut stream: TcpStream, pods: &Api<Pod>, pod: &str) -> Result<(), String> {
    let mut forwarder = pods
        .portforward(pod, &[PORT])
        .await
        .map_err(|error| explain(&error))?;
    let refused = forwarder.take_error(PORT);
    if let Some(mut upstream) = forwarder.take_stream(PORT) {
        // Either side ends a connection as it likes: that is no failure of the forward.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
    }
    drop(forwarder);
    match refused {
        Some(refused) => match refused.await {
            Some(message) if !message.is_empty() => Err(message),
            _ => Ok(()),
        },
        None => Ok(()),
    }
}

fn is_ready(pod: View<'_>) -> bool {
    !pod.is_being_deleted()
        && pod
            .at("/status/conditions")
            .and_then(Value::as_array)
            .is_some_and(|conditions| {
                conditions.iter().map(View).any(|condition| {
                    condition.text("/type") == Some("Ready")
                        && condition.text("/status") == Some("True")
                })
            })
}
