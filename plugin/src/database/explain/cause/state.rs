//! What is left to say where no part of it is in trouble: what CNPG says, that it takes its time, or
//! that all is well.

use daap_crds::state::{State, Status};

use crate::database::explain::facts::instant;
use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};
use crate::database::pod::joined;

/// Phases in which CNPG waits for a person, and what that person may do.
const PHASES: [(&str, &str); 4] = [
    (
        "Cluster is unrecoverable and needs manual intervention",
        "its volumes are gone or are not its own any more; where they were taken from it, this gives them back",
    ),
    (
        "Unable to create required cluster objects",
        "see why in what CloudNativePG says, and correct it; it tries again by itself",
    ),
    (
        "Invalid cluster definition",
        "correct the field that CloudNativePG complains of",
    ),
    (
        "Cluster has incomplete or invalid image catalog",
        "name an image, or correct the catalog",
    ),
];

pub(super) fn error(facts: &Facts, status: &Status) -> Option<Finding> {
    if status.state != State::Error {
        return None;
    }
    let cluster = facts.cluster();
    let phase = cluster.text("/status/phase").unwrap_or_default();
    let said = joined(Some(phase), cluster.text("/status/phaseReason"));
    let reason = status.reason.as_deref().unwrap_or("something is wrong");
    let remedy = PHASES.iter().find(|(known, _)| *known == phase).map_or(
        "see what happened, and tell your platform team",
        |(_, remedy)| *remedy,
    );
    Some(Finding {
        cause: Cause::Operator,
        verdict: format!("{reason}, and no part of it says why"),
        evidence: evidence(facts, "status.phase", &said),
        remedy: Remedy::new(remedy, [facts.daap("repair", ""), facts.daap("events", "")]),
    })
}

/// Nothing is wrong, as far as can be seen.
pub(super) fn progress(facts: &Facts, status: &Status) -> Finding {
    let cluster = facts.cluster();
    let reason = status.reason.as_deref().unwrap_or("no reason is given");
    let unseen = unseen(facts);
    let (verdict, text) = if unseen.is_empty() {
        (
            format!("nothing is known to be wrong: it is on its way ({reason})"),
            "give it time, and follow what happens",
        )
    } else {
        (
            format!("it is on its way ({reason}); whether something is wrong cannot be seen"),
            "follow what happens, or ask your platform team for the ClusterRole daap-user",
        )
    };
    let phase = cluster.text("/status/phase").unwrap_or_default();
    let said = joined(Some(phase), cluster.text("/status/phaseReason"));
    let mut evidence = evidence(facts, "status.phase", &said);
    evidence.extend(unseen);
    Finding {
        cause: Cause::Progress,
        verdict,
        evidence,
        remedy: Remedy::new(text, [facts.daap("events", "--watch")]),
    }
}

pub(super) fn ready(facts: &Facts, status: &Status) -> Option<Finding> {
    (status.state == State::Ready).then(|| Finding {
        cause: Cause::None,
        verdict: "nothing is wrong: it serves connections through its pooler".to_owned(),
        evidence: evidence(
            facts,
            "status.phase",
            facts.cluster().text("/status/phase").unwrap_or_default(),
        ),
        remedy: Remedy::new("connect to it", [facts.daap("connect", "")]),
    })
}

/// Where CNPG says nothing yet there is nothing to quote.
fn evidence(facts: &Facts, place: &str, said: &str) -> Vec<Evidence> {
    if said.is_empty() {
        return Vec::new();
    }
    let ready = facts.cluster().condition("Ready");
    let since = ready.and_then(|ready| ready.text("/lastTransitionTime"));
    vec![Evidence {
        last_seen: instant(since).map(|since| since.to_string()),
        ..Evidence::new(facts.cluster_object(), place, said)
    }]
}

/// What the caller may not see, and what therefore explains nothing.
fn unseen(facts: &Facts) -> Vec<Evidence> {
    [
        ("Pods", facts.pods.as_ref().err()),
        ("PersistentVolumeClaims", facts.volumes.as_ref().err()),
        ("Events", facts.warnings.as_ref().err()),
    ]
    .into_iter()
    .filter_map(|(kind, why)| Some(Evidence::new(kind, "list", why?)))
    .collect()
}
