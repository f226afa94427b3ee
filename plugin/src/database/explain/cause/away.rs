//! The operator, or the admission webhook, does not work.

use daap_crds::object::View;
use serde_json::Value;

use crate::database::explain::facts::Probe;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};

/// Seconds within which the operator says something of a new Cluster.
const PATIENCE: i64 = 30;

/// What shows that nothing is done for a database, and why.
pub(super) fn operator(facts: &Facts) -> Option<Finding> {
    let mut evidence = Vec::new();
    if let Probe::OperatorAway(said) = &facts.probe {
        evidence.push(Evidence::new(
            facts.cluster_object(),
            "dry run of a write",
            said,
        ));
    }
    if let Some(deployment) = facts.operator.as_ref().map(View) {
        let available = deployment
            .at("/status/availableReplicas")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        if available < 1 {
            let object = format!("Deployment/{}", deployment.name());
            let place = format!(
                "status.availableReplicas in namespace {}",
                deployment.namespace()
            );
            evidence.push(Evidence::new(object, place, "0"));
        }
    }
    let cluster = facts.cluster();
    let created = cluster.text("/metadata/creationTimestamp");
    let age = facts.seconds_since(created).unwrap_or_default();
    let is_untouched = cluster.text("/status/phase").is_none() && age > PATIENCE;
    if is_untouched {
        let said = format!("empty, {age} s after it was created");
        evidence.push(Evidence::new(facts.cluster_object(), "status.phase", said));
    }
    if evidence.is_empty() {
        return None;
    }
    let verdict = if is_untouched {
        "CloudNativePG's operator does not work: it has not touched this database yet"
    } else {
        "CloudNativePG's operator does not work: what runs goes on, but nothing is made, repaired or changed"
    };
    Some(Finding {
        cause: Cause::OperatorAway,
        verdict: verdict.to_owned(),
        evidence,
        remedy: Remedy::new(
            "tell your platform team; it goes on by itself as soon as the operator runs again",
            [
                "kubectl get deployments -A -l app.kubernetes.io/name=cloudnative-pg".to_owned(),
                "kubectl daap version".to_owned(),
            ],
        ),
    })
}

pub(super) fn webhook(facts: &Facts) -> Option<Finding> {
    let Probe::WebhookAway(said) = &facts.probe else {
        return None;
    };
    Some(Finding {
        cause: Cause::WebhookAway,
        verdict: "daap's admission webhook does not answer: what runs goes on, but every change is refused"
            .to_owned(),
        evidence: vec![Evidence::new(
            facts.cluster_object(),
            "dry run of a write",
            said,
        )],
        remedy: Remedy::new(
            "tell your platform team; run what you wanted to do again as soon as it answers",
            ["kubectl get pods -n daap-system".to_owned(), "kubectl daap version".to_owned()],
        ),
    })
}
