//! Tables are the same bytes wherever they go: into a pipe, a narrow window, without colours.

use crate::ground::{Ground, lasting, told};
use crate::terminal::{self, CTRL_C};

/// What is listed, and how the snapshot is called.
const TABLES: [(&str, &[&str]); 21] = [
    ("list", &["list"]),
    ("list-wide", &["list", "-o", "wide"]),
    ("list-all-namespaces", &["list", "-A", "--name", "accounts"]),
    ("list-no-headers", &["list", "--no-headers"]),
    ("list-show-labels", &["list", "--show-labels"]),
    ("list-name", &["list", "-o", "name"]),
    ("list-filtered", &["list", "--owner-team", "billing"]),
    ("get", &["get", "orders"]),
    ("get-wide", &["get", "orders", "-o", "wide"]),
    ("tree", &["tree", "orders"]),
    ("history", &["history", "orders"]),
    ("list-deleted", &["list", "--deleted"]),
    ("describe", &["describe", "orders"]),
    ("events", &["events", "orders"]),
    ("can-i", &["can-i", "delete", "orders"]),
    ("can-i-list", &["can-i", "--list"]),
    ("diff", &["diff", "orders"]),
    ("diff-file", &["diff", "-f", ORDERS]),
    ("apply", &["apply", "-f", ORDERS, "--dry-run=client"]),
    ("version", &["version"]),
    ("doctor", &["doctor"]),
];

/// The database `orders`, with more storage.
const ORDERS: &str = "suites/words/orders.yaml";

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/tables");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_as_recorded_and_the_same_everywhere() {
    let ground = Ground::of("tables").await;
    ground.create("orders");
    ground.create("a-name-that-is-as-long-as-names-of-databases-become-in-practice");
    ground.create("accounts");
    ground.create("gone");
    let gone = ground.piped(&["delete", "gone", "--yes", "--purge"]);
    assert!(gone.status.success(), "{}", told(&gone));
    for (slug, words) in TABLES {
        let piped = ground.piped(words);
        let shown = lasting(&told(&piped));
        settings().bind(|| insta::assert_snapshot!(slug, shown));
        let table = lasting(&String::from_utf8(piped.stdout).unwrap());
        for columns in [60, 200] {
            let seen = ground.in_window(columns, words);
            let screen = lasting(&seen.screen());
            assert!(
                screen.contains(&table),
                "{words:?} in {columns} columns: {screen:?}, in a pipe: {table:?}"
            );
        }
    }
}

/// Sentences are broken where the window ends; commands are not.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_follows_the_window() {
    let ground = Ground::of("explained").await;
    ground.create("orders");
    let words = ["explain", "orders"];
    let piped = lasting(&told(&ground.piped(&words)));
    settings().bind(|| insta::assert_snapshot!("explain", piped));
    let narrow = lasting(&ground.in_window(60, &words).screen());
    settings().bind(|| insta::assert_snapshot!("explain-60", narrow));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_says_what_happened_to_it() {
    let ground = Ground::of("watched").await;
    ground.create("orders");
    let mut command = ground.plugin(&["list", "--watch", "--output-watch-events"]);
    command.env("TERM", "xterm-256color");
    let mut running = terminal::start(&command, 200);
    let begun = running.until("orders") + &running.until("\n");
    let gone = ground.piped(&["delete", "orders", "--yes", "--purge"]);
    assert!(gone.status.success(), "{}", told(&gone));
    running.until("DELETED ");
    running.keys(CTRL_C);
    running.finish();
    let seen = lasting(&begun.replace("\r\n", "\n"));
    settings().bind(|| insta::assert_snapshot!("list-watch-events", seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_says_so_beside_stdout() {
    let ground = Ground::of("empty").await;
    let lists: [(&str, &[&str]); 4] = [
        ("empty-list", &["list"]),
        ("empty-list-filtered", &["list", "--state", "error"]),
        ("empty-list-deleted", &["list", "--deleted"]),
        ("empty-list-json", &["list", "-o", "json"]),
    ];
    for (slug, words) in lists {
        let shown = lasting(&told(&ground.piped(words)));
        settings().bind(|| insta::assert_snapshot!(slug, shown));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_colour_where_none_is_wanted() {
    let ground = Ground::of("colours").await;
    ground.create("orders");
    let lines: [&[&str]; 4] = [
        &["list"],
        &["list", "--nonsense"],
        &["get", "nothing-there"],
        &["create", "--help"],
    ];
    for words in lines {
        let mut command = ground.plugin(words);
        command.env("TERM", "xterm-256color").env("NO_COLOR", "1");
        let seen = terminal::run(&command, 60);
        assert!(!seen.has_colours(), "{words:?}: {:?}", seen.raw);
        let output = ground.piped(words);
        assert!(!told(&output).contains('\u{1b}'), "{words:?}: {output:?}");
    }
}
