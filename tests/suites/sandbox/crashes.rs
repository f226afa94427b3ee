//! Nothing outlives a sandbox, whoever is killed.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use daap_tests::sandbox::{Sandbox, SandboxOptions, process::OWNER_VARIABLE};

use crate::leftovers::{Ground, kill, processes_of, wait_until};

#[test]
fn of_a_starter_that_is_killed_half_way_down_leaves_nothing() {
    let ground = Ground::new();
    let mut starter = ground
        .command(&["up", "--no-webhook", "--no-operator"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let etcd = ground.folder.join("default/etcd/data");
    wait_until("etcd starts", || etcd.exists());
    starter.kill().unwrap();
    starter.wait().unwrap();
    ground.run(&["down"]);
    ground.expect_nothing_left();
}

#[test]
fn a_supervisor_that_is_killed_leaves_nothing_by_itself() {
    let ground = Ground::new();
    ground.up("one");
    assert!(!processes_of(&ground.folder).is_empty());
    kill(ground.supervisor("one"));
    ground.expect_nothing_left();
}

#[test]
fn what_a_crash_of_the_machine_left_is_swept_by_the_next_up() {
    let ground = Ground::new();
    let left = ground.folder.join("left");
    fs::create_dir_all(left.join("etcd/data")).unwrap();
    let mut orphan = Command::new("sleep")
        .arg("600")
        .env(OWNER_VARIABLE, &left)
        .spawn()
        .unwrap();
    ground.up("one");
    assert!(!left.exists());
    // Killed, not ended: the minutes are not over.
    assert!(!orphan.wait().unwrap().success());
    ground.run(&["down", "--name", "one"]);
    ground.expect_nothing_left();
}

/// Not a test: the process that is killed in the tests below.
#[test]
#[ignore = "started by the tests of this file"]
fn holds_a_sandbox() {
    if env::var_os("DAAP_SANDBOX_HELD").is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let sandbox = Sandbox::start_with(SandboxOptions::bare()).await.unwrap();
        eprintln!(
            "holds {} {}",
            sandbox.supervisor_pid(),
            sandbox.folder().display()
        );
        std::future::pending::<()>().await;
    });
}

/// Starts a suite that holds a sandbox; returns the suite, its supervisor and its folder.
fn suite(ground: &Ground) -> (Child, u32, PathBuf) {
    let mut suite = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "crashes::holds_a_sandbox",
            "--ignored",
            "--nocapture",
        ])
        .env("DAAP_SANDBOX_DIR", &ground.folder)
        .env("DAAP_SANDBOX_HELD", "yes")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(suite.stderr.take().unwrap());
    let mut lines = stderr.lines().map_while(Result::ok);
    let line = lines.find(|line| line.starts_with("holds ")).unwrap();
    let mut words = line.splitn(3, ' ').skip(1);
    let supervisor = words.next().unwrap().parse().unwrap();
    (suite, supervisor, PathBuf::from(words.next().unwrap()))
}

#[test]
fn a_suite_that_is_killed_leaves_nothing() {
    let ground = Ground::new();
    let (mut suite, _, folder) = suite(&ground);
    assert!(folder.join("kubeconfig").exists());
    suite.kill().unwrap();
    suite.wait().unwrap();
    ground.expect_nothing_left();
}

#[test]
fn a_suite_and_its_supervisor_killed_together_leave_nothing() {
    let ground = Ground::new();
    let (mut suite, supervisor, _) = suite(&ground);
    kill(supervisor);
    suite.kill().unwrap();
    suite.wait().unwrap();
    ground.expect_nothing_left();
}
