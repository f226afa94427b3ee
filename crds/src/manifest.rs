//! CRDs made from our types, for clusters that have none: the sandbox and the tests.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use kube::CustomResourceExt;

use crate::resources::{Cluster, Pooler};

/// The values that CNPG's own CRD gives to a Pooler's `spec.pgbouncer.poolMode`: unset fields
/// arrive at admission already defaulted, and rules have to cope with that.
const POOL_MODE_DEFAULT: &str = "session";

/// CRDs of Cluster and Pooler that keep whatever they do not know, with CNPG's defaults for what
/// they do.
#[must_use]
pub fn crds() -> Vec<CustomResourceDefinition> {
    let mut crds = vec![Cluster::crd(), Pooler::crd()];
    for crd in &mut crds {
        for version in &mut crd.spec.versions {
            let Some(schema) = version
                .schema
                .as_mut()
                .and_then(|schema| schema.open_api_v3_schema.as_mut())
            else {
                continue;
            };
            keep_unknown_fields(schema);
            default_like_cnpg(schema);
        }
    }
    crds
}

fn keep_unknown_fields(schema: &mut JSONSchemaProps) {
    let Some(properties) = schema.properties.as_mut() else {
        return;
    };
    for property in properties.values_mut() {
        keep_unknown_fields(property);
    }
    // A structural schema has either of the two.
    schema.additional_properties = None;
    schema.x_kubernetes_preserve_unknown_fields = Some(true);
}

fn default_like_cnpg(schema: &mut JSONSchemaProps) {
    let mut set = |path: &[&str], value: serde_json::Value| {
        let mut here = &mut *schema;
        for key in path {
            let Some(next) = here
                .properties
                .as_mut()
                .and_then(|properties| properties.get_mut(*key))
            else {
                return;
            };
            here = next;
        }
        here.default =
            Some(k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSON(value));
    };
    set(&["spec", "instances"], 1.into());
    set(&["spec", "pgbouncer", "poolMode"], POOL_MODE_DEFAULT.into());
    set(&["spec", "type"], "rw".into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keep_what_they_do_not_know_and_default_like_cnpg() {
        let crds = serde_json::to_value(crds()).unwrap();
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
        for index in 0..2 {
            let schema = crds.pointer(&format!("/{index}{spec}")).unwrap();
            assert_eq!(schema["x-kubernetes-preserve-unknown-fields"], true);
            assert_eq!(schema["properties"]["instances"]["default"], 1);
        }
        let mode = crds
            .pointer(&format!(
                "/1{spec}/properties/pgbouncer/properties/poolMode/default"
            ))
            .unwrap();
        assert_eq!(mode, "session");
        assert!(
            crds.pointer("/0/spec/versions/0/subresources/scale")
                .is_some()
        );
    }
}
