//! It was told to stop: docked, or fenced.

use daap_crds::contract::cnpg;

use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};

pub(super) fn hibernation(facts: &Facts) -> Option<Finding> {
    let cluster = facts.cluster();
    if cluster.annotation(cnpg::HIBERNATION) != Some("on") {
        return None;
    }
    let condition = cluster.condition(cnpg::HIBERNATION_CONDITION);
    let is_docked = condition.is_some_and(|condition| condition.text("/status") == Some("True"));
    let verdict = if is_docked {
        "it is docked: PostgreSQL is stopped, and its data is kept on its volumes"
    } else {
        "it was told to stop, and stops as soon as it can"
    };
    let place = format!("annotation {}", cnpg::HIBERNATION);
    let mut evidence = vec![Evidence::new(facts.cluster_object(), place, "on")];
    evidence.extend(condition.map(|condition| {
        let said =
            crate::database::pod::joined(condition.text("/reason"), condition.text("/message"));
        let place = format!("condition {}", cnpg::HIBERNATION_CONDITION);
        Evidence {
            last_seen: condition.text("/lastTransitionTime").map(str::to_owned),
            ..Evidence::new(facts.cluster_object(), place, said)
        }
    }));
    Some(Finding {
        cause: Cause::Hibernation,
        verdict: verdict.to_owned(),
        evidence,
        remedy: Remedy::new(
            "wake it; its rows and its password are as they were",
            [facts.annotate_cluster(&format!("{}=off", cnpg::HIBERNATION))],
        ),
    })
}

pub(super) fn fencing(facts: &Facts) -> Option<Finding> {
    let fenced = facts
        .cluster()
        .annotation(cnpg::FENCED_INSTANCES)
        .filter(|fenced| !["", "[]"].contains(fenced))?;
    let place = format!("annotation {}", cnpg::FENCED_INSTANCES);
    Some(Finding {
        cause: Cause::Fencing,
        verdict: "instances of it are fenced: PostgreSQL is stopped in them, and their pods stay"
            .to_owned(),
        evidence: vec![Evidence::new(facts.cluster_object(), place, fenced)],
        remedy: Remedy::new(
            "lift the fence, unless somebody is working on the data",
            [facts.annotate_cluster(&format!("{}-", cnpg::FENCED_INSTANCES))],
        ),
    })
}
