//! What an operation is doing, and how long each phase took: live on a terminal, in lines without
//! one.

use daap_tests::place::run;

use crate::ground::{Ground, lasting, told};
use crate::terminal;

const CREATE: [&str; 8] = [
    "create",
    "orders",
    "--owner-team",
    "payments",
    "--purpose",
    "order intake",
    "--timeout",
    "3s",
];

/// What stays on a screen and what goes into a pipe, where times differ and nothing else.
fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/progress");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_each_phase_is_a_line_and_the_times_come_last() {
    let ground = Ground::of("progress-piped").await;
    let output = ground.piped(&CREATE);
    settings().bind(|| insta::assert_snapshot!("piped", lasting(&told(&output))));
    // A terminal that cannot write a line anew is none.
    let ground = Ground::of("progress-dumb").await;
    let mut command = ground.plugin(&CREATE);
    command.env("TERM", "dumb");
    let seen = terminal::run(&command, 60);
    assert!(!seen.raw.contains('\u{1b}'), "{:?}", seen.raw);
    assert!(
        seen.raw
            .contains("database/orders: creating the cluster\r\n")
    );
    assert_eq!(seen.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_what_is_done_stays_with_its_time() {
    let ground = Ground::of("progress-live").await;
    let mut command = ground.plugin(&CREATE);
    command.env("TERM", "xterm-256color").env("NO_COLOR", "1");
    let seen = terminal::run(&command, 60);
    assert_eq!(seen.code, Some(1), "{}", seen.raw);
    let live = seen.raw.split("error:").next().unwrap();
    assert!(
        live.contains("waiting for CloudNativePG's operator"),
        "{live:?}"
    );
    assert!(!seen.has_colours(), "{:?}", seen.raw);
    for line in live.split(['\r', '\n']).filter(|line| line.contains('⠋')) {
        assert!(line.chars().count() <= 80, "the live line is cut: {line:?}");
    }
    settings().bind(|| insta::assert_snapshot!("live", lasting(&seen.screen())));
}

#[tokio::test(flavor = "multi_thread")]
async fn stdout_has_the_result_and_nothing_else() {
    let ground = Ground::of("progress-last").await;
    let steps: [(&str, &[&str]); 7] = [
        (
            "last-create",
            &[
                "create",
                "orders",
                "--owner-team",
                "payments",
                "--purpose",
                "order intake",
                "--wait=false",
            ],
        ),
        (
            "last-update",
            &["update", "orders", "--purpose", "orders and returns"],
        ),
        (
            "last-update-again",
            &["update", "orders", "--purpose", "orders and returns"],
        ),
        ("last-rollback", &["rollback", "orders", "--to", "1"]),
        ("last-transfer", &["transfer", "orders", "--to", "billing"]),
        ("last-transfer-cancel", &["transfer", "orders", "--cancel"]),
        ("last-delete", &["delete", "orders", "--yes", "--purge"]),
    ];
    for (slug, words) in steps {
        let output = run(&mut ground.plugin(words), None);
        // Whether it waited, and took so long that it says so, is the machine's.
        let is_lasting = |line: &&str| !line.contains(": took ") && !line.contains(": waiting ");
        let shown = told(&output);
        let shown: Vec<&str> = shown.lines().filter(is_lasting).collect();
        settings().bind(|| insta::assert_snapshot!(slug, lasting(&shown.join("\n"))));
    }
}
