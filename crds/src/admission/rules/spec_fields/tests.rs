//! The lists name every field that CNPG has, and no other.

use daap_reference::Reference;
use serde_json::Value;

use super::allowed::Group;
use super::{cluster, pooler};

/// The schemas of the specs of Cluster and Pooler, as CNPG releases them.
fn schemas() -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(Reference::Manifest.at_hand()?).unwrap();
    let schema = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let of_kind = |kind: &str| {
        let named = format!("    kind: {kind}\n");
        let document = { text.split("\n---\n") }.find(|document| document.contains(&named));
        let document: Value = serde_saphyr::from_str(document.unwrap()).unwrap();
        document.pointer(schema).cloned().unwrap()
    };
    Some(vec![of_kind("Cluster"), of_kind("Pooler")])
}

fn named(groups: &[Group], path: &str) -> bool {
    groups.iter().any(|group| group.paths.contains(&path))
}

/// Paths of the schema that no group names.
fn unnamed(groups: &[Group], prefix: &str, schema: &Value, found: &mut Vec<String>) {
    let fields = schema.get("properties").and_then(Value::as_object);
    for (key, schema) in fields.into_iter().flatten() {
        let path = format!("{prefix}{key}");
        let (below, schema) = match schema.get("items") {
            Some(items) => (format!("{path}[]."), items),
            None => (format!("{path}."), schema),
        };
        let goes_on = |prefix: &str| {
            let mut paths = groups.iter().flat_map(|group| group.paths);
            paths.any(|path| path.starts_with(prefix))
        };
        if named(groups, &path) || named(groups, &format!("{prefix}*")) && !goes_on(&below) {
            continue;
        }
        if goes_on(&below) {
            unnamed(groups, &below, schema, found);
        } else {
            found.push(path);
        }
    }
}

fn exists(path: &str, schema: &Value) -> bool {
    let mut here = Some(schema);
    for part in path.split('.') {
        if part == "*" {
            return here.is_some();
        }
        let name = part.trim_end_matches("[]");
        here = here.and_then(|schema| schema.get("properties")?.get(name));
        if part.ends_with("[]") {
            here = here.and_then(|schema| schema.get("items"));
        }
    }
    here.is_some()
}

#[test]
fn the_lists_name_every_field_that_cnpg_has_and_no_other() {
    let Some(schemas) = schemas() else { return };
    for (groups, schema) in [cluster::GROUPS, pooler::GROUPS].iter().zip(&schemas) {
        let mut found = Vec::new();
        unnamed(groups, "", schema, &mut found);
        assert_eq!(found, Vec::<String>::new());
        let mut paths = groups.iter().flat_map(|group| group.paths);
        assert_eq!(paths.find(|path| !exists(path, schema)), None);
    }
}

#[test]
fn no_field_is_decided_twice() {
    for groups in [cluster::GROUPS, pooler::GROUPS] {
        let mut paths: Vec<&str> = groups
            .iter()
            .flat_map(|group| group.paths)
            .copied()
            .collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all);
        let below = |path: &str| {
            let inner = [format!("{path}."), format!("{path}[]")];
            paths
                .iter()
                .any(|other| inner.iter().any(|inner| other.starts_with(inner.as_str())))
        };
        // What lies below a path that is decided would never be looked at.
        assert_eq!(
            paths
                .iter()
                .find(|path| !path.ends_with('*') && below(path)),
            None
        );
    }
}
