//! The pooler does not serve. CNPG's Pooler stays `active`, and its Cluster healthy.

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use serde_json::{Map, Value};

use super::container::trouble;
use crate::database::explain::facts::pod_object;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy, log};
use crate::output::quoted;

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    missing(facts).or_else(|| crashing(facts))
}

fn missing(facts: &Facts) -> Option<Finding> {
    if facts.database.pooler.is_some() || facts.pending().is_some() {
        return None;
    }
    let object = format!("Pooler/{}", facts.name.pooler());
    Some(Finding {
        cause: Cause::Pooler,
        verdict: "its pooler was removed, so nobody can connect".to_owned(),
        evidence: vec![Evidence::new(object, "get", "not found")],
        remedy: Remedy::new(
            "write it back; the data is not touched",
            [facts.daap("repair", "")],
        ),
    })
}

fn crashing(facts: &Facts) -> Option<Finding> {
    let pooler = facts.database.pooler.as_ref().map(View)?;
    if is_available(facts, pooler) {
        return None;
    }
    let (pod, trouble) = facts
        .pooler_pods()
        .find_map(|pod| Some((pod, trouble(pod)?)))?;
    let said = facts
        .logs
        .get(pod.name())
        .and_then(|text| log::reason(text));
    let mut verdict = "its pooler, PgBouncer, ends as soon as it is started".to_owned();
    if let Some(said) = &said {
        verdict = format!("{verdict}: {said}");
    }
    let mut evidence = vec![Evidence::new(pod_object(pod), trouble.place, trouble.said)];
    if let Some(said) = &said {
        evidence.push(Evidence::new(pod_object(pod), "log", said));
    }
    let backing_off = facts.warning(pod, "Pod", |event| event.text("/reason") == Some("BackOff"));
    evidence.extend(backing_off.map(Facts::quote_event));
    let parameters = pooler
        .at("/spec/pgbouncer/parameters")
        .and_then(Value::as_object)
        .filter(|parameters| !parameters.is_empty());
    if let Some(parameters) = parameters {
        evidence.push(Evidence::new(
            format!("Pooler/{}", pooler.name()),
            "spec.pgbouncer.parameters",
            Value::from(parameters.clone()).to_string(),
        ));
    }
    Some(Finding {
        cause: Cause::Pooler,
        verdict,
        evidence,
        remedy: remedy(facts, pod, parameters, said.as_deref()),
    })
}

/// Pods of the past may lie about while others serve.
fn is_available(facts: &Facts, pooler: View<'_>) -> bool {
    let count = |view: View<'_>, pointer| view.at(pointer).and_then(Value::as_i64);
    let available = facts
        .database
        .deployment
        .as_ref()
        .and_then(|deployment| count(View(deployment), "/status/availableReplicas"));
    available.unwrap_or_default() >= count(pooler, "/spec/instances").unwrap_or(1)
}

fn remedy(
    facts: &Facts,
    pod: View<'_>,
    parameters: Option<&Map<String, Value>>,
    said: Option<&str>,
) -> Remedy {
    let logs = facts.here(&format!("kubectl logs {} --previous", pod.name()));
    let Some(parameters) = parameters else {
        return Remedy::new("see in its log why", [logs]);
    };
    // The one that it complains of; the only one where it says nothing that can be read.
    let named = parameters
        .keys()
        .find(|key| said.is_some_and(|said| said.contains(key.as_str())));
    let only = parameters.keys().next().filter(|_| parameters.len() == 1);
    let (text, parameter) = match named.or(only) {
        Some(parameter) => (
            format!(
                "correct its parameter {parameter}; with this it has PgBouncer's default again"
            ),
            parameter.as_str(),
        ),
        None => (
            "see in its log which of its parameters is wrong, and take it away".to_owned(),
            "<parameter>",
        ),
    };
    let patch = serde_json::json!({"spec": {"pgbouncer": {"parameters": {parameter: null}}}});
    let patch = facts.here(&format!(
        "kubectl patch poolers.{} {} --type merge -p {}",
        cnpg::GROUP,
        facts.name.pooler(),
        quoted(&patch.to_string())
    ));
    let commands = if parameter.starts_with('<') {
        vec![logs, patch]
    } else {
        vec![patch]
    };
    Remedy::new(text, commands)
}
