use serde_json::Value;

use super::super::Resource;
use super::{Context, RuleFamily, Verdict, dependent_objects, ownership, retained, tombstone};
use crate::violation::{Rule, Violation};

/// What an update of an object must satisfy that is being deleted.
pub(super) fn families(resource: Resource) -> Vec<RuleFamily> {
    match resource {
        Resource::Cluster => vec![only_finalizers, ownership::of_cluster],
        Resource::Pooler => vec![only_finalizers, ownership::of_pooler],
        Resource::ClusterScale | Resource::PoolerScale => Vec::new(),
        Resource::PersistentVolumeClaim | Resource::Secret => vec![retained::of_object],
        Resource::ConfigMap => vec![only_finalizers, tombstone::of_owner],
        _ => vec![only_finalizers, dependent_objects::of_object],
    }
}

/// Kyverno exempted such objects altogether (CVE-2023-34091): a finalizer kept them writable.
fn only_finalizers(context: Context<'_>) -> Verdict {
    let (Some(new), Some(old)) = (&context.write.object, &context.write.old) else {
        return Ok(Vec::new());
    };
    if without_finalizers(old) == without_finalizers(new) {
        return Ok(Vec::new());
    }
    Ok(vec![Violation::new(
        Rule::Deleting,
        "metadata",
        "the object is being deleted: nothing but its finalizers changes",
        "wait until it is gone",
    )])
}

pub(super) fn without_finalizers(object: &Value) -> Value {
    let mut rest = object.clone();
    if let Some(metadata) = rest.pointer_mut("/metadata").and_then(Value::as_object_mut) {
        for key in [
            "finalizers",
            "managedFields",
            "resourceVersion",
            "generation",
        ] {
            metadata.remove(key);
        }
    }
    if let Some(object) = rest.as_object_mut() {
        object.remove("status");
    }
    rest
}
