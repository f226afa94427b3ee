//! The operator that makes databases of Clusters.

use daap_crds::contract::cnpg::OPERATOR;
use daap_crds::object::View;
use serde_json::Value;

use super::finding::Finding;
use super::server::minor;
use crate::commands::version::image_tag;
use crate::kubernetes::{Kind, Kubernetes};

const CHECK: &str = "operator";
/// The oldest minor of CNPG 1 that the operations were made for.
const OLDEST_MINOR: u32 = 28;

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    let found = match k8s.list_in(Kind::Deployment, None, OPERATOR).await {
        Ok(found) => found,
        Err(failure) => return vec![Finding::of_failure(CHECK, &failure)],
    };
    if found.is_empty() {
        return vec![Finding::warning(
            CHECK,
            format!("no Deployment of CloudNativePG is found by its label {OPERATOR}"),
            "install it, if databases stay in provisioning: https://cloudnative-pg.io",
        )];
    }
    found.iter().map(judge).collect()
}

fn judge(deployment: &Value) -> Finding {
    let view = View(deployment);
    let (namespace, name) = (view.namespace(), view.name());
    let version = image_tag(view).unwrap_or("unknown");
    let available = view.at("/status/availableReplicas").and_then(Value::as_u64);
    if available.unwrap_or_default() == 0 {
        return Finding::failed(
            CHECK,
            format!(
                "Deployment {namespace}/{name} ({version}) has no available pod: nothing becomes of what is written"
            ),
            format!(
                "look at it: kubectl describe deployment {name} -n {namespace}; kubectl logs deployment/{name} -n {namespace}"
            ),
        );
    }
    match minor(version) {
        Some(minor) if minor < OLDEST_MINOR => Finding::warning(
            CHECK,
            format!("CloudNativePG {version} is older than 1.{OLDEST_MINOR}"),
            "upgrade it: what daap knows of it may not be so",
        ),
        _ => Finding::passed(
            CHECK,
            format!("CloudNativePG {version}, Deployment {namespace}/{name} is available"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    fn operator(image: &str, available: Option<u64>) -> Value {
        json!({
            "metadata": {"namespace": "cnpg-system", "name": "cnpg-controller-manager"},
            "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
            "status": {"availableReplicas": available},
        })
    }

    #[test]
    fn without_a_pod_nothing_happens() {
        let image = "ghcr.io/cloudnative-pg/cloudnative-pg:1.30.0";
        assert_eq!(judge(&operator(image, Some(1))).outcome, Outcome::Passed);
        assert_eq!(judge(&operator(image, None)).outcome, Outcome::Failed);
        let old = "ghcr.io/cloudnative-pg/cloudnative-pg:1.20.1";
        assert_eq!(judge(&operator(old, Some(1))).outcome, Outcome::Warning);
    }
}
