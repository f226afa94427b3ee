//! Questions about the caller: who it is, and what it may do.

use daap_crds::contract::rbac;
use daap_crds::names::Team;
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{Kind, Kubernetes};
use crate::failure::Failure;

/// A right that an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// As in `patch`.
    pub(crate) verb: &'static str,
    /// On what.
    pub(crate) kind: Kind,
}

impl Right {
    pub(crate) const fn to(verb: &'static str, kind: Kind) -> Self {
        Self { verb, kind }
    }
}

impl Kubernetes {
    /// The user name that the API server knows the caller by; impersonation included.
    pub(crate) async fn user(&self) -> Result<String, Failure> {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let answer = self
            .ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review)
            .await?;
        Ok(answer
            .pointer("/status/userInfo/username")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned())
    }

    /// Whether the caller may act for the team in our namespace.
    pub(crate) async fn may_own(&self, team: &Team) -> Result<bool, Failure> {
        self.allowed(&json!({
            "namespace": self.namespace(),
            "verb": rbac::OWN,
            "group": rbac::GROUP,
            "resource": rbac::TEAMS,
            "name": team.as_str(),
        }))
        .await
    }

    /// Those of `rights` that the caller lacks in our namespace.
    pub(crate) async fn missing_rights(&self, rights: &[Right]) -> Result<Vec<Right>, Failure> {
        let answers = try_join_all(rights.iter().map(|right| self.may(*right))).await?;
        Ok(rights
            .iter()
            .zip(answers)
            .filter_map(|(right, allowed)| (!allowed).then_some(*right))
            .collect())
    }

    /// Fails where the caller lacks one of `rights`, and names all that are missing.
    pub(crate) async fn require(&self, rights: &[Right], what: &str) -> Result<(), Failure> {
        let missing = self.missing_rights(rights).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<String> = missing
            .iter()
            .map(|right| format!("{} {}", right.verb, right.kind))
            .collect();
        Err(Failure::new(format!(
            "no permission to {what} in namespace {}: you may not {}; nothing was changed",
            self.namespace(),
            missing.join(", ")
        ))
        .class(crate::failure::Class::Forbidden)
        .hint(format!(
            "ask your platform team for the ClusterRole daap-user in namespace {}",
            self.namespace()
        )))
    }

    async fn may(&self, right: Right) -> Result<bool, Failure> {
        self.allowed(&json!({
            "namespace": self.namespace(),
            "verb": right.verb,
            "group": right.kind.group(),
            "resource": right.kind.plural(),
        }))
        .await
    }

    async fn allowed(&self, attributes: &Value) -> Result<bool, Failure> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        let answer = self
            .ask(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                &review,
            )
            .await?;
        Ok(answer
            .pointer("/status/allowed")
            .and_then(Value::as_bool)
            .unwrap_or_default())
    }
}
