//! `review`: a platform team's tests of its own policy.

use std::process::{Output, Stdio};

use rstest::rstest;
use serde_json::Value;

use crate::program::command;
use crate::webhook::{UID, creation_by, forget_unknown, patched, review_of, shop};

const FACTS: &str = "
grants:
  - {user: payments-dev, teams: [payments], namespaces: [apps]}
  - {group: platform, teams: ['*'], administrator: true}
objects:
  - {apiVersion: v1, kind: Secret, metadata: {name: daap-taken-app, namespace: apps}}
";

struct Files(tempfile::TempDir);

impl Files {
    fn new(policy: &str, facts: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yaml"), policy).unwrap();
        std::fs::write(folder.path().join("facts.yaml"), facts).unwrap();
        Self(folder)
    }

    fn decide(&self, review: &str, more: &[&str]) -> Output {
        let file = self.0.path().join("review.json");
        std::fs::write(&file, review).unwrap();
        let path = |name: &str| self.0.path().join(name);
        command()
            .arg("review")
            .arg(&file)
            .arg("--policy")
            .arg(path("policy.yaml"))
            .arg("--facts")
            .arg(path("facts.yaml"))
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

fn response(output: &Output) -> Value {
    let review: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(review["response"]["uid"], UID);
    review["response"].clone()
}

/// The final object of a creation by `user`.
fn completed(files: &Files, user: &str) -> Value {
    let review = creation_by(user).to_string();
    let mutated = files.decide(&review, &["--half", "mutate"]);
    assert_eq!(mutated.status.code(), Some(0), "{mutated:?}");
    let mut completed = patched(shop(), &response(&mutated));
    forget_unknown(&mut completed);
    completed
}

#[rstest]
#[case::owner("payments-dev", "{}", 0, "")]
#[case::stranger("outsider", "{}", 1, "[ownership]")]
#[case::limits(
    "payments-dev",
    "{limits: {instances: {min: 2, max: 3}}, defaults: {instances: 2}}",
    1,
    "[limits]"
)]
fn exits_with_the_verdict(
    #[case] user: &str,
    #[case] policy: &str,
    #[case] code: i32,
    #[case] why: &str,
) {
    let files = Files::new(policy, FACTS);
    let review = review_of(user, "CREATE", &completed(&files, user), &Value::Null);
    let decided = files.decide(&review.to_string(), &[]);
    assert_eq!(decided.status.code(), Some(code), "{decided:?}");
    let response = response(&decided);
    assert_eq!(response["allowed"], code == 0);
    assert!(response.to_string().contains(why), "{response}");
}

#[test]
fn what_exists_is_taken_from_the_facts() {
    let files = Files::new("{}", FACTS);
    let mut taken = completed(&files, "payments-dev");
    taken["metadata"]["name"] = "daap-taken".into();
    taken["metadata"]["labels"]["daap.dev/name"] = "taken".into();
    let review = review_of("payments-dev", "CREATE", &taken, &Value::Null);
    let decided = files.decide(&review.to_string(), &[]);
    assert_eq!(decided.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&decided.stdout).contains("daap-taken-app"),
        "{decided:?}"
    );
}

#[rstest]
#[case::no_json("{", "{}", FACTS, "review.json")]
#[case::no_review("{}", "{}", FACTS, "request.uid")]
#[case::bad_policy("", "nonsense: 1", FACTS, "nonsense")]
#[case::bad_facts("", "{}", "grant: []", "facts.yaml")]
#[case::nobody("", "{}", "grants: [{teams: [a]}]", "names a user or a group")]
fn what_cannot_be_tried_is_a_usage_error(
    #[case] review: &str,
    #[case] policy: &str,
    #[case] facts: &str,
    #[case] named: &str,
) {
    let files = Files::new(policy, facts);
    let good = creation_by("payments-dev").to_string();
    let review = if review.is_empty() { &good } else { review };
    let output = files.decide(review, &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(named) && output.stdout.is_empty(), "{said}");
}

#[test]
fn the_world_is_named_and_the_help_shows_an_example() {
    let output = command()
        .args(["review", "x", "--policy", "y"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let help = command().args(["review", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    assert!(
        help.contains("--facts facts.yaml") && help.contains("grants:"),
        "{help}"
    );
}
