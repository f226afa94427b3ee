//! The one place that decides: the rules of `daap-crds`, with their questions answered.

use std::collections::BTreeSet;
use std::sync::Arc;

use daap_crds::admission::{Facts, Judging, Unanswered, Write, mutate};
use daap_crds::violation::Violation;
use futures::future::try_join_all;
use serde_json::{Map, Value};

use crate::lookup::{Lookup, LookupError};
use crate::metrics::Metrics;
use crate::policy_file::PolicyFile;
use crate::review::ReviewError;

/// Rules ask what follows from earlier answers: a tombstone, then who owns its team. More rounds
/// than this mean that a rule never stops asking.
const ROUNDS: usize = 8;

/// What a review is answered with.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Let through.
    Allowed {
        /// A JSON patch, where something changes.
        patch: Option<Vec<u8>>,
        /// What the writer should know.
        warnings: Vec<String>,
    },
    /// Refused by rules.
    Denied(Vec<Violation>),
    /// Not decided: refused, because nothing is let through unseen.
    Failed {
        /// HTTP status.
        code: u16,
        /// Why.
        message: String,
    },
}

impl Verdict {
    pub(crate) fn allowed() -> Self {
        Self::Allowed {
            patch: None,
            warnings: Vec::new(),
        }
    }

    /// What no rule of the webhook configuration should send here is not let through unseen.
    pub(crate) fn refused(error: &ReviewError) -> Self {
        Self::Failed {
            code: 403,
            message: format!("daap: {error}"),
        }
    }

    /// The word for it in logs.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Allowed { patch: None, .. } => "allowed",
            Self::Allowed { .. } => "patched",
            Self::Denied(_) => "denied",
            Self::Failed { .. } => "failed",
        }
    }

    /// The rules that refuse, each once.
    pub(crate) fn rules(&self) -> Option<String> {
        let Self::Denied(violations) = self else {
            return None;
        };
        let rules: BTreeSet<&str> = violations
            .iter()
            .map(|violation| violation.rule.as_str())
            .collect();
        Some(rules.into_iter().collect::<Vec<_>>().join(","))
    }

    /// Why there was no decision.
    pub(crate) fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { message, .. } => Some(message),
            _ => None,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum DecisionError {
    #[error("{0}")]
    Lookup(#[from] LookupError),
    #[error("the rules did not come to an end")]
    Endless,
    #[error("failed to write the patch: {0}")]
    Patch(#[from] serde_json::Error),
}

/// Decides writes by the policy and by what a [`Lookup`] knows.
#[derive(Clone)]
pub struct Decider {
    policy: Arc<PolicyFile>,
    lookup: Arc<dyn Lookup>,
    metrics: Arc<Metrics>,
}

impl Decider {
    /// Decides by this policy and these look-ups.
    pub fn new(policy: Arc<PolicyFile>, lookup: Arc<dyn Lookup>) -> Self {
        Self {
            policy,
            lookup,
            metrics: Arc::default(),
        }
    }

    /// Counts what is decided here.
    #[must_use]
    pub fn counted_by(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Where decisions are counted.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.metrics)
    }

    pub(crate) async fn mutate(&self, write: &Write) -> Verdict {
        let policy = self.policy.current();
        let decision = self.settle(write, |facts| mutate(write, &policy, facts));
        let mutated = decision.await.and_then(|mutation| {
            let Some(before) = &write.object else {
                return Ok(Verdict::allowed());
            };
            let (before, after) = differing(before, &mutation.object);
            let patch = json_patch::diff(&before, &after);
            let patch = (!patch.0.is_empty())
                .then(|| serde_json::to_vec(&patch))
                .transpose()?;
            Ok(Verdict::Allowed {
                patch,
                warnings: mutation.warnings,
            })
        });
        mutated.unwrap_or_else(|error| failed(&error))
    }

    pub(crate) async fn validate(&self, write: &Write) -> Verdict {
        let policy = self.policy.current();
        let mut judging = Judging::new(write, &policy);
        match self.settle(write, |facts| judging.go_on(facts)).await {
            Ok(violations) if violations.is_empty() => Verdict::allowed(),
            Ok(violations) => Verdict::Denied(violations),
            Err(error) => failed(&error),
        }
    }

    async fn settle<T>(
        &self,
        write: &Write,
        mut decide: impl FnMut(&Facts) -> Result<T, Unanswered>,
    ) -> Result<T, DecisionError> {
        let mut facts = Facts::default();
        for _ in 0..ROUNDS {
            let Unanswered(questions) = match decide(&facts) {
                Ok(decision) => return Ok(decision),
                Err(unanswered) => unanswered,
            };
            let answers = questions.into_iter().map(|question| async move {
                let answer = self.lookup.answer(&write.caller, &question).await?;
                Ok::<_, LookupError>((question, answer))
            });
            for (question, answer) in try_join_all(answers).await? {
                facts.learn(question, answer);
            }
        }
        Err(DecisionError::Endless)
    }
}

/// The fields by which two objects differ. Of all others a diff would say nothing, at some length.
fn differing(before: &Value, after: &Value) -> (Value, Value) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before.clone(), after.clone());
    };
    let (mut only_old, mut only_new) = (Map::new(), Map::new());
    for (key, value) in old {
        match new.get(key) {
            Some(same) if same == value => {}
            Some(other) => {
                let (value, other) = differing(value, other);
                only_old.insert(key.clone(), value);
                only_new.insert(key.clone(), other);
            }
            None => {
                only_old.insert(key.clone(), value.clone());
            }
        }
    }
    let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
    only_new.extend(added.map(|(key, value)| (key.clone(), value.clone())));
    (only_old.into(), only_new.into())
}

/// An error is never read as "no match" (Kyverno, CVE-2025-46342): what cannot be looked up is
/// refused. 503 says that the same write may pass a moment later, 500 that somebody has to act.
fn failed(error: &DecisionError) -> Verdict {
    let (code, next) = match error {
        DecisionError::Lookup(error) if error.passes() => (503, "try again"),
        DecisionError::Lookup(_) | DecisionError::Endless | DecisionError::Patch(_) => {
            (500, "tell the platform team")
        }
    };
    Verdict::Failed {
        code,
        message: format!("daap: {error}; nothing was written, {next}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_diff_of_what_differs_is_the_diff() {
        let object = json!({"metadata": {"labels": {"a": "1", "b/c": "2"}, "name": "x"}, "spec": {"list": [1, 2], "on": true}});
        for other in [
            object.clone(),
            json!({"metadata": {"labels": {"a": "2", "d~e": "3"}}, "spec": {"list": [2], "on": null}}),
            json!({"metadata": null, "spec": {"list": {}, "new": {"deep": {}}}}),
            json!({}),
            json!([1]),
        ] {
            for (before, after) in [(&object, &other), (&other, &object)] {
                let (old, new) = differing(before, after);
                let whole = json_patch::diff(before, after);
                assert_eq!(json_patch::diff(&old, &new), whole, "{before} {after}");
            }
        }
    }
}
