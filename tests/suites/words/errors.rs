//! Errors as they come from a real API server: message, fields, what to type next, exit status.

use crate::ground::{Ground, lasting, told};

/// What is typed wrong, and how the snapshot is called.
const WRONG: [(&str, &[&str]); 27] = [
    ("no-such-command", &["crate", "orders"]),
    ("no-such-flag", &["list", "--onwer-team", "payments"]),
    ("no-such-format", &["list", "-o", "xml"]),
    ("nothing-given", &["update", "orders"]),
    (
        "bad-fields",
        &[
            "create",
            "Orders_",
            "--owner-team",
            "No Team",
            "--storage",
            "1X",
        ],
    ),
    ("not-found", &["get", "nothing-there"]),
    ("not-ready", &["credentials", "orders"]),
    ("not-confirmed", &["delete", "orders"]),
    (
        "not-mine",
        &[
            "create",
            "invoices",
            "--owner-team",
            "billing",
            "--purpose",
            "invoices",
        ],
    ),
    (
        "exists",
        &[
            "create",
            "orders",
            "--owner-team",
            "payments",
            "--purpose",
            "order intake",
            "--id",
            "67e55044-10b1-426f-9247-bb680e5fe0c8",
        ],
    ),
    ("no-offer", &["transfer", "orders", "--accept"]),
    ("no-version", &["rollback", "orders", "--to", "9"]),
    ("nothing-deleted", &["restore", "orders"]),
    ("nothing-kept", &["purge", "nothing-there", "--yes"]),
    ("connect-not-ready", &["connect", "orders"]),
    ("connect-without-dashes", &["connect", "orders", "mydb"]),
    ("proxy-not-ready", &["proxy", "orders"]),
    ("explain-not-found", &["explain", "nothing-there"]),
    (
        "apply-without-file",
        &["apply", "-f", "/nothing/there.yaml"],
    ),
    ("can-i-no-verb", &["can-i", "fly", "orders"]),
    ("repair-not-found", &["repair", "nothing-there"]),
    ("rotate-after-name", &["credentials", "orders", "rotate"]),
    ("tree-watched", &["get", "orders", "-o", "tree", "-w"]),
    (
        "tree-deleted",
        &["get", "orders", "-o", "tree", "--deleted"],
    ),
    ("deleted-watched", &["get", "orders", "--deleted", "-w"]),
    ("no-context", &["list", "--context", "nowhere"]),
    ("unreachable", &["list", "--server", "https://127.0.0.1:1"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn errors_are_as_recorded() {
    let ground = Ground::of("errors").await;
    ground.create("orders");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/errors");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (slug, words) in WRONG {
        let output = ground.piped(words);
        assert!(!output.status.success(), "{words:?}: {}", told(&output));
        settings.bind(|| insta::assert_snapshot!(slug, lasting(&told(&output))));
    }
}
