//! How many requests each command sends where nothing goes wrong: no more than it needs.
//!
//! Every request counts: discovery, reviews of rights and dry runs, too. Waiting until a database is
//! ready is left out; what a deletion or a restore waits for in its middle is asked for again and
//! again, and counts once.

use std::fmt::Write as _;

use daap_tests::sandbox::User;
use futures::future::join_all;

use crate::{
    matrix::{prepare, refs, sandbox, say, words},
    place::{Place, Via},
    request::Key,
    table::{CREATED, NAME, OPERATIONS, Operation},
};

/// Commands that wait until the database is ready, unless they are told not to.
const WAITING: [&str; 5] = ["create", "update", "restore", "rollback", "repair"];
/// How often a command is counted anew at most: where the operator has changed the same object just
/// before, the API server answers with a conflict, and the command says it again.
const ATTEMPTS: usize = 5;

/// Commands that are no row of the matrix.
const FURTHER: [Operation; 3] = [
    Operation {
        name: "create --storage",
        before: &[],
        user: User::PaymentsDev,
        words: &[
            "create",
            NAME,
            "--owner-team",
            "payments",
            "--purpose",
            "for a test",
            "--storage",
            "1Gi",
        ],
        again: None,
        variant_of: None,
    },
    Operation {
        name: "get",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["get", NAME],
        again: None,
        variant_of: None,
    },
    Operation {
        name: "list",
        before: &[CREATED],
        user: User::PaymentsDev,
        words: &["list"],
        again: None,
        variant_of: None,
    },
];

/// What each needs at most.
const MOST: [(&str, usize); 11] = [
    // Is there a Cluster? A tombstone? What size is the default? Cluster, Pooler, and that it is done.
    ("create", 6),
    ("create --storage", 5),
    // Cluster, Pooler, its Deployment, the app Secret.
    ("get", 4),
    // A page of each of the same.
    ("list", 4),
    // Both; the volumes and their class, which may not grow; the Cluster.
    ("update", 5),
    // Both, and both.
    ("update team", 4),
    ("rollback", 4),
    // Whether the command may be what is asked for; both and the tombstones; the Pooler.
    ("repair", 5),
    // Whether the caller owns the other team; both; the Cluster; the four of `get`, to be sure.
    ("transfer offer", 8),
    // Both; Cluster, Pooler, and that it is done; the four of `get`.
    ("transfer accept", 9),
    ("transfer cancel", 7),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_sends_more_requests_than_it_needs() {
    let place = Place::make(sandbox().await, "counted").await;
    let operations: Vec<&Operation> = OPERATIONS.iter().chain(&FURTHER).collect();
    let counted = operations.iter().enumerate();
    let counted = counted.map(|(number, operation)| count(&place, operation, number));
    let counted = join_all(counted).await;
    let mut report = format!("\n{:<18} {:>8} {:>10}\n", "command", "requests", "at most");
    let mut too_many = Vec::new();
    for (operation, sent) in operations.iter().zip(&counted) {
        let requests = sent.len();
        let most = MOST.iter().find(|(name, _)| *name == operation.name);
        let limit = most.map_or_else(|| "-".to_owned(), |(_, most)| most.to_string());
        writeln!(report, "{:<18} {requests:>8} {limit:>10}", operation.name).unwrap();
        if most.is_some_and(|(_, most)| requests > *most) {
            let lines: Vec<String> = sent.iter().map(|key| format!("  {key}")).collect();
            too_many.push(format!("{}:\n{}", operation.name, lines.join("\n")));
        }
    }
    say(&report);
    assert!(too_many.is_empty(), "too many:\n{}", too_many.join("\n"));
    for (name, _) in MOST {
        let known = operations.iter().any(|operation| operation.name == name);
        assert!(known, "nothing is called {name}");
    }
}

/// What the operation sends. A read that is repeated while something is waited for counts once.
async fn count(place: &Place, operation: &Operation, number: usize) -> Vec<Key> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let database = format!("c{number:05}-{attempt}");
        prepare(place, operation, &database).await.unwrap();
        let (proxy, strikes) = place.proxy(operation.user, &database, None).await;
        let mut words = words(operation.words, &database);
        if WAITING.contains(&operation.words[0]) {
            words.push("--wait=false".to_owned());
        }
        let via = Via::Through(&proxy, strikes);
        let outcome = place.plugin(operation.user, &refs(&words), via).await;
        assert!(outcome.is_done(), "{}: {outcome:?}", operation.name);
        place.clear(&place.world(&database).await).await;
        if proxy.has_met_conflict() && attempt < ATTEMPTS {
            continue;
        }
        let mut sent = proxy.requests();
        if !MOST.iter().any(|(name, _)| *name == operation.name) {
            sent.retain(|key| !key.what.starts_with("GET ") || key.occurrence == 1);
        }
        return sent;
    }
}
