//! What the API server judges by itself.

use std::collections::BTreeSet;

use daap_crds::contract::platform;
use daap_crds::object::View;
use futures::future::join;
use serde_json::Value;

use super::finding::Finding;
use crate::kubernetes::{Kind, Kubernetes};

const CHECK: &str = "admission-policies";

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    let (policies, bindings) = join(
        k8s.list(Kind::AdmissionPolicy, ""),
        k8s.list(Kind::AdmissionPolicyBinding, ""),
    )
    .await;
    // Of two failures always the same one is told.
    vec![match (policies, bindings) {
        (Ok(policies), Ok(bindings)) => judge(&policies, &bindings),
        (Err(failure), _) | (_, Err(failure)) => Finding::of_failure(CHECK, &failure),
    }]
}

fn judge(policies: &[Value], bindings: &[Value]) -> Finding {
    let names: BTreeSet<&str> = policies.iter().map(|one| View(one).name()).collect();
    let denies = |policy: &str| {
        bindings.iter().map(View).any(|binding| {
            let actions = binding.at("/spec/validationActions");
            let actions = actions.and_then(Value::as_array);
            binding.text("/spec/policyName") == Some(policy)
                && actions.is_some_and(|actions| actions.iter().any(|action| action == "Deny"))
        })
    };
    let (mut missing, mut idle) = (Vec::new(), Vec::new());
    for policy in platform::ADMISSION_POLICIES {
        if !names.contains(policy) {
            missing.push(policy);
        } else if !denies(policy) {
            idle.push(policy);
        }
    }
    let remedy = "apply daap's manifests again: docs/installation.md";
    if !missing.is_empty() {
        return Finding::failed(
            CHECK,
            format!(
                "missing: {}; what they hold is not held while the webhook is away",
                missing.join(", ")
            ),
            remedy,
        );
    }
    if !idle.is_empty() {
        return Finding::failed(
            CHECK,
            format!("without a binding that denies: {}", idle.join(", ")),
            remedy,
        );
    }
    match { policies.iter().map(View) }.find(|policy| warns(*policy)) {
        Some(policy) => Finding::warning(
            CHECK,
            format!(
                "the API server finds fault with the expressions of {}",
                policy.name()
            ),
            format!(
                "look at its status: kubectl get validatingadmissionpolicy {} -o yaml",
                policy.name()
            ),
        ),
        None => Finding::passed(CHECK, platform::ADMISSION_POLICIES.join(", ")),
    }
}

/// Of ours only: others' are nobody's business here.
fn warns(policy: View<'_>) -> bool {
    let warnings = policy.at("/status/typeChecking/expressionWarnings");
    let warnings = warnings.and_then(Value::as_array);
    platform::ADMISSION_POLICIES.contains(&policy.name())
        && warnings.is_some_and(|warnings| !warnings.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    #[test]
    fn each_policy_needs_a_binding_that_denies() {
        let policies: Vec<Value> = { platform::ADMISSION_POLICIES.iter() }
            .map(|name| json!({"metadata": {"name": name}}))
            .collect();
        let bindings = |action: &str| -> Vec<Value> {
            { platform::ADMISSION_POLICIES.iter() }
                .map(|name| json!({"spec": {"policyName": name, "validationActions": [action]}}))
                .collect()
        };
        let deny = bindings("Deny");
        assert_eq!(judge(&policies, &deny).outcome, Outcome::Passed);
        assert_eq!(judge(&policies, &bindings("Warn")).outcome, Outcome::Failed);
        let (_, rest) = policies.split_first().unwrap();
        let missing = judge(rest, &deny);
        assert_eq!(missing.outcome, Outcome::Failed);
        assert!(missing.message.starts_with("missing: daap-immutable;"));
    }
}
