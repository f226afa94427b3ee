//! Writes, by what is written.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a row of the table reads better with the value itself"
)]

mod clusters;
mod dependents;
mod neighbours;
mod poolers;
mod retained;
mod tombstones;

use daap_tests::ground::{CLUSTERS, Caller, Ground, JSON, Kind, MERGE};
use http::Method;
use serde_json::{Value, json};

use super::actor::Actor;
use super::outcome::Outcome;
use crate::ground::object;

pub(super) use neighbours::managed_only;
pub(super) use poolers::pooler;

/// Whose a write is, of the people that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Team payments'.
    Owner,
    /// Team billing's.
    OtherTeam,
    Administrator,
    Everybody,
    Nobody,
}

use Whose::{Administrator, Everybody, Nobody, OtherTeam, Owner};

/// A write.
pub(super) struct Case {
    /// In the words of the page.
    pub(super) what: String,
    /// Who of the people gets through.
    whose: Whose,
    /// Whether the account of the instances does, too.
    instance: bool,
    method: Method,
    kind: Kind,
    /// Empty for all of the kind.
    name: String,
    /// `/scale`, `/status`, or nothing.
    sub: &'static str,
    /// Of all of the kind, only those.
    selector: &'static str,
    body: Value,
    /// Place and value that a write wants to have, where it may be let through without.
    pub(super) changes: Option<(&'static str, &'static str)>,
}

/// A table of the page.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) cases: Vec<Case>,
}

/// Stands for the user name of whoever writes.
const CALLER: &str = "{caller}";

impl Case {
    fn new(what: &str, whose: Whose, method: Method, kind: Kind, name: &str, body: Value) -> Self {
        Self {
            what: what.to_owned(),
            whose,
            instance: false,
            method,
            kind,
            name: name.to_owned(),
            sub: "",
            selector: "",
            body,
            changes: None,
        }
    }

    fn and_the_instance(self) -> Self {
        Self {
            instance: true,
            ..self
        }
    }

    fn wants(self, place: &'static str, value: &'static str) -> Self {
        Self {
            changes: Some((place, value)),
            ..self
        }
    }

    fn of(self, sub: &'static str) -> Self {
        Self { sub, ..self }
    }

    /// The status and the answer to `caller`.
    pub(super) async fn send(&self, ground: &Ground, caller: &Caller) -> (u16, Value) {
        let path = match self.name.as_str() {
            "" => self.kind.collection(&ground.namespace),
            name => ground.path(self.kind, name),
        };
        let path = format!("{path}{}?dryRun=All{}", self.sub, self.selector);
        let content = if self.method == Method::PATCH {
            MERGE
        } else {
            JSON
        };
        let body = self.body.to_string().replace(CALLER, &caller.user);
        let body = serde_json::from_str(&body).unwrap();
        caller
            .send(
                &ground.client,
                self.method.clone(),
                &path,
                content,
                Some(&body),
            )
            .await
    }

    /// What of the outcomes is not as it should be, a line each.
    pub(super) fn wrong(&self, outcomes: &[Outcome]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (actor, outcome) in Actor::ALL.into_iter().zip(outcomes) {
            let should = match actor {
                Actor::Owner => matches!(self.whose, Owner | Everybody),
                Actor::OtherTeam => matches!(self.whose, OtherTeam | Everybody),
                Actor::Outsider => self.whose == Everybody,
                Actor::Administrator => self.whose != Nobody,
                Actor::Instance => self.instance || self.whose == Everybody,
                Actor::GarbageCollector | Actor::NamespaceController => true,
                // Exempt from some rules, and from some not: the page says which.
                Actor::Operator => outcome.passes(),
            };
            if should != outcome.passes() || matches!(outcome, Outcome::Other(_)) {
                wrong.push(format!("{} by {}: {outcome}", self.what, actor.title()));
            }
        }
        wrong
    }
}

fn create(what: &str, whose: Whose, kind: Kind, object: Value) -> Case {
    Case::new(what, whose, Method::POST, kind, "", object)
}

fn patch(what: &str, whose: Whose, kind: Kind, name: &str, patch: Value) -> Case {
    Case::new(what, whose, Method::PATCH, kind, name, patch)
}

fn label(what: &str, whose: Whose, kind: Kind, name: &str, key: &str, value: Value) -> Case {
    let change = json!({"metadata": {"labels": {key: value}}});
    patch(what, whose, kind, name, change)
}

fn annotate(what: &str, whose: Whose, kind: Kind, name: &str, key: &str, value: Value) -> Case {
    let change = json!({"metadata": {"annotations": {key: value}}});
    patch(what, whose, kind, name, change)
}

fn delete(what: &str, whose: Whose, kind: Kind, name: &str) -> Case {
    // With a body, the API server looks for that in the body alone.
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]});
    Case::new(what, whose, Method::DELETE, kind, name, options)
}

fn delete_all(what: &str, whose: Whose, kind: Kind, selector: &'static str) -> Case {
    Case {
        selector,
        ..delete(what, whose, kind, "")
    }
}

fn scale(what: &str, whose: Whose, kind: Kind, name: &str, replicas: u32) -> Case {
    let change = json!({"spec": {"replicas": replicas}});
    patch(what, whose, kind, name, change).of("/scale")
}

fn status(what: &str, whose: Whose, kind: Kind, name: &str, status: Value) -> Case {
    patch(what, whose, kind, name, json!({"status": status})).of("/status")
}

/// A Cluster that is not ours.
pub(super) fn ungoverned(name: &str) -> Value {
    object(
        "Cluster",
        name,
        &json!({"instances": 1, "storage": {"size": "1Gi"}}),
    )
}

/// A Cluster as somebody writes it by hand.
fn by_hand(name: &str, team: &str) -> Value {
    let mut cluster = ungoverned(name);
    cluster["metadata"]["labels"] = json!({"daap.dev/owner-team": team});
    cluster["metadata"]["annotations"] = json!({"daap.dev/purpose": "a shop"});
    cluster
}

pub(super) async fn sections(ground: &Ground) -> Vec<Section> {
    let orders = ground.read(CLUSTERS, "daap-orders").await.unwrap();
    let archive = ground
        .read(daap_tests::ground::CONFIG_MAPS, "daap-archive-1b4e28ba")
        .await
        .unwrap();
    let section = |title, cases| Section { title, cases };
    vec![
        section("A new Cluster", clusters::creations(&archive)),
        section("The record of a Cluster", clusters::record()),
        section("The spec of a Cluster", clusters::spec()),
        section("What CNPG does with a Cluster", clusters::steering()),
        section("A Cluster goes, or changes its team", clusters::goes()),
        section("Poolers", poolers::poolers()),
        section(
            "What works on a Cluster by naming it",
            dependents::dependents(),
        ),
        section(
            "Clusters and Poolers that are not daap's",
            neighbours::neighbours(),
        ),
        section("Volumes", retained::volumes()),
        section("Secrets", retained::secrets()),
        section("Tombstones", tombstones::tombstones(&orders, &archive)),
    ]
}
