//! That pods are refused when they are made: only events of what would make them, and a condition of
//! the pooler's Deployment, say so. CNPG says nothing.

use daap_crds::contract::cnpg;
use daap_crds::object::View;

use crate::database::explain::{Evidence, Facts};

/// What Jobs and `ReplicaSet`s say of a pod that they could not make.
const FAILED_CREATE: &str = "FailedCreate";
/// What a Deployment says of its `ReplicaSet`.
const REPLICA_FAILURE: &str = "ReplicaFailure";

/// Pods that were refused.
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) evidence: Vec<Evidence>,
}

/// What was refused lately with such a message and is missing still.
pub(super) fn find(facts: &Facts, is: impl Fn(&str) -> bool) -> Option<Refused> {
    let mut found: Option<Refused> = None;
    let mut add = |message: &str, evidence: Evidence| {
        let refused = found.get_or_insert_with(|| Refused {
            message: message.to_owned(),
            evidence: Vec::new(),
        });
        let is_new =
            |known: &Evidence| (&known.object, &known.place) != (&evidence.object, &evidence.place);
        if refused.evidence.iter().all(is_new) {
            refused.evidence.push(evidence);
        }
    };
    for event in facts.warnings().rev() {
        let message = event.text("/message").unwrap_or_default();
        if event.text("/reason") == Some(FAILED_CREATE) && is(message) && is_missing(facts, event) {
            add(message, Facts::quote_event(event));
        }
    }
    if let Some((message, evidence)) = deployment(facts).filter(|(message, _)| is(message)) {
        add(message, evidence);
    }
    if let Some((message, evidence)) = operator(facts).filter(|(message, _)| is(message)) {
        add(message, evidence);
    }
    // What keeps PostgreSQL from being there comes before what keeps its pooler.
    if let Some(refused) = &mut found {
        refused
            .evidence
            .sort_by_key(|evidence| !evidence.object.starts_with("Job/"));
    }
    found
}

/// Whether what could not be made then is not there now either.
fn is_missing(facts: &Facts, event: View<'_>) -> bool {
    let maker = event.text("/involvedObject/name").unwrap_or_default();
    match event.text("/involvedObject/kind") {
        // Its instance would be there otherwise.
        Some("Job") => !facts.instance_pods().any(|pod| {
            let instance = pod.label(cnpg::INSTANCE_NAME).unwrap_or(pod.name());
            maker
                .strip_prefix(instance)
                .is_some_and(|rest| rest.starts_with('-'))
        }),
        Some("ReplicaSet") => facts.pooler_pods().next().is_none(),
        _ => facts.instance_pods().next().is_none(),
    }
}

fn deployment(facts: &Facts) -> Option<(&str, Evidence)> {
    let deployment = facts.database.deployment.as_ref().map(View)?;
    let failure = deployment
        .condition(REPLICA_FAILURE)
        .filter(|condition| condition.text("/status") == Some("True"))?;
    let message = failure.text("/message")?;
    let object = format!("Deployment/{}", facts.name.pooler());
    let place = format!("condition {REPLICA_FAILURE}");
    Some((message, Evidence::new(object, place, message)))
}

/// What the operator itself could not make, as volumes.
fn operator(facts: &Facts) -> Option<(&str, Evidence)> {
    let message = facts.cluster().text("/status/phaseReason")?;
    if !message.contains("forbidden") {
        return None;
    }
    let evidence = Evidence::new(facts.cluster_object(), "status.phaseReason", message);
    Some((message, evidence))
}
