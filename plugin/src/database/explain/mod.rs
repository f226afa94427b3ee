//! Why a database is as it is: one verdict, what shows it, and what to do.
//!
//! `read` gets the facts, `cause` holds what may be wrong, one a file; between them nothing is asked,
//! so that the verdict follows from what was read alone and can be tested on what a real operator
//! left behind.

mod cause;
mod facts;
mod finding;
mod log;
mod read;
mod render;

use daap_crds::contract::annotation;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::state::{State, Status};
use daap_crds::tombstone::Tombstone;
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use facts::{Facts, Probe};
pub(crate) use finding::{Cause, Evidence, Finding, Remedy};

use super::{API_VERSION, Restorable, tombstones};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;

/// An explanation of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    #[serde(skip)]
    name: DatabaseName,
    #[serde(skip)]
    namespace: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(flatten)]
    finding: Finding,
}

impl Explanation {
    /// What follows from the facts.
    pub(crate) fn of(facts: &Facts) -> Self {
        let Status { state, reason } = facts.database.status();
        let status = Status {
            state,
            reason: reason.clone(),
        };
        Self {
            name: facts.name.clone(),
            namespace: facts.namespace.clone(),
            state,
            reason,
            finding: cause::verdict(facts, &status),
        }
    }

    /// Of a database that was deleted.
    fn deleted(k8s: &Kubernetes, name: &DatabaseName, config_map: &Value) -> Self {
        let view = View(config_map);
        let text = |key| view.annotation(key).unwrap_or("unknown");
        let (when, by) = (text(annotation::UPDATED_AT), text(annotation::UPDATED_BY));
        let namespace = k8s.namespace();
        let keeps = Tombstone::read(view).is_some_and(|tombstone| tombstone.keeps_data());
        let remedy = if keeps {
            Remedy::new(
                format!(
                    "bring it back, with its data and its password ({})",
                    Restorable::of(config_map, jiff::Timestamp::now()).cell()
                ),
                [format!("kubectl daap restore {name} -n {namespace}")],
            )
        } else {
            Remedy::new(
                "its data is gone; its history is kept",
                [format!("kubectl daap history {name} -n {namespace}")],
            )
        };
        Self {
            name: name.clone(),
            namespace: namespace.to_owned(),
            state: State::Deleted,
            reason: None,
            finding: Finding {
                cause: Cause::Deleted,
                verdict: format!("it was deleted by {by} at {when}"),
                evidence: vec![Evidence::new(
                    format!("ConfigMap/{}", view.name()),
                    format!("annotation {}", annotation::UPDATED_AT),
                    when,
                )],
                remedy,
            },
        }
    }

    /// The shape in which it is printed as JSON and YAML.
    pub(crate) fn document(&self) -> Value {
        let mut document = json!({
            "apiVersion": API_VERSION,
            "kind": "Explanation",
            "metadata": {"name": self.name, "namespace": self.namespace},
        });
        let said = serde_json::to_value(self).unwrap_or_default();
        json_patch::merge(&mut document, &said);
        document
    }

    /// The text, in a window of that width.
    pub(crate) fn render(&self, now: jiff::Timestamp, width: Option<usize>) -> String {
        render::text(self, now, width)
    }
}

/// Explains the database of that name, or the one of it that was deleted last; none where there has
/// never been one.
pub(crate) async fn explain(
    k8s: &Kubernetes,
    name: &DatabaseName,
) -> Result<Option<Explanation>, Failure> {
    if let Some(facts) = read::read(k8s, name).await? {
        return Ok(Some(Explanation::of(&facts)));
    }
    let deleted = tombstones(k8s, name).await?;
    Ok(deleted
        .last()
        .map(|config_map| Explanation::deleted(k8s, name, config_map)))
}

#[cfg(test)]
mod tests;
