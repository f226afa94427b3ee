//! Who reads a Secret: workloads whose pods refer to it.

use std::collections::BTreeMap;

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use serde_json::Value;

/// Label of a Deployment's pods: what its `ReplicaSet`'s name ends with.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// A workload that reads a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    /// As in `deployment/shop`.
    pub(crate) workload: String,
    /// How many of its pods do.
    pub(crate) pods: usize,
    /// In variables: they change only when a container starts.
    pub(crate) environment: bool,
    /// As files: they change by themselves, if the application looks again.
    pub(crate) files: bool,
}

impl Reader {
    /// Whether `kubectl rollout restart` knows it.
    pub(crate) fn restarts(&self) -> bool {
        ["deployment/", "statefulset/", "daemonset/"]
            .iter()
            .any(|kind| self.workload.starts_with(kind))
    }
}

/// The workloads among whose pods some refer to that Secret, without the database's own.
pub(crate) fn readers(pods: &[Value], secret: &str) -> Vec<Reader> {
    let mut found: BTreeMap<String, Reader> = BTreeMap::new();
    for pod in pods.iter().map(View) {
        let (environment, files) = (reads_variables(pod, secret), mounts(pod, secret));
        let is_over = matches!(pod.text("/status/phase"), Some("Succeeded" | "Failed"));
        let is_cnpgs = pod.label(cnpg::CLUSTER).is_some();
        if is_over || is_cnpgs || !(environment || files) {
            continue;
        }
        let workload = workload(pod);
        let reader = found.entry(workload.clone()).or_insert(Reader {
            workload,
            pods: 0,
            environment: false,
            files: false,
        });
        reader.pods += 1;
        reader.environment |= environment;
        reader.files |= files;
    }
    found.into_values().collect()
}

/// What a person knows it by: a Deployment rather than its `ReplicaSet`.
fn workload(pod: View<'_>) -> String {
    let controller = pod
        .owner_references()
        .iter()
        .map(View)
        .find(|owner| owner.at("/controller") == Some(&Value::Bool(true)));
    let Some(owner) = controller else {
        return format!("pod/{}", pod.name());
    };
    let (kind, name) = (
        owner.text("/kind").unwrap_or_default(),
        owner.text("/name").unwrap_or_default(),
    );
    let deployment = pod
        .label(TEMPLATE_HASH)
        .filter(|_| kind == "ReplicaSet")
        .and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    match deployment {
        Some(deployment) => format!("deployment/{deployment}"),
        None => format!("{}/{name}", kind.to_lowercase()),
    }
}

fn reads_variables(pod: View<'_>, secret: &str) -> bool {
    ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|field| list(pod, &format!("/spec/{field}")))
        .map(View)
        .any(|container| {
            let refers = |field: &str, pointer: &str| {
                list(container, field)
                    .iter()
                    .any(|one| View(one).text(pointer) == Some(secret))
            };
            refers("/env", "/valueFrom/secretKeyRef/name") || refers("/envFrom", "/secretRef/name")
        })
}

fn mounts(pod: View<'_>, secret: &str) -> bool {
    list(pod, "/spec/volumes").iter().map(View).any(|volume| {
        volume.text("/secret/secretName") == Some(secret)
            || list(volume, "/projected/sources")
                .iter()
                .any(|source| View(source).text("/secret/name") == Some(secret))
    })
}

fn list<'a>(object: View<'a>, pointer: &str) -> &'a [Value] {
    object
        .at(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "daap-orders-app";

    fn pod(name: &str, owner: &Value, labels: &Value, spec: &Value) -> Value {
        json!({"metadata": {"name": name, "labels": labels, "ownerReferences": owner}, "spec": spec})
    }

    fn variable() -> Value {
        json!({"containers": [{"name": "c", "env": [{"name": "P", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": "password"}}}]}]})
    }

    #[test]
    fn workloads_are_named_as_people_know_them() {
        let replica_set =
            json!([{"kind": "ReplicaSet", "name": "shop-5d8f", "uid": "1", "controller": true}]);
        let hash = json!({"pod-template-hash": "5d8f"});
        let set = json!([{"kind": "StatefulSet", "name": "store", "uid": "2", "controller": true}]);
        let mounted = json!({"containers": [], "volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": SECRET}}]}}]});
        let pods = [
            pod("shop-5d8f-a", &replica_set, &hash, &variable()),
            pod("shop-5d8f-b", &replica_set, &hash, &variable()),
            pod("store-0", &set, &json!({}), &mounted),
            pod(
                "alone",
                &Value::Null,
                &json!({}),
                &json!({"initContainers": [{"envFrom": [{"secretRef": {"name": SECRET}}]}]}),
            ),
            pod(
                "other",
                &Value::Null,
                &json!({}),
                &json!({"volumes": [{"secret": {"secretName": "another"}}]}),
            ),
            pod(
                "daap-orders-1",
                &Value::Null,
                &json!({"cnpg.io/cluster": "daap-orders"}),
                &variable(),
            ),
        ];
        let found = readers(&pods, SECRET);
        let said: Vec<_> = found
            .iter()
            .map(|reader| {
                (
                    reader.workload.as_str(),
                    reader.pods,
                    reader.environment,
                    reader.files,
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                ("deployment/shop", 2, true, false),
                ("pod/alone", 1, true, false),
                ("statefulset/store", 1, false, true),
            ]
        );
        assert!(found.first().unwrap().restarts() && !found.get(1).unwrap().restarts());
    }

    #[test]
    fn a_pod_that_has_ended_reads_nothing() {
        let mut ended = pod("job", &Value::Null, &json!({}), &variable());
        ended["status"] = json!({"phase": "Succeeded"});
        assert_eq!(readers(&[ended], SECRET), []);
    }
}
