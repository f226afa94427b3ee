//! What was changed or removed behind the back of admission.

use daap_crds::contract::cnpg;
use daap_crds::drift;
use daap_crds::object::View;

use crate::database::explain::{Cause, Evidence, Facts, Finding, Remedy};

pub(super) fn cluster_missing(facts: &Facts) -> Option<Finding> {
    facts.database.lost.then(|| Finding {
        cause: Cause::ClusterMissing,
        verdict:
            "its cluster was removed past daap, and its record with it; only its pooler is left"
                .to_owned(),
        evidence: vec![
            Evidence::new(facts.cluster_object(), "get", "not found"),
            Evidence::new(
                format!("Pooler/{}", facts.name.pooler()),
                "spec.cluster.name",
                facts.name.cluster(),
            ),
        ],
        remedy: Remedy::new(
            "see what is left of its data; an administrator has to decide what becomes of it",
            [facts.here(&format!(
                "kubectl get pvc -l {}={}",
                cnpg::CLUSTER,
                facts.name.cluster()
            ))],
        ),
    })
}

/// A record that an operation is about to write differs for good reason.
pub(super) fn drifted(facts: &Facts) -> Option<Finding> {
    if facts.pending().is_some() {
        return None;
    }
    let pooler = facts.database.pooler.as_ref().map(View);
    let (of_cluster, of_pooler) = drift::of_database(facts.cluster(), pooler);
    let of_cluster = of_cluster
        .into_iter()
        .map(|difference| (facts.cluster_object(), difference));
    let of_pooler = of_pooler
        .into_iter()
        .map(|difference| (format!("Pooler/{}", facts.name.pooler()), difference));
    let evidence: Vec<Evidence> = of_cluster
        .chain(of_pooler)
        .map(|(object, difference)| {
            let said = format!(
                "{}, and the record says {}",
                difference.found, difference.recorded
            );
            Evidence::new(object, difference.field, said)
        })
        .collect();
    let fields = match evidence.len() {
        0 => return None,
        1 => "a field".to_owned(),
        many => format!("{many} fields"),
    };
    Some(Finding {
        cause: Cause::Drift,
        verdict: format!("it was changed past admission: {fields} differ from its record"),
        evidence,
        remedy: Remedy::new(
            "look at the difference, and write back what the record says",
            [facts.daap("diff", ""), facts.daap("repair", "")],
        ),
    })
}

pub(super) fn credentials(facts: &Facts) -> Option<Finding> {
    let is_up = facts.cluster().text("/status/currentPrimary").is_some();
    (is_up && !facts.database.app_secret).then(|| Finding {
        cause: Cause::Credentials,
        verdict: "the Secret with its password is gone".to_owned(),
        evidence: vec![Evidence::new(
            format!("Secret/{}", facts.name.app_secret()),
            "get",
            "not found",
        )],
        remedy: Remedy::new(
            "the operator makes another one, with another password, as soon as it looks at the database: what uses the old one has to be told",
            [
                facts.daap("get", ""),
                facts.daap("credentials", ""),
            ],
        ),
    })
}
