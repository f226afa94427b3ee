//! The program itself: its arguments, its files, its signals, its log.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use http::StatusCode;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::clients::send;
use crate::webhook::{JSON, UID, client, creation_by, issue, post, ready, response_of};

/// An API server that cannot be reached.
const KUBECONFIG: &str = "
apiVersion: v1
kind: Config
current-context: away
clusters: [{name: away, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: away, context: {cluster: away, user: webhook}}]
users: [{name: webhook, user: {token: t}}]
";

/// The program of this build, or the one that `DAAP_WEBHOOK` names: what is shipped, say.
pub(crate) fn command() -> Command {
    let built = env!("CARGO_BIN_EXE_daap-webhook").into();
    Command::new(std::env::var_os("DAAP_WEBHOOK").unwrap_or(built))
}

/// The program, and what it logs.
pub(crate) struct Program {
    child: Child,
    log: Receiver<Value>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    /// Metrics and health, in plain.
    pub(crate) plain: SocketAddr,
    authority: Vec<u8>,
    pub(crate) client: kube::Client,
}

impl Program {
    pub(crate) fn serve(shutdown_delay: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = issue(folder.path());
        std::fs::write(folder.path().join("policy.yaml"), "{}").unwrap();
        std::fs::write(folder.path().join("kubeconfig"), KUBECONFIG).unwrap();
        let mut child = serve(folder.path(), shutdown_delay).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (said, log) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("every line is JSON");
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        let serving = said_of(&log, "serving");
        let address = serving["address"].as_str().unwrap().parse().unwrap();
        let plain = serving["metrics"].as_str().unwrap().parse().unwrap();
        let client = client(address, &authority);
        Self {
            child,
            log,
            folder,
            address,
            plain,
            authority,
            client,
        }
    }

    fn signal(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Path, shutdown_delay: u64) -> Command {
    let mut command = command();
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(["--metrics-listen", "127.0.0.1:0", "--shutdown-delay"])
        .arg(shutdown_delay.to_string())
        .args([Path::new("--tls-cert"), &folder.join("tls.crt")])
        .args([Path::new("--tls-key"), &folder.join("tls.key")])
        .args([Path::new("--policy"), &folder.join("policy.yaml")])
        .env("KUBECONFIG", folder.join("kubeconfig"))
        .env_remove("RUST_LOG")
        // As the Deployment has it.
        .env("MIMALLOC_PURGE_DELAY", "10")
        .stderr(Stdio::piped());
    command
}

/// The next line with that message.
pub(crate) fn said_of(log: &Receiver<Value>, message: &str) -> Value {
    loop {
        let line = log.recv_timeout(Duration::from_secs(20));
        let line = line.unwrap_or_else(|_| panic!("no '{message}' in the log"));
        if line["message"] == message {
            return line;
        }
    }
}

#[tokio::test]
async fn a_signal_fails_readiness_and_ends_it_after_a_while() {
    let mut program = Program::serve(1);
    assert_eq!(ready(&program.client).await.unwrap(), StatusCode::OK);
    program.signal();
    said_of(&program.log, "ending");
    let unready = ready(&program.client).await.unwrap();
    assert_eq!(unready, StatusCode::SERVICE_UNAVAILABLE);
    said_of(&program.log, "ended");
    assert!(program.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut program = Program::serve(600);
    program.signal();
    said_of(&program.log, "ending");
    program.signal();
    said_of(&program.log, "ended");
    assert!(program.child.wait().unwrap().success());
}

#[tokio::test]
async fn the_log_says_who_and_what_but_never_an_object() {
    let program = Program::serve(0);
    let review = creation_by("payments-dev").to_string().into_bytes();
    let (_, text) = post(&program.client, "/validate", JSON, review)
        .await
        .unwrap();
    let response = response_of(&text);
    assert_eq!(response["status"]["code"], 503, "{text}");
    assert!(text.contains("Connection refused"), "the cause: {text}");
    let line = said_of(&program.log, "reviewed");
    for (key, expected) in [
        ("level", "ERROR"),
        ("uid", UID),
        ("half", "validate"),
        ("operation", "CREATE"),
        ("resource", "clusters"),
        ("namespace", "apps"),
        ("name", "daap-shop"),
        ("user", "payments-dev"),
        ("verdict", "failed"),
    ] {
        assert_eq!(line[key], expected, "{line}");
    }
    assert!(line["micros"].is_u64());
    assert!(!line.to_string().contains("a shop"), "{line}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_leaves_its_memory_bounded() {
    let program = Program::serve(0);
    let half_open: Vec<_> = (0..500)
        .map(|_| TcpStream::connect(program.address).unwrap())
        .collect();
    let hundred_megabytes = 100 * 1000 * 1000;
    let floods: Vec<_> = [(hundred_megabytes, hundred_megabytes); 4]
        .into_iter()
        .chain([(7_000_000, 6_900_000); 8])
        .map(|(announced, sent)| send(program.address, &program.authority, announced, sent))
        .collect();
    // Reviews that are all values, as many as are decided at once, small ones and large ones.
    let heavy = |values: usize| {
        let mut review = creation_by("payments-dev");
        let keys = (0..values).map(|key| (key.to_string(), Value::from("")));
        review["request"]["object"]["metadata"]["annotations"] = Value::Object(keys.collect());
        review.to_string().into_bytes()
    };
    let sizes = [1_000, 20_000, 45_000, 600_000];
    let heavy = sizes.map(heavy);
    let heavy = (0..64).map(|nth| {
        let (client, body) = (
            client(program.address, &program.authority),
            heavy[nth % 4].clone(),
        );
        async move {
            post(&client, "/mutate", JSON, body)
                .await
                .map(|(status, _)| status)
        }
    });
    let answers = futures::future::join_all(heavy).await;
    for (nth, answer) in answers.iter().enumerate() {
        let status = *answer.as_ref().unwrap();
        let is_late =
            [StatusCode::SERVICE_UNAVAILABLE, StatusCode::REQUEST_TIMEOUT].contains(&status);
        let is_right = match sizes[nth % sizes.len()] {
            // What waits for no memory is decided, whatever else comes in.
            1_000 => status == StatusCode::OK,
            600_000 => status == StatusCode::PAYLOAD_TOO_LARGE || is_late,
            _ => status == StatusCode::OK || is_late,
        };
        assert!(is_right, "{nth}: {answers:?}");
    }
    let is_decided = |answer: &&kube::Result<_>| matches!(answer, Ok(StatusCode::OK));
    println!(
        "{} of 64 decided",
        answers.iter().filter(is_decided).count()
    );
    for flood in floods {
        flood.await.unwrap();
    }
    drop(half_open);
    assert_eq!(ready(&program.client).await.unwrap(), StatusCode::OK);
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = most
        .and_then(|most| most.trim().strip_suffix(" kB")?.parse().ok())
        .unwrap();
    println!("{kib} KiB at most");
    // What is not optimized is some 20 MiB larger itself, all of which counts.
    let is_shipped = std::env::var_os("DAAP_WEBHOOK").is_some();
    let most = if is_shipped { 64 } else { 88 };
    assert!(kib < most * 1024, "{kib} KiB at most");
}

#[tokio::test]
async fn files_are_read_again_and_a_bad_one_is_said_once() {
    let mut program = Program::serve(0);
    let policy = program.folder.path().join("policy.yaml");
    std::fs::write(&policy, "nonsense: 1").unwrap();
    let line = said_of(&program.log, "not reloaded, the last good one stays");
    assert_eq!(line["what"], "policy");
    assert!(
        line["error"].as_str().unwrap().contains("nonsense"),
        "{line}"
    );
    std::fs::write(&policy, "retentionDays: 3").unwrap();
    assert_eq!(said_of(&program.log, "reloaded")["what"], "policy");
    assert_eq!(ready(&program.client).await.unwrap(), StatusCode::OK);
    // Both files are not written at once: half a pair may be said first.
    issue(program.folder.path());
    assert_eq!(said_of(&program.log, "reloaded")["what"], "certificate");
    assert_eq!(
        ready(&program.client).await.unwrap(),
        StatusCode::OK,
        "a kept connection goes on"
    );
    assert!(program.child.try_wait().unwrap().is_none(), "it runs on");
}

#[rstest]
#[case::unknown_key("nonsense: 1", "nonsense")]
#[case::impossible("limits: {instances: {min: 5, max: 1}}", "limits.instances")]
#[case::no_yaml("{", "policy.yaml")]
fn a_bad_policy_stops_the_start(#[case] policy: &str, #[case] named: &str) {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, policy).unwrap();
    std::fs::write(folder.path().join("kubeconfig"), KUBECONFIG).unwrap();
    let checked = command().arg("check-policy").arg(&file).output().unwrap();
    for output in [serve(folder.path(), 0).output().unwrap(), checked] {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains("policy.yaml") && said.contains(named),
            "{said}"
        );
    }
}

#[test]
fn a_good_policy_is_said_to_be_good() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, "retentionDays: 3").unwrap();
    let output = command().arg("check-policy").arg(&file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn the_policy_of_the_manifests_is_good() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/base/policy.yaml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    // The value of the ConfigMap's only key, a block scalar.
    let (_, policy) = manifest.split_once("policy.yaml: |\n").unwrap();
    let lines = policy.lines();
    let lines: Vec<&str> = lines
        .map(|line| line.strip_prefix("    ").unwrap_or_default())
        .collect();
    let policy = lines.join("\n");
    assert!(!policy.trim().is_empty());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), policy).unwrap();
    let output = command()
        .arg("check-policy")
        .arg(file.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
