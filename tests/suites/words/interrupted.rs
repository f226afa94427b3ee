//! Ctrl-C during a wait: the work goes on, and the user is told what to type.

use rustix::process::{Pid, Signal, kill_process};

use crate::ground::{Ground, told};
use crate::terminal;

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_says_that_the_work_goes_on_and_what_to_type() {
    let ground = Ground::of("ctrl-c").await;
    let words = [
        "create",
        "orders",
        "--owner-team",
        "payments",
        "--purpose",
        "order intake",
    ];
    let mut command = ground.plugin(&words);
    command.env("TERM", "xterm-256color");
    let mut running = terminal::start(command, 80);
    running.until("waiting for CloudNativePG's operator");
    // kubectl has become the plugin: the process is the same.
    let pid = Pid::from_raw(i32::try_from(running.child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let seen = running.finish();
    assert_eq!(seen.code, Some(130), "{}", seen.raw);
    let screen = seen.screen();
    for part in [
        "error: interrupted: waiting for CloudNativePG's operator",
        "it goes on in the cluster; follow it with: kubectl daap get orders -n ctrl-c",
    ] {
        assert!(screen.contains(part), "'{part}' is not in {screen}");
    }
    // What it says works.
    let output = ground.piped(&["get", "orders"]);
    assert!(output.status.success(), "{}", told(&output));
    assert!(told(&output).contains("provisioning"), "{}", told(&output));
}
