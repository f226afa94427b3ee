//! `PostgreSQL` does not come up, or not again.

use daap_crds::contract::cnpg;
use daap_crds::object::View;

use super::container::trouble;
use crate::database::explain::facts::pod_object;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy, log};

/// Seconds that an instance may take to accept connections before that is worth a word: CNPG's
/// startup probe allows an hour, but a healthy one takes a few.
const PATIENCE: i64 = 120;

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    crashing(facts).or_else(|| unready(facts))
}

fn instances(facts: &Facts) -> impl Iterator<Item = View<'_>> {
    facts
        .instance_pods()
        .filter(|pod| pod.label(cnpg::JOB_ROLE).is_none())
}

fn crashing(facts: &Facts) -> Option<Finding> {
    let (pod, trouble) = instances(facts).find_map(|pod| Some((pod, trouble(pod)?)))?;
    let said = facts
        .logs
        .get(pod.name())
        .and_then(|text| log::reason(text));
    let again = if trouble.restarts {
        "ends as soon as it is started, again and again"
    } else {
        "has ended"
    };
    let mut verdict = format!("PostgreSQL in {} {again}", pod.name());
    if let Some(said) = &said {
        verdict = format!("{verdict}: {said}");
    }
    let mut evidence = vec![Evidence::new(pod_object(pod), trouble.place, trouble.said)];
    evidence.extend(said.map(|said| Evidence::new(pod_object(pod), "log", said)));
    let previous = if trouble.restarts { " --previous" } else { "" };
    Some(Finding {
        cause: Cause::Instance,
        verdict,
        evidence,
        remedy: Remedy::new(
            "see in its log why; its data is on the volume still",
            [facts.here(&format!(
                "kubectl logs {} -c {}{previous}",
                pod.name(),
                trouble.container
            ))],
        ),
    })
}

/// It runs, and does not accept connections.
fn unready(facts: &Facts) -> Option<Finding> {
    let (pod, condition, container) = instances(facts).find_map(|pod| {
        let ready = pod.condition("ContainersReady")?;
        let container = pod.at("/status/containerStatuses/0").map(View)?;
        let started = container.text("/state/running/startedAt");
        let late = facts.seconds_since(started)? > PATIENCE;
        (ready.text("/status") == Some("False") && late).then_some((pod, ready, container))
    })?;
    let unhealthy = facts.warning(pod, "Pod", |event| {
        event.text("/reason") == Some("Unhealthy")
    });
    let mut evidence = vec![Evidence::new(
        pod_object(pod),
        "condition ContainersReady",
        condition.text("/message").unwrap_or("False"),
    )];
    evidence.extend(unhealthy.map(Facts::quote_event));
    let name = container.text("/name").unwrap_or("postgres");
    Some(Finding {
        cause: Cause::Instance,
        verdict: format!(
            "PostgreSQL in {} runs, but does not accept connections",
            pod.name()
        ),
        evidence,
        remedy: Remedy::new(
            "see in its log what it is doing: recovery after a crash takes time, and ends by itself",
            [facts.here(&format!("kubectl logs {} -c {name}", pod.name()))],
        ),
    })
}
