//! A verdict: yes or no, and why.

use std::collections::BTreeSet;

use daap_crds::violation::Violation;
use serde_json::{Value, json};

use super::facts::Ruling;
use crate::database::API_VERSION;
use crate::failure::Failure;
use crate::kubernetes::Right;
use crate::output::lines;

/// What RBAC refuses. The other rules are those of admission, and [`STATE`].
const RBAC: &str = "rbac";
/// What is not refused to anybody in particular: the database is not there, or is in the way.
const STATE: &str = "state";

/// A reason for a no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// Name of the rule, as in docs/rules.md.
    rule: String,
    /// What decides.
    message: String,
    /// What to do next.
    hint: String,
}

impl Reason {
    /// A right that is missing.
    pub(super) fn missing(right: Right, user: &str, namespace: &str) -> Self {
        let place = if right.kind.is_namespaced() && right.is_here() {
            format!(" in namespace {namespace}")
        } else {
            String::new()
        };
        Self {
            rule: RBAC.to_owned(),
            message: format!("{user} may not {right}{place}"),
            hint: format!(
                "ask your platform team for it; the ClusterRole daap-user has what developers need in namespace {namespace}"
            ),
        }
    }

    /// What stands in the way, whoever asks.
    pub(super) fn state(failure: &Failure) -> Self {
        Self {
            rule: STATE.to_owned(),
            message: failure.to_string(),
            hint: failure.next_step().unwrap_or_default().to_owned(),
        }
    }

    /// What admission would say.
    pub(super) fn of(violation: &Violation) -> Self {
        Self {
            rule: violation.rule.to_string(),
            message: violation.message.clone(),
            hint: violation.hint.clone(),
        }
    }

    fn line(&self) -> String {
        let hint = match self.hint.as_str() {
            "" => String::new(),
            hint => format!("; {hint}"),
        };
        format!("{} [{}]{hint}", self.message, self.rule)
    }
}

/// The answer to one question.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) verb: String,
    pub(super) database: Option<String>,
    pub(super) team: Option<String>,
    pub(super) namespace: String,
    pub(super) user: String,
    pub(super) reasons: Vec<Reason>,
    pub(super) rulings: Vec<Ruling>,
    /// What would be done less, or was not judged.
    pub(super) notes: BTreeSet<String>,
}

impl Verdict {
    pub(super) fn is_yes(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Adds a reason that is not there yet.
    pub(super) fn refuse(&mut self, reason: Reason) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// `yes` or `no`, as kubectl says it, and what decides below.
    pub(super) fn text(&self) -> String {
        let mut said = vec![if self.is_yes() { "yes" } else { "no" }.to_owned()];
        said.extend(self.reasons.iter().map(Reason::line));
        if self.is_yes() {
            let rulings = self.rulings.iter().filter(|ruling| ruling.access.allowed);
            said.extend(rulings.map(|ruling| {
                format!(
                    "{} may {} in namespace {}: {}",
                    self.user,
                    ruling.right,
                    self.namespace,
                    decides(&ruling.access.reason)
                )
            }));
        }
        lines(said)
    }

    pub(super) fn json(&self) -> Value {
        let reasons: Vec<Value> = { self.reasons.iter() }
            .map(|reason| {
                json!({"rule": reason.rule, "message": reason.message, "hint": reason.hint})
            })
            .collect();
        let rulings: Vec<Value> = { self.rulings.iter() }
            .map(|ruling| {
                json!({
                    "right": ruling.right,
                    "allowed": ruling.access.allowed,
                    "decidedBy": decides(&ruling.access.reason),
                })
            })
            .collect();
        json!({
            "apiVersion": API_VERSION,
            "kind": "AccessReview",
            "spec": {
                "verb": self.verb,
                "database": self.database,
                "ownerTeam": self.team,
                "namespace": self.namespace,
                "user": self.user,
            },
            "status": {
                "allowed": self.is_yes(),
                "reasons": reasons,
                "authorizer": rulings,
                "notes": self.notes,
            },
        })
    }
}

/// The binding that decides, without the words that the authorizer puts before it.
pub(super) fn decides(reason: &str) -> &str {
    let reason = reason.strip_prefix("RBAC: allowed by ").unwrap_or(reason);
    if reason.is_empty() {
        // Groups like system:masters are asked about by nobody.
        return "no binding is named";
    }
    reason
}

#[cfg(test)]
mod tests {
    use daap_crds::admission::Access;

    use super::*;
    use crate::kubernetes::Kind;

    fn verdict() -> Verdict {
        Verdict {
            verb: "delete".into(),
            database: Some("orders".into()),
            team: Some("payments".into()),
            namespace: "apps".into(),
            user: "ada".into(),
            reasons: Vec::new(),
            rulings: vec![Ruling {
                right: "own teams.daap.dev/payments".into(),
                access: Access {
                    allowed: true,
                    reason: r#"RBAC: allowed by RoleBinding "own-payments/apps" of Role "own-payments" to Group "payments""#.into(),
                },
            }],
            notes: BTreeSet::new(),
        }
    }

    #[test]
    fn yes_comes_first_and_then_the_binding() {
        insta::assert_snapshot!(verdict().text(), @r#"
        yes
        ada may own teams.daap.dev/payments in namespace apps: RoleBinding "own-payments/apps" of Role "own-payments" to Group "payments"
        "#);
    }

    #[test]
    fn no_names_every_rule_once() {
        let mut no = verdict();
        let right = Right::to("patch", Kind::Pooler);
        for _ in 0..2 {
            no.refuse(Reason::missing(right, "ada", "apps"));
        }
        no.refuse(Reason::state(&Failure::new("database/orders not found")));
        insta::assert_snapshot!(no.text(), @r"
        no
        ada may not patch poolers.postgresql.cnpg.io in namespace apps [rbac]; ask your platform team for it; the ClusterRole daap-user has what developers need in namespace apps
        database/orders not found [state]
        ");
        assert_eq!(no.json()["status"]["allowed"], false);
    }
}
