//! What asks at a terminal, and somebody who types: the choice of a database, and the confirmation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ground::{Ground, lasting};
use crate::terminal::{self, CTRL_C, Running, Seen};

const ENTER: &str = "\r";
const ESCAPE: &str = "\u{1b}";
const DOWN: &str = "\u{1b}[B";
const CTRL_D: &str = "\u{4}";
const SHOW_CURSOR: &str = "\u{1b}[?25h";

/// Where `books` and `orders` are.
async fn ground(namespace: &'static str) -> Ground {
    let ground = Ground::of(namespace).await;
    ground.create("books");
    ground.create("orders");
    ground
}

impl Ground {
    fn at_terminal(&self, words: &[&str]) -> Running {
        let mut command = self.plugin(words);
        command.env("TERM", "xterm-256color");
        terminal::start(&command, 100)
    }

    fn choosing(&self, words: &[&str]) -> Running {
        let mut running = self.at_terminal(words);
        running.until("Choose a database");
        running.until("orders");
        running
    }

    fn confirming(&self, words: &[&str]) -> Running {
        let mut running = self.at_terminal(words);
        running.until("Type orders to confirm: ");
        running
    }

    fn has_orders(&self) -> bool {
        self.piped(&["get", "orders"]).status.success()
    }
}

fn assert_interrupted(seen: &Seen) {
    assert_eq!(seen.code, Some(130), "{}", seen.raw);
    assert!(seen.screen().contains("error: interrupted"), "{}", seen.raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_names_no_database_chooses_one() {
    let ground = ground("choose").await;
    let mut running = ground.choosing(&["tree"]);
    running.keys(DOWN);
    running.keys(ENTER);
    let seen = running.finish();
    assert_eq!(seen.code, Some(0), "{}", seen.raw);
    let shown = ground.piped(&["tree", "orders"]).stdout;
    let shown = lasting(&String::from_utf8(shown).unwrap());
    assert!(lasting(&seen.screen()).ends_with(&shown), "{}", seen.raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_is_left_by_escape_and_by_ctrl_c() {
    let ground = ground("leave").await;
    let mut running = ground.choosing(&["tree"]);
    running.keys(ESCAPE);
    let seen = running.finish();
    assert_eq!(seen.code, Some(1), "{}", seen.raw);
    assert!(
        seen.screen().contains("error: no database was chosen"),
        "{}",
        seen.raw
    );

    let mut running = ground.choosing(&["tree"]);
    running.keys(CTRL_C);
    let seen = running.finish();
    assert_interrupted(&seen);
    assert!(seen.raw.contains(SHOW_CURSOR), "{:?}", seen.raw);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_name_confirms() {
    let ground = ground("confirm").await;
    for (keys, typed) in [
        ("order\n", "order"),
        ("yes\n", "yes"),
        ("\n", ""),
        (CTRL_D, ""),
    ] {
        let mut running = ground.confirming(&["delete", "orders", "--purge"]);
        running.keys(keys);
        let seen = running.finish();
        assert_eq!(seen.code, Some(1), "{}", seen.raw);
        let said = format!(
            "\nerror: not confirmed: '{typed}' is not 'orders'\nhint: nothing was changed\n"
        );
        assert!(seen.screen().contains(&said), "{:?}", seen.raw);
        assert!(ground.has_orders());
    }
    let mut running = ground.confirming(&["delete", "orders", "--purge"]);
    running.keys("orders\n");
    let seen = running.finish();
    assert_eq!(seen.code, Some(0), "{}", seen.raw);
    assert!(
        seen.screen().contains("database/orders deleted\n"),
        "{}",
        seen.raw
    );
    assert!(!ground.has_orders());
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_at_a_confirmation_changes_nothing_and_says_so() {
    let ground = ground("refuse").await;
    let mut named = ground.confirming(&["delete", "orders", "--purge"]);
    named.keys(CTRL_C);
    // The choice was heard before: what follows it hears Ctrl-C as well.
    let mut chosen = ground.choosing(&["delete", "--purge"]);
    chosen.keys(DOWN);
    chosen.keys(ENTER);
    chosen.until("Type orders to confirm: ");
    chosen.keys(CTRL_C);
    for running in [named, chosen] {
        let seen = running.finish();
        assert_interrupted(&seen);
        let said = "\nerror: interrupted\nhint: nothing was changed\n";
        assert!(seen.screen().contains(said), "{:?}", seen.raw);
        assert!(ground.has_orders());
    }
}

/// Nothing that follows waits for Ctrl-C itself.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_what_follows_a_choice_though_the_api_server_does_not_answer() {
    let ground = ground("silent").await;
    let silent = Arc::new(AtomicBool::new(false));
    let proxy = ground.proxy(Arc::clone(&silent)).await;
    let mut command = ground.plugin(&["tree"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, proxy.kubeconfig()).unwrap();
    command
        .env("TERM", "xterm-256color")
        .env("KUBECONFIG", config);
    let mut running = terminal::start(&command, 100);
    running.until("Choose a database");
    running.until("orders");
    silent.store(true, Ordering::Relaxed);
    running.keys(ENTER);
    // What was chosen is shown once more, with the cursor.
    running.until(SHOW_CURSOR);
    running.keys(CTRL_C);
    let seen = running.finish();
    assert_eq!(seen.code, Some(130), "{}", seen.raw);
}
