//! Every kind of error as users read it, in one snapshot.

use std::fmt::Write as _;

use super::{ApiError, Impersonation, Place};
use crate::failure::{Class, Complaint, Failure};

const SERVER: &str = "https://example.test:6443";
const CREATE: &str = "create clusters.postgresql.cnpg.io \"daap-orders\"";

/// One of each; who adds a kind is told here.
fn one_of_each() -> Vec<ApiError> {
    use ApiError as E;
    let (server, what) = (SERVER.to_owned(), CREATE.to_owned());
    let message = "etcdserver: request timed out".to_owned();
    let all = vec![
        E::Unreachable {
            server: server.clone(),
            cause: "Connection refused (os error 111)".into(),
        },
        E::Timeout {
            server: server.clone(),
            what: what.clone(),
            seconds: 30,
        },
        E::Unauthorized(server.clone()),
        E::NoCnpg(server),
        E::NoNamespace("apps".into()),
        E::Forbidden {
            who: "ada".into(),
            what: what.clone(),
            place: Place::Namespace("apps".into()),
        },
        E::Forbidden {
            who: "ada".into(),
            what: "list clusters.postgresql.cnpg.io".into(),
            place: Place::AllNamespaces,
        },
        E::Forbidden {
            who: "ada".into(),
            what: "list storageclasses.storage.k8s.io".into(),
            place: Place::Cluster,
        },
        E::NoImpersonation {
            who: "ada".into(),
            whom: Impersonation::refused(
                "users \"grace\" is forbidden: User \"ada\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
                None,
            )
            .unwrap(),
        },
        E::Denied {
            message: "refused by validate.admission.daap.dev: 2Ti is above 1Ti".into(),
            complaints: vec![Complaint::new(
                "--storage",
                "2Ti is above 1Ti [limits]; ask for less",
            )],
        },
        E::Conflict(what.clone()),
        E::AlreadyExists(what.clone()),
        E::Expired,
        E::Unavailable {
            what: what.clone(),
            message: message.clone(),
            away: None,
        },
        E::Other {
            what: what.clone(),
            message,
        },
        E::NotFound(what),
    ];
    for error in &all {
        match error {
            E::Unreachable { .. }
            | E::Timeout { .. }
            | E::Unauthorized(_)
            | E::NoCnpg(_)
            | E::NoNamespace(_)
            | E::Forbidden { .. }
            | E::NoImpersonation { .. }
            | E::Denied { .. }
            | E::Conflict(_)
            | E::AlreadyExists(_)
            | E::Expired
            | E::Unavailable { .. }
            | E::Other { .. }
            | E::NotFound(_) => {}
        }
    }
    all
}

#[test]
fn every_answer_of_the_api_server_reads_well() {
    let mut text = String::new();
    for error in one_of_each() {
        let failure = Failure::from(error);
        let class = failure.classification();
        let _ = writeln!(text, "[{class:?}]\n{}", failure.render());
    }
    insta::assert_snapshot!("every_answer", text);
}

#[test]
fn every_kind_of_failure_reads_well() {
    let complaint = || vec![Complaint::new("--storage", "2Ti is above 1Ti")];
    let kinds = [
        ("new", Failure::new("database/orders was removed meanwhile")),
        (
            "hint",
            Failure::new("database/orders is not ready after 5m: starting PostgreSQL 0/1")
                .hint("see what it waits for: kubectl daap tree orders -n apps"),
        ),
        ("usage", Failure::usage("nothing to change was given")),
        ("above_1", Failure::new("no network").above_1()),
        (
            "interrupted",
            Failure::interrupted("interrupted: starting PostgreSQL 0/1"),
        ),
        (
            "fields",
            Failure::fields("database/orders not created", complaint()),
        ),
        (
            "denied",
            Failure::denied("refused: 2Ti is above 1Ti", complaint())
                .context("database/orders not created"),
        ),
        (
            "context",
            Failure::new("no network").context("failed to look"),
        ),
        ("transient", Failure::new("no network").transient()),
        ("not_found", Failure::new("gone").class(Class::NotFound)),
        ("broken_pipe", Failure::broken_pipe()),
    ];
    let mut text = String::new();
    for (kind, failure) in kinds {
        let exit = failure.exit_code();
        let _ = writeln!(text, "[{kind}: {exit:?}]\n{}", failure.render());
    }
    insta::assert_snapshot!("every_failure", text);
}
