//! The file that says what a recorded review is decided in.

use std::path::Path;

use anyhow::Context;
use daap_crds::contract::rbac;
use http::{Method, StatusCode, Uri};
use k8s_openapi::api::authorization::v1::SubjectAccessReviewSpec;
use serde::Deserialize;
use serde_json::Value;

use super::world;

/// Stands for every team.
const EVERY: &str = "*";

/// Who may what, and what exists.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactsFile {
    #[serde(default)]
    grants: Vec<Grant>,
    /// As `kubectl get -o yaml` prints them.
    #[serde(default)]
    pub(super) objects: Vec<Value>,
}

/// What one user, or everyone in one group, may do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    administrator: bool,
    #[serde(default)]
    namespaces: Option<Vec<String>>,
}

impl FactsFile {
    /// Reads it. A mistake in it would make every answer worthless, so that nothing unknown passes.
    ///
    /// # Errors
    /// It cannot be read, or says what is no fact.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("failed to read {}", file.display()))?;
        let facts: Self = serde_saphyr::from_str(&text)
            .with_context(|| format!("{}: these are no facts", file.display()))?;
        if facts
            .grants
            .iter()
            .any(|grant| grant.user.is_none() == grant.group.is_none())
        {
            anyhow::bail!("{}: grants: each names a user or a group", file.display());
        }
        Ok(facts)
    }

    /// What an API server that knows these facts, and nothing else, answers to a look-up: a status and
    /// a JSON body.
    #[must_use]
    pub fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> (StatusCode, Value) {
        world::answer(self, method, uri, body)
    }

    /// What Kubernetes' authorizer would say.
    pub(super) fn allows(&self, asked: &SubjectAccessReviewSpec) -> bool {
        self.grants.iter().any(|grant| grant.allows(asked))
    }
}

impl Grant {
    fn allows(&self, asked: &SubjectAccessReviewSpec) -> bool {
        let Some(attributes) = &asked.resource_attributes else {
            return false;
        };
        let groups = asked.groups.as_deref().unwrap_or_default();
        let is_meant = match (&self.user, &self.group) {
            (Some(user), _) => asked.user.as_ref() == Some(user),
            (None, Some(group)) => groups.contains(group),
            (None, None) => false,
        };
        let namespace = attributes.namespace.as_deref().unwrap_or_default();
        let is_here = self
            .namespaces
            .as_ref()
            .is_none_or(|namespaces| namespaces.iter().any(|here| here == namespace));
        let right = (attributes.verb.as_deref(), attributes.resource.as_deref());
        is_meant
            && is_here
            && match right {
                (Some(rbac::OWN), Some(rbac::TEAMS)) => {
                    let team = attributes.name.as_deref().unwrap_or_default();
                    self.teams
                        .iter()
                        .any(|given| given == team || given == EVERY)
                }
                (Some(rbac::ADMINISTER), Some(rbac::POLICIES)) => self.administrator,
                _ => false,
            }
    }
}
