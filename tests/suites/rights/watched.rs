//! What goes on until Ctrl-C: with exactly its rights, and with the role that is shipped, it tells of a
//! change, and without the one to watch it ends and says so.

use std::collections::BTreeSet;

use daap_tests::following::Following;
use daap_tests::place::Place;
use daap_tests::sandbox::User;
use kubectl_daap::{Needs, needs};
use serde_json::json;

use crate::ground::{run_as, sandbox};
use crate::{recorded, roles};

/// A row, and how it is followed.
pub(crate) struct Watched {
    pub(crate) row: &'static str,
    words: &'static [&'static str],
    /// What it tells first, and after the change.
    lines: [&'static str; 2],
}

const VERSIONS: &str = "-ojsonpath={.metadata.name} {.record.version}{\"\\n\"}";
const REASONS: &str = "-ojsonpath={.reason}{\"\\n\"}";

pub(crate) const WATCHED: &[Watched] = &[
    Watched {
        row: "get --watch",
        words: &["get", "seen", "--watch", VERSIONS],
        lines: ["seen 1", "seen 2"],
    },
    Watched {
        row: "list --watch",
        words: &["list", "--watch", VERSIONS],
        lines: ["seen 1", "seen 2"],
    },
    Watched {
        row: "events --watch",
        words: &["events", "seen", "--watch", REASONS],
        lines: ["Before", "After"],
    },
];

fn row(of: &Watched) -> Needs {
    let mut needs = needs().into_iter();
    needs.find(|row| row.command == of.row).unwrap()
}

fn event(place: &Place<'_>, reason: &str) {
    let name = reason.to_lowercase();
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": place.namespace},
        "involvedObject": {"kind": "Cluster", "name": "daap-seen", "namespace": place.namespace},
        "reason": reason, "message": "a test", "type": "Normal",
        "firstTimestamp": "2026-11-21T10:00:00Z", "lastTimestamp": "2026-11-21T10:00:00Z",
    });
    place.kubectl_by(User::Harness, &["create", "-f", "-"], Some(&event));
}

#[tokio::test(flavor = "multi_thread")]
async fn following_takes_exactly_these_rights() {
    let place = Place::of(sandbox().await, "rights-watch").await;
    place.create("seen", &[]);
    event(&place, "Before");
    let mut running = Vec::new();
    let shipped = [false, true];
    let tried = shipped
        .iter()
        .flat_map(|shipped| WATCHED.iter().map(move |case| (case, *shipped)));
    for (number, (case, shipped)) in tried.enumerate() {
        let user = format!("watches-{number}");
        if shipped {
            roles::bind_shipped(&place, &user, false, &[]).await;
        } else {
            roles::give(&place, &user, &row(case).rights, &[]).await;
        }
        let mut plugin = place.sandbox.plugin(User::Harness);
        plugin
            .args(case.words)
            .args(["--as", &user, "-n", place.namespace]);
        let following = Following::start(&plugin);
        following.line(&[case.lines[0]]);
        running.push((case, user, following));
    }
    place.done(&["update", "seen", "--purpose", "changed"]);
    event(&place, "After");
    for (case, user, following) in running {
        following.line(&[case.lines[1]]);
        following.interrupt();
        let known: BTreeSet<String> = row(case).rights.iter().map(recorded::shown).collect();
        let sent = recorded::of(place.sandbox, &user, place.namespace);
        let unknown: Vec<_> = sent.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", case.row);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_watch_is_told_so() {
    let place = Place::of(sandbox().await, "rights-unwatched").await;
    place.create("seen", &["--wait=false"]);
    for (number, case) in WATCHED.iter().enumerate() {
        let user = format!("watches-not-{number}");
        let mut rights = row(case).rights;
        rights.retain(|right| right.verb != "watch" || right.otherwise.is_some());
        roles::give(&place, &user, &rights, &[]).await;
        let ended = run_as(&place, &user, case.words);
        assert_eq!(ended.code, Some(1), "{}: {}", case.row, ended.said);
        assert!(
            ended.said.contains(&format!("{user} may not watch")),
            "{}: {}",
            case.row,
            ended.said
        );
    }
}
