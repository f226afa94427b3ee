use serde_json::Value;

use super::{Facts, Operation, Question, Resource, Unanswered, Write};
use crate::contract::label;
use crate::object::View;
use crate::tombstone::Tombstone;

/// What a deleted database was, where `write` brings it back: the object that the tombstone of the
/// new one's id keeps.
pub(super) fn object(write: &Write, facts: &Facts) -> Result<Option<Value>, Unanswered> {
    let Some(new) = write
        .new_view()
        .filter(|_| write.operation == Operation::Create)
    else {
        return Ok(None);
    };
    let restore: fn(View<'_>) -> Option<Value> = match write.resource {
        Resource::Cluster => Tombstone::restored_cluster,
        Resource::Pooler => |map| Tombstone::restored_pooler(map, ""),
        _ => return Ok(None),
    };
    let Some(id) = new.label(label::ID) else {
        return Ok(None);
    };
    let tombstone = facts.object(Question::Tombstone {
        namespace: write.namespace.clone(),
        id: id.to_owned(),
    })?;
    Ok(tombstone.and_then(|tombstone| restore(View(tombstone))))
}
