//! The platform team's policy, as far as it may be read.

use daap_crds::admission::{Caller, Operation, Resource, Write, judge_values};
use daap_crds::contract::platform;
use daap_crds::policy::Policy;
use daap_crds::violation::Rule;
use jiff::Timestamp;
use serde_json::Value;

use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// The policy, where there is one that may be read.
pub(crate) async fn read(k8s: &Kubernetes) -> Result<Option<Policy>, Failure> {
    let system = k8s.in_namespace(platform::NAMESPACE);
    let policy = match system.get(Kind::ConfigMap, platform::POLICY).await {
        Ok(found) => found
            .as_ref()
            .and_then(|map| {
                map.pointer(&format!("/data/{}", platform::POLICY_KEY))?
                    .as_str()
            })
            .and_then(|text| Policy::from_yaml(text).ok()),
        Err(failure) if failure.classification() == Class::Forbidden => None,
        Err(failure) => return Err(failure),
    };
    Ok(policy)
}

/// A denial of a new Cluster with everything that the policy says against it. Where the API server
/// itself refuses, the webhook is not asked any more, and one reason of several would be told at a
/// time.
pub(crate) async fn and_complaints(k8s: &Kubernetes, failure: Failure, cluster: &Value) -> Failure {
    if !failure.is_denial() {
        return failure;
    }
    // Whoever was refused is told why already.
    let Ok(Some(policy)) = read(k8s).await else {
        return failure;
    };
    let write = Write {
        resource: Resource::Cluster,
        operation: Operation::Create,
        namespace: k8s.namespace().to_owned(),
        request_name: String::new(),
        object: Some(cluster.clone()),
        old: None,
        caller: Caller::default(),
        at: Timestamp::now(),
    };
    let more = judge_values(&write, &policy)
        .iter()
        // What is left out, the webhook fills in.
        .filter(|violation| violation.rule != Rule::Required)
        .map(Complaint::from)
        .collect();
    failure.and(more)
}
