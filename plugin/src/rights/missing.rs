//! What else is missing where a right is: so that nobody asks the platform team for one after the
//! other. Only after a refusal: who has the rights is not slowed down by questions.

use super::{CommandRights, Typed};
use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kubernetes, Right, Scope};

/// A refusal by RBAC, with every other right of what was asked for that the caller lacks.
pub(crate) async fn with_missing(k8s: &Kubernetes, typed: &Typed, failure: Failure) -> Failure {
    if failure.classification() != Class::Forbidden {
        return failure;
    }
    let said = failure.to_string();
    let mut needed: Vec<Right> = Vec::new();
    let needed_here = typed.rows.iter().flat_map(|row| needed_by(row, &said));
    for right in needed_here.filter(|right| !said.contains(&right.to_string())) {
        let right = if typed.everywhere && right.kind.is_namespaced() && right.is_here() {
            right.at(Scope::Everywhere)
        } else {
            right
        };
        if !needed.contains(&right) {
            needed.push(right);
        }
    }
    // What was refused is told already, whether or not more can be found out.
    let Ok(missing) = k8s.missing_rights(&needed).await else {
        return failure;
    };
    if missing.is_empty() {
        return failure;
    }
    let missing: Vec<String> = missing.iter().map(Right::to_string).collect();
    failure.and(vec![Complaint::new("also missing", missing.join(", "))])
}

/// What a command cannot do without; where one of the others was refused, also what it needs for the
/// same.
fn needed_by(row: &CommandRights, said: &str) -> Vec<Right> {
    let refused = |right: Right| said.contains(&right.to_string());
    let why = row.optional.iter().filter(|one| refused(one.right));
    let why: Vec<&str> = why.map(|one| one.otherwise).collect();
    let with = { row.optional.iter() }
        .filter(|one| why.contains(&one.otherwise))
        .map(|one| one.right);
    row.required.iter().copied().chain(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::Kind;

    #[test]
    fn what_a_refused_right_is_for_takes_others() {
        let row = CommandRights::of("repair").unwrap();
        let needed = needed_by(row, "eve may not patch secrets");
        assert!(needed.contains(&Right::to("delete", Kind::ConfigMap)));
        assert!(!needed.contains(&Right::to("patch", Kind::Pooler)));
        assert!(needed.contains(&Right::to("create", Kind::Pooler)));
    }
}
