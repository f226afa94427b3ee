//! A Job that fills the volume of an instance has failed: CNPG goes on saying `Setting up primary`.

use std::collections::BTreeSet;

use daap_crds::contract::cnpg;
use daap_crds::object::View;

use super::container::{Trouble, trouble};
use crate::database::explain::facts::pod_object;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy, log};
use crate::database::pod;

pub(super) fn find(facts: &Facts) -> Option<Finding> {
    let of_jobs = || {
        facts
            .instance_pods()
            .filter(|pod| pod.label(cnpg::JOB_ROLE).is_some())
    };
    let failed: Vec<(View<'_>, Trouble)> = of_jobs()
        .filter_map(|pod| Some((pod, trouble(pod)?)))
        .filter(|(pod, _)| !is_over(facts, *pod))
        .collect();
    let names: BTreeSet<&str> = failed.iter().map(|(pod, _)| job(*pod)).collect();
    // The last one may have its log still.
    let (pod, trouble) = failed
        .iter()
        .max_by_key(|(pod, _)| pod.text("/metadata/creationTimestamp"))?;
    let said = facts
        .logs
        .get(pod.name())
        .and_then(|text| log::reason(text));
    let role = pod.label(cnpg::JOB_ROLE).unwrap_or("Job");
    let times = match failed.len() {
        1 => "has failed".to_owned(),
        times => format!("has failed {times} times"),
    };
    let mut verdict = format!("{role}, which fills the volume of its first instance, {times}");
    if role == "join" {
        verdict = format!("{role}, which fills the volume of another instance, {times}");
    }
    if let Some(said) = &said {
        verdict = format!("{verdict}: {said}");
    }
    let mut evidence: Vec<Evidence> = failed
        .iter()
        .map(|(pod, trouble)| Evidence::new(pod_object(*pod), &trouble.place, &trouble.said))
        .collect();
    evidence.extend(said.map(|said| Evidence::new(pod_object(*pod), "log", said)));
    let given_up = facts.warnings().rev().find(|event| {
        event.text("/involvedObject/kind") == Some("Job")
            && event.text("/reason") == Some("BackoffLimitExceeded")
            && names.contains(event.text("/involvedObject/name").unwrap_or_default())
    });
    evidence.extend(given_up.map(Facts::quote_event));
    Some(Finding {
        cause: Cause::Job,
        verdict,
        evidence,
        remedy: remedy(facts, *pod, trouble),
    })
}

/// The name of the Job that a pod is of.
fn job(pod: View<'_>) -> &str {
    ["batch.kubernetes.io/job-name", "job-name"]
        .iter()
        .find_map(|label| pod.label(label))
        .unwrap_or_default()
}

/// Whether another pod of the same Job has done it since.
fn is_over(facts: &Facts, failed: View<'_>) -> bool {
    let pods = facts.pods.iter().flatten().map(View);
    let same = |pod: &View<'_>| pod.label(cnpg::INSTANCE_NAME) == failed.label(cnpg::INSTANCE_NAME);
    pods.filter(same)
        .any(|pod| pod::has_succeeded(pod) || pod.label(cnpg::JOB_ROLE).is_none())
}

fn remedy(facts: &Facts, pod: View<'_>, trouble: &Trouble) -> Remedy {
    let logs = facts.here(&format!(
        "kubectl logs {} -c {}",
        pod.name(),
        trouble.container
    ));
    if facts.has_run() {
        return Remedy::new(
            "see in its log what it could not do; it is tried again",
            [logs],
        );
    }
    let [delete, create] = facts.begin_anew("");
    Remedy::new(
        "correct what it complains of (spec.bootstrap never changes, so that means to begin anew: nothing is lost, since the database has never run)",
        [logs, delete, create],
    )
}
