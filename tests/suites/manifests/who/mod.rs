//! Who may do what, with everything in force: every kind of write, by everybody, as the API server
//! answers it (server-side dry runs). RBAC allows all of it, so that admission alone decides.
//!
//! The page docs/who-may-do-what.md is what came out:
//! `DAAP_WRITE_DOCS=1 cargo test -p daap-tests --test manifests who_may_do_what_with_the_webhook`.

mod actor;
mod cases;
mod land;
mod outcome;
mod page;
mod twins;

use std::time::Duration;

use daap_tests::ground::{Ground, JSON};
use http::Method;
use serde_json::json;
use tokio::time::{Instant, sleep};

use actor::Actor;
use cases::{Case, Section, managed_only, sections};
use outcome::Outcome;

/// What came of a case, by actor in the order of [`Actor::ALL`].
type Row = (Case, Vec<Outcome>);

async fn tried(ground: &Ground, case: Case) -> Row {
    let mut outcomes = Vec::new();
    for actor in Actor::ALL {
        let caller = actor.caller(&ground.namespace);
        let answer = case.send(ground, &caller).await;
        outcomes.push(Outcome::of(&case, &answer));
    }
    (case, outcomes)
}

async fn rows(ground: &Ground, section: Section) -> (&'static str, Vec<Row>) {
    let mut rows = Vec::new();
    for case in section.cases {
        rows.push(tried(ground, case).await);
    }
    (section.title, rows)
}

/// From now on, and once the API server has noticed.
async fn label_managed_only(ground: &Ground) {
    let namespace = format!("/api/v1/namespaces/{}", ground.namespace);
    let label = json!({"metadata": {"labels": {"daap.dev/managed-only": "true"}}});
    let merge = daap_tests::ground::MERGE;
    let admin = Actor::Administrator.caller(&ground.namespace);
    let (status, answer) = admin
        .send(
            &ground.client,
            Method::PATCH,
            &namespace,
            merge,
            Some(&label),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    let probe = cases::ungoverned("probe");
    let path = format!(
        "{}?dryRun=All",
        daap_tests::ground::CLUSTERS.collection(&ground.namespace)
    );
    let deadline = Instant::now() + crate::ground::LIMIT;
    loop {
        let (status, answer) = admin
            .send(&ground.client, Method::POST, &path, JSON, Some(&probe))
            .await;
        if status >= 400 {
            return;
        }
        assert!(Instant::now() < deadline, "the label is seen: {answer}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what_with_the_webhook() {
    let ground = land::lay("who").await;
    twins::unbind(&ground).await;
    let mut table = Vec::new();
    for section in sections(&ground).await {
        table.push(rows(&ground, section).await);
    }
    label_managed_only(&ground).await;
    table.push(rows(&ground, managed_only()).await);
    let wrong: Vec<String> = { table.iter().flat_map(|(_, rows)| rows) }
        .flat_map(|(case, outcomes)| case.wrong(outcomes))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    page::hold(&page::written(&table));
}
