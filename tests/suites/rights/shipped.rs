//! The roles that are shipped, beside the table: `daap-user` gives what every command needs, and what
//! it leaves out is named here.

use std::collections::BTreeSet;
use std::path::Path;

use daap_tests::place::Place;
use futures::StreamExt as _;
use kubectl_daap::{NeededIn, NeededRight, needs};
use serde_json::Value;

use crate::before::{Before, make_shared};
use crate::cases::{CASES, Case, words};
use crate::ground::{run_as, sandbox};
use crate::roles;
use crate::tried::{is_alone, short};

/// Commands that are tried at once.
const AT_ONCE: usize = 3;

/// What `daap-user` leaves out: deleting any pod of the namespace is the business of whoever runs it,
/// and `restore --image` says which one is in its way.
const KEPT_FROM_USERS: &[&str] = &["delete pods"];

/// What is beyond the namespace and not everybody's: it tells of other tenants, or of how the platform
/// is defended.
const KEPT_FROM_EVERYBODY: &[&str] = &[
    "list deployments",
    "get deployments",
    "get persistentvolumes",
    "get mutatingwebhookconfigurations",
    "list validatingadmissionpolicies",
    "list validatingadmissionpolicybindings",
    "list endpointslices",
    "list storageclasses",
];

/// What a role of `manifests/base` grants, as `verb group/resource`.
fn granted(file: &str, name: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests/base");
    let text = std::fs::read_to_string(path.join(file)).unwrap();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let role = documents.iter().find(|one| {
        one["kind"].as_str().unwrap().ends_with("Role") && one["metadata"]["name"] == name
    });
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let mut granted = BTreeSet::new();
    for rule in role.unwrap()["rules"].as_array().unwrap() {
        for verb in words(&rule["verbs"]) {
            for group in words(&rule["apiGroups"]) {
                let resources = words(&rule["resources"]).into_iter();
                granted.extend(resources.map(|resource| format!("{verb} {group}/{resource}")));
            }
        }
    }
    granted
}

fn full(right: &NeededRight) -> String {
    format!("{} {}/{}", right.verb, right.group, right.resource)
}

/// Rights of the table in that part of it, which a role does not give.
fn beyond(role: &BTreeSet<String>, is_meant: impl Fn(&NeededRight) -> bool) -> Vec<NeededRight> {
    let rights = needs().into_iter().flat_map(|row| row.rights);
    rights
        .filter(|right| is_meant(right) && !role.contains(&full(right)))
        .collect()
}

fn names(rights: &[NeededRight]) -> BTreeSet<String> {
    rights.iter().map(short).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn daap_user_has_all_of_the_table_but_what_is_named() {
    let user = granted("user-roles.yaml", "daap-user");
    let missing = beyond(&user, |right| right.place == NeededIn::Namespace);
    assert_eq!(names(&missing), set(KEPT_FROM_USERS));
    assert!(missing.iter().all(|right| right.otherwise.is_some()));

    let mut everybody = granted("discovery.yaml", "daap-discovery");
    everybody.extend(granted("discovery.yaml", "daap-policy"));
    let missing = beyond(&everybody, |right| right.place != NeededIn::Namespace);
    assert_eq!(names(&missing), set(KEPT_FROM_EVERYBODY));
    assert!(missing.iter().all(|right| right.otherwise.is_some()));
}

#[test]
fn daap_viewer_has_what_reading_takes_without_secrets() {
    let viewer = granted("user-roles.yaml", "daap-viewer");
    for row in needs().iter().filter(|row| !row.owner) {
        let required = { row.rights.iter() }.filter(|right| right.otherwise.is_none());
        let missing: BTreeSet<String> = required
            .filter(|right| !viewer.contains(&full(right)))
            .map(short)
            .collect();
        // Who may not log in to a database has no need to reach it.
        assert!(
            missing.is_empty() || missing.contains("get secrets"),
            "{}: {missing:?}",
            row.command
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_daap_user_every_command_works() {
    let sandbox = sandbox().await;
    let place = Place::of(sandbox, "rights-shipped").await;
    let alone = Place::of(sandbox, "rights-shipped-all").await;
    make_shared(&place).await;
    let tried = CASES.iter().enumerate().map(|(number, case)| {
        let place = if is_alone(case) { &alone } else { &place };
        try_case(place, number, case)
    });
    let problems: Vec<Option<String>> = futures::stream::iter(tried)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let problems: Vec<String> = problems.into_iter().flatten().collect();
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// Tries one case with the role that is shipped; what is wrong.
async fn try_case(place: &Place<'_>, number: usize, case: &Case) -> Option<String> {
    let (user, name) = (format!("shipped-{number}"), format!("s{number}"));
    roles::bind_shipped(place, &user, case.everywhere, case.teams).await;
    let folder = tempfile::tempdir().unwrap();
    let words = words(case, &name, folder.path());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = tokio::task::block_in_place(|| {
        if case.before != Before::Shared {
            case.before.make(place, &name);
        }
        run_as(place, &user, &words)
    });
    let as_meant = ended.code.is_some_and(|code| case.codes.contains(&code));
    (!as_meant).then(|| format!("{words:?} ended with {:?}: {}", ended.code, ended.said))
}
