//! What else is missing where a right is: so that nobody asks the platform team for one after the
//! other. Only after a refusal: who has the rights is not slowed down by questions.

use super::CommandRights;
use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kubernetes, Right};

/// A refusal by RBAC, with every other right of the command that the caller lacks.
pub(crate) async fn with_missing(k8s: &Kubernetes, command: &str, failure: Failure) -> Failure {
    if failure.classification() != Class::Forbidden {
        return failure;
    }
    let Some(row) = CommandRights::of(command) else {
        return failure;
    };
    // What was refused is told already, whether or not more can be found out.
    let Ok(missing) = k8s.missing_rights(row.required).await else {
        return failure;
    };
    let said = failure.to_string();
    let more: Vec<String> = { missing.iter() }
        .map(Right::to_string)
        .filter(|right| !said.contains(right))
        .collect();
    if more.is_empty() {
        return failure;
    }
    failure.and(vec![Complaint::new("also missing", more.join(", "))])
}
