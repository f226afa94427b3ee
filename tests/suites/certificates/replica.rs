//! One process of the webhook.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use daap_tests::sandbox::{Sandbox, User, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) struct Replica {
    child: Child,
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Replica {
    /// Reads the API server's address from `kubeconfig`, and `policy`.
    pub(crate) async fn start(
        sandbox: &Sandbox,
        name: &str,
        kubeconfig: &Path,
        policy: &Path,
        flags: &[String],
    ) -> Self {
        let mut child = sandbox
            .webhook(User::Webhook)
            .arg("serve")
            .args(["--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0"])
            .args(["--shutdown-delay=1", "--namespace=daap-system"])
            .args(["--pod-name", name, "--policy"])
            .arg(policy)
            .args(flags)
            .env("KUBECONFIG", kubeconfig)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log: Arc<Mutex<Vec<Value>>> = Arc::default();
        let heard = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                heard.lock().unwrap().push(line);
            }
        });
        let serving = wait_for("the replica listens", Duration::from_secs(20), async || {
            let log = log.lock().unwrap();
            Ok(log
                .iter()
                .find(|line| line["message"] == "serving")
                .cloned())
        });
        let serving = serving.await.unwrap();
        let address = |key: &str| serving[key].as_str().unwrap().parse().unwrap();
        Self {
            child,
            name: name.to_owned(),
            address: address("address"),
            metrics: address("metrics"),
            log,
        }
    }

    /// How often it said that.
    pub(crate) fn said(&self, text: &str) -> usize {
        let log = self.log.lock().unwrap();
        let says = |line: &&Value| line["message"] == text || line["stage"] == text;
        log.iter().filter(says).count()
    }

    /// What went wrong, for a message.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let log = self.log.lock().unwrap();
        let bad = log.iter().filter(|line| line["level"] != "INFO");
        bad.map(|line| format!("{}: {line}", self.name)).collect()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.get("/readyz").await;
        answer.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    /// What it counts.
    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics").await.unwrap()
    }

    async fn get(&self, path: &str) -> std::io::Result<String> {
        let mut stream = tokio::net::TcpStream::connect(self.metrics).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// Ends as a pod does that is replaced: it is asked to, and has the time that it needs.
    pub(crate) async fn end(&mut self) {
        self.signal(Signal::TERM);
        let child = Mutex::new(&mut self.child);
        let ended = wait_for("the replica ends", Duration::from_mins(1), async || {
            Ok(child.lock().unwrap().try_wait()?)
        });
        let status = ended.await.unwrap();
        assert!(status.success(), "{}: {status}", self.name);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
