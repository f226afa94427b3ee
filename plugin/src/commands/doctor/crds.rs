//! The kinds of `CloudNativePG`: served, in the version that we write, with the fields that we write.

use daap_crds::contract::cnpg;
use daap_crds::object::View;
use serde_json::Value;

use super::finding::Finding;
use crate::failure::{Class, Failure};
use crate::kubernetes::Kubernetes;

const CHECK: &str = "cnpg-kinds";
const FIELDS: &str = "cnpg-fields";
const VERSION: &str = "v1";
/// Without these there is no database.
const NEEDED: [&str; 4] = ["clusters", "poolers", "clusters/status", "poolers/status"];
/// What we write to, or read from, each kind.
const WRITTEN: [(&str, &[&str]); 2] = [
    (
        "Cluster",
        &[
            "spec.instances",
            "spec.imageName",
            "spec.storage.size",
            "spec.storage.storageClass",
            "spec.inheritedMetadata.labels",
            "spec.certificates.serverAltDNSNames",
            "status.phase",
            "status.phaseReason",
            "status.instances",
            "status.readyInstances",
            "status.currentPrimary",
        ],
    ),
    (
        "Pooler",
        &[
            "spec.cluster.name",
            "spec.instances",
            "spec.type",
            "spec.pgbouncer.poolMode",
            "status.instances",
        ],
    ),
];
const REMEDY: &str = "install CloudNativePG 1.28 or newer (https://cloudnative-pg.io), or choose another cluster with --context";

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    let served = served(k8s)
        .await
        .unwrap_or_else(|failure| Finding::of_failure(CHECK, &failure));
    if served.remedy.is_some() {
        return vec![served];
    }
    let fields = match k8s
        .raw(&format!("/openapi/v3/apis/{}/{VERSION}", cnpg::GROUP))
        .await
    {
        Ok(document) => fields(&document),
        Err(failure) if failure.classification() == Class::Forbidden => {
            Finding::of_failure(FIELDS, &failure)
        }
        Err(failure) => Finding::skipped(FIELDS, format!("no schema to be had: {failure}")),
    };
    vec![served, fields]
}

async fn served(k8s: &Kubernetes) -> Result<Finding, Failure> {
    let path = format!("/apis/{}", cnpg::GROUP);
    let is_unknown =
        |failure: &Failure| matches!(failure.classification(), Class::NotServed | Class::NotFound);
    let group = match k8s.raw(&path).await {
        Ok(group) => group,
        Err(failure) if is_unknown(&failure) => {
            return Ok(Finding::failed(
                CHECK,
                format!(
                    "this cluster has no CloudNativePG: {} is not served",
                    cnpg::GROUP
                ),
                REMEDY,
            ));
        }
        Err(failure) => return Err(failure),
    };
    let versions: Vec<&str> = { group.pointer("/versions").and_then(Value::as_array) }
        .into_iter()
        .flatten()
        .filter_map(|version| View(version).text("/version"))
        .collect();
    if !versions.contains(&VERSION) {
        return Ok(Finding::failed(
            CHECK,
            format!(
                "{} is served as {}, not as {VERSION}",
                cnpg::GROUP,
                versions.join(", ")
            ),
            REMEDY,
        ));
    }
    let resources = k8s.raw(&format!("{path}/{VERSION}")).await?;
    Ok(judge(&resources))
}

fn judge(resources: &Value) -> Finding {
    let names: Vec<&str> = { resources.pointer("/resources").and_then(Value::as_array) }
        .into_iter()
        .flatten()
        .filter_map(|resource| View(resource).text("/name"))
        .collect();
    let missing: Vec<&str> = { NEEDED.into_iter() }
        .filter(|needed| !names.contains(needed))
        .collect();
    if !missing.is_empty() {
        return Finding::failed(
            CHECK,
            format!(
                "{}/{VERSION} does not serve {}",
                cnpg::GROUP,
                missing.join(", ")
            ),
            REMEDY,
        );
    }
    Finding::passed(
        CHECK,
        format!("{}/{VERSION} serves clusters and poolers", cnpg::GROUP),
    )
}

/// Whether the schemas have every field: what a schema does not know, the API server drops.
fn fields(document: &Value) -> Finding {
    let mut missing = Vec::new();
    for (kind, paths) in WRITTEN {
        let Some(schema) = schema(document, kind) else {
            missing.push(format!("{kind}, as a whole"));
            continue;
        };
        let lacking = paths.iter().filter(|path| !knows(document, schema, path));
        missing.extend(lacking.map(|path| format!("{kind} {path}")));
    }
    if missing.is_empty() {
        return Finding::passed(
            FIELDS,
            "the schemas have every field that is written or read",
        );
    }
    Finding::failed(
        FIELDS,
        format!("the schemas lack {}", missing.join(", ")),
        REMEDY,
    )
}

fn schema<'a>(document: &'a Value, kind: &str) -> Option<&'a Value> {
    let schemas = document.pointer("/components/schemas")?.as_object()?;
    schemas.values().find(|schema| {
        let kinds = schema.get("x-kubernetes-group-version-kind");
        let kinds = kinds.and_then(Value::as_array);
        kinds.is_some_and(|kinds| {
            kinds.iter().map(View).any(|one| {
                one.text("/kind") == Some(kind)
                    && one.text("/group") == Some(cnpg::GROUP)
                    && one.text("/version") == Some(VERSION)
            })
        })
    })
}

/// A schema that keeps what it does not know has every field.
fn knows(document: &Value, schema: &Value, path: &str) -> bool {
    let mut here = schema;
    for field in path.split('.') {
        here = resolve(document, here);
        let keeps = [
            "x-kubernetes-preserve-unknown-fields",
            "additionalProperties",
        ]
        .iter()
        .any(|key| {
            here.get(key)
                .is_some_and(|value| *value != Value::Bool(false))
        });
        match here.pointer(&format!("/properties/{field}")) {
            Some(next) => here = next,
            None => return keeps,
        }
    }
    true
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = View(schema)
        .text("/$ref")
        .or_else(|| View(schema).text("/allOf/0/$ref"));
    let target = reference.and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(schema)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    fn document(cluster: &Value) -> Value {
        let kind = |kind: &str| json!([{"group": cnpg::GROUP, "version": "v1", "kind": kind}]);
        let mut cluster = cluster.clone();
        cluster["x-kubernetes-group-version-kind"] = kind("Cluster");
        json!({"components": {"schemas": {
            "cluster": cluster,
            "pooler": {
                "x-kubernetes-group-version-kind": kind("Pooler"),
                "x-kubernetes-preserve-unknown-fields": true,
            },
        }}})
    }

    #[test]
    fn a_field_that_is_not_in_the_schema_is_named() {
        let whole = json!({"x-kubernetes-preserve-unknown-fields": true});
        assert_eq!(fields(&document(&whole)).outcome, Outcome::Passed);
        let old = json!({"properties": {
            "spec": {"properties": {
                "instances": {}, "imageName": {}, "storage": {"properties": {"size": {}, "storageClass": {}}},
                "certificates": {"properties": {"serverAltDNSNames": {}}},
            }},
            "status": {"x-kubernetes-preserve-unknown-fields": true},
        }});
        let found = fields(&document(&old));
        assert_eq!(
            (found.outcome, found.message.as_str()),
            (
                Outcome::Failed,
                "the schemas lack Cluster spec.inheritedMetadata.labels"
            )
        );
    }

    #[test]
    fn what_is_not_served_is_named() {
        let served = json!({"resources": [{"name": "clusters"}, {"name": "clusters/status"}, {"name": "poolers/status"}]});
        assert!(judge(&served).message.ends_with("does not serve poolers"));
    }
}
