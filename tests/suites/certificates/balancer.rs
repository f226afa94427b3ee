//! What a Service is: one address, behind it every replica that is ready.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Passes each connection to the next replica.
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    pub(crate) replicas: Arc<Mutex<Vec<SocketAddr>>>,
    task: JoinHandle<()>,
}

impl Balancer {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replicas: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let known = Arc::clone(&replicas);
        let task = tokio::spawn(async move {
            let mut turn: usize = 0;
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let next = {
                    let known = known.lock().unwrap();
                    turn += 1;
                    known.get(turn % known.len().max(1)).copied()
                };
                let Some(next) = next else { continue };
                tokio::spawn(async move {
                    if let Ok(mut replica) = TcpStream::connect(next).await {
                        let _ = copy_bidirectional(&mut client, &mut replica).await;
                    }
                });
            }
        });
        Self {
            address,
            replicas,
            task,
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
