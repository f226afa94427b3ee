//! Questions about the caller: who it is, and what it may do.

use std::fmt;

use daap_crds::admission::Access;
use daap_crds::contract::{platform, rbac};
use daap_crds::names::Team;
use daap_crds::object::View;
use futures::future::try_join_all;
use serde_json::{Value, json};

use super::{Kind, Kubernetes};
use crate::failure::Failure;

/// Where a right is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// In the namespace of the database; of all where the kind has no namespaces.
    Here,
    /// In all namespaces.
    Everywhere,
    /// Where the platform team keeps the policy.
    System,
}

/// A right that an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Right {
    /// As in `patch`.
    pub(crate) verb: &'static str,
    /// On what.
    pub(crate) kind: Kind,
    /// Where.
    pub(crate) scope: Scope,
}

impl Right {
    pub(crate) const fn to(verb: &'static str, kind: Kind) -> Self {
        Self {
            verb,
            kind,
            scope: Scope::Here,
        }
    }

    /// The same in another place.
    pub(crate) const fn at(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// Whether it is needed where the database is.
    pub(crate) fn is_here(self) -> bool {
        self.scope == Scope::Here
    }

    /// The one object that is meant, where there is only one; empty for any.
    pub(crate) fn name(self) -> &'static str {
        match (self.kind, self.scope) {
            (Kind::ConfigMap, Scope::System) => platform::POLICY,
            (Kind::ValidatingWebhook | Kind::MutatingWebhook, _) => platform::WEBHOOK,
            _ => "",
        }
    }

    /// The namespace that RBAC is asked about, where `here` is the database's; empty for all.
    fn namespace(self, here: &str) -> &str {
        match self.scope {
            _ if !self.kind.is_namespaced() => "",
            Scope::Here => here,
            Scope::Everywhere => "",
            Scope::System => platform::NAMESPACE,
        }
    }
}

impl fmt::Display for Right {
    /// As in `patch clusters.postgresql.cnpg.io`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.verb, self.kind)?;
        match self.scope {
            Scope::Here => Ok(()),
            Scope::Everywhere => formatter.write_str(" in all namespaces"),
            Scope::System => write!(formatter, " in namespace {}", platform::NAMESPACE),
        }
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
        Ok(self.ownership(team).await?.allowed)
    }

    /// The same, with the binding that decides.
    pub(crate) async fn ownership(&self, team: &Team) -> Result<Access, Failure> {
        self.access(&json!({
            "namespace": self.namespace(),
            "verb": rbac::OWN,
            "group": rbac::GROUP,
            "resource": rbac::TEAMS,
            "name": team.as_str(),
        }))
        .await
    }

    /// Whether the caller is an administrator of daap in our namespace.
    pub(crate) async fn administration(&self) -> Result<Access, Failure> {
        self.access(&json!({
            "namespace": self.namespace(),
            "verb": rbac::ADMINISTER,
            "group": rbac::GROUP,
            "resource": rbac::POLICIES,
        }))
        .await
    }

    /// The teams that roles name as the caller's in our namespace; none where it owns every team.
    pub(crate) async fn owned_teams(&self) -> Result<Option<Vec<String>>, Failure> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": self.namespace()},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
        let answer = self.ask(path, &review).await?;
        Ok(teams_of(&answer))
    }

    /// Those of `rights` that the caller lacks.
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
        let missing: Vec<String> = missing.iter().map(Right::to_string).collect();
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

    /// Whether the caller has this right.
    pub(crate) async fn may(&self, right: Right) -> Result<bool, Failure> {
        let attributes = json!({
            "namespace": right.namespace(self.namespace()),
            "verb": right.verb,
            "group": right.kind.group(),
            "resource": right.kind.plural(),
            "subresource": right.kind.subresource(),
            "name": right.name(),
        });
        Ok(self.access(&attributes).await?.allowed)
    }

    async fn access(&self, attributes: &Value) -> Result<Access, Failure> {
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
        let status = |pointer| answer.pointer(pointer);
        Ok(Access {
            allowed: status("/status/allowed").and_then(Value::as_bool) == Some(true),
            reason: { status("/status/reason") }
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        })
    }
}

/// The names in the rules that let somebody `own` teams. A rule without names is for all of them.
fn teams_of(review: &Value) -> Option<Vec<String>> {
    let words = |rule: View<'_>, field: &str| -> Vec<String> {
        let words = rule.at(field).and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    let names = |rule: View<'_>, field, wanted: &str| {
        let words = words(rule, field);
        words.iter().any(|word| word == wanted || word == "*")
    };
    let rules = review.pointer("/status/resourceRules");
    let mut teams = Vec::new();
    for rule in rules.and_then(Value::as_array).into_iter().flatten() {
        let rule = View(rule);
        let is_about_teams = names(rule, "/verbs", rbac::OWN)
            && names(rule, "/apiGroups", rbac::GROUP)
            && names(rule, "/resources", rbac::TEAMS);
        if is_about_teams {
            match words(rule, "/resourceNames") {
                none if none.is_empty() => return None,
                found => teams.extend(found),
            }
        }
    }
    teams.sort();
    teams.dedup();
    Some(teams)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teams_are_named_by_rules_and_a_rule_without_names_is_for_all() {
        let review = |rules: Value| json!({"status": {"resourceRules": rules}});
        let own = |teams: Value| json!({"verbs": ["own"], "apiGroups": ["daap.dev"], "resources": ["teams"], "resourceNames": teams});
        let other = json!({"verbs": ["get"], "apiGroups": ["daap.dev"], "resources": ["teams"]});
        assert_eq!(
            teams_of(&review(json!([
                own(json!(["b", "a"])),
                other,
                own(json!(["a"]))
            ]))),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(teams_of(&review(json!([]))), Some(Vec::new()));
        let every = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
        assert_eq!(teams_of(&review(json!([own(json!(["a"])), every]))), None);
    }

    #[test]
    fn rights_read_as_a_sentence() {
        let right = Right::to("create", Kind::PortForward);
        assert_eq!(right.to_string(), "create pods/portforward");
        let policy = Right::to("get", Kind::ConfigMap).at(Scope::System);
        assert_eq!(
            policy.to_string(),
            "get configmaps in namespace daap-system"
        );
        assert_eq!(policy.namespace("apps"), "daap-system");
        let classes = Right::to("get", Kind::StorageClass);
        assert_eq!(classes.namespace("apps"), "");
    }
}
