//! The patches that make what is there what the record says.

use daap_crds::contract::annotation;
use daap_crds::drift::{self, Difference};
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::size::Size;
use serde_json::{Map, Value, json};

/// What the Cluster is to be: as recorded, but volumes never shrink.
pub(super) fn target(cluster: View<'_>) -> Value {
    let Some(mut recorded) = drift::recorded_cluster(cluster) else {
        return cluster.0.clone();
    };
    if let Some(larger) = grown(cluster) {
        map_at(&mut recorded, &["spec", "storage"]).insert("size".into(), larger.into());
    }
    recorded
}

/// The size that was given to the volumes behind the back of admission, if it is larger.
fn grown(cluster: View<'_>) -> Option<String> {
    let pointer = "/spec/storage/size";
    let recorded = drift::recorded_cluster(cluster)?;
    let is = Size::parse(cluster.text(pointer)?).ok()?;
    let was = Size::parse(View(&recorded).text(pointer)?).ok()?;
    (is > was).then(|| cluster.text(pointer).unwrap_or_default().to_owned())
}

/// What of the Cluster has to be written.
pub(super) fn of_cluster(cluster: View<'_>) -> Vec<Difference> {
    drift::of_cluster(cluster)
}

/// What the user should know of a repair that cannot write everything back.
pub(super) fn note(cluster: View<'_>) -> Option<String> {
    let size = grown(cluster)?;
    Some(format!(
        "Warning: volumes never shrink: the record takes over spec.storage.size {size}"
    ))
}

/// The merge patch of the Cluster. Somebody else's change since our look makes it a conflict, and we
/// look again.
pub(super) fn cluster_patch(cluster: View<'_>, pending: Value) -> Value {
    let mut patch = between(cluster.0, &target(cluster));
    if let Value::String(pending) = pending {
        set_annotation(&mut patch, annotation::PENDING, pending);
    }
    let version = cluster.at("/metadata/resourceVersion").cloned();
    map_at(&mut patch, &["metadata"])
        .insert("resourceVersion".into(), version.unwrap_or(Value::Null));
    patch
}

/// The merge patch of the Pooler.
pub(super) fn pooler_patch(cluster: View<'_>, pooler: View<'_>) -> Value {
    between(pooler.0, &drift::recorded_pooler(cluster, pooler))
}

/// The merge patch (RFC 7386) that makes `after` of `before`.
fn between(before: &Value, after: &Value) -> Value {
    let (Some(before), Some(after)) = (before.as_object(), after.as_object()) else {
        return after.clone();
    };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        match before.get(key) {
            Some(same) if same == value => {}
            Some(other @ Value::Object(_)) if value.is_object() => {
                patch.insert(key.clone(), between(other, value));
            }
            _ => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    json!(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_makes_the_one_of_the_other() {
        let before = json!({"a": 1, "b": {"c": [1], "d": 2}, "e": {"f": 1}});
        let after = json!({"a": 1, "b": {"c": [2], "d": 2}, "g": "new"});
        let patch = between(&before, &after);
        assert_eq!(patch, json!({"b": {"c": [2]}, "e": null, "g": "new"}));
        let mut patched = before;
        json_patch::merge(&mut patched, &patch);
        assert_eq!(patched, after);
    }
}
