//! What a write becomes: what is missing is filled in, who and when is stamped, history appended.
//!
//! Always computed from the old object, so that a second pass (`reinvocationPolicy: IfNeeded`)
//! changes nothing.

mod cluster;
mod pooler;
pub(super) mod stamps;

use serde_json::Value;

use super::{Facts, Operation, Resource, Unanswered, Write};
use crate::policy::Policy;

/// A write as it should be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    /// The object.
    pub object: Value,
    /// What the writer should know.
    pub warnings: Vec<String>,
}

/// Completes a write. Never judges: what cannot be completed is left for [`super::judge`] to name.
///
/// # Errors
/// Questions that have to be answered first.
pub fn mutate(write: &Write, policy: &Policy, facts: &Facts) -> Result<Mutation, Unanswered> {
    let mut mutation = Mutation {
        object: write.object.clone().unwrap_or_default(),
        warnings: Vec::new(),
    };
    let leaves_alone = write.operation == Operation::Delete
        || write.object.is_none()
        || !write.is_governed()
        || write
            .old_view()
            .is_some_and(crate::object::View::is_being_deleted);
    if leaves_alone {
        return Ok(mutation);
    }
    match write.resource {
        Resource::Cluster => cluster::complete(write, policy, facts, &mut mutation.object)?,
        Resource::Pooler => pooler::complete(write, policy, facts, &mut mutation)?,
        _ => {}
    }
    Ok(mutation)
}
