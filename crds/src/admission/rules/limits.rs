use serde_json::Value;

use super::{Context, Verdict};
use crate::object::View;
use crate::policy::{Policy, Range};
use crate::size::Size;
use crate::violation::{Rule, Violation};

pub(super) fn of_cluster(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let (old, policy) = (context.before(), context.policy);
    let mut violations = Vec::new();
    violations.extend(count(
        "spec.instances",
        new.at("/spec/instances"),
        old.and_then(|old| old.at("/spec/instances")),
        &policy.limits.instances,
    ));
    violations.extend(storage(new, context));
    violations.extend(image(new, old, policy));
    Ok(violations)
}

/// A number within its range, or at least no further out than it was.
pub(super) fn count(
    field: &str,
    new: Option<&Value>,
    old: Option<&Value>,
    range: &Range<u32>,
) -> Option<Violation> {
    let given = new.and_then(Value::as_i64)?;
    let (min, max) = (i64::from(range.min), i64::from(range.max));
    let before = old.and_then(Value::as_i64);
    // Zero stays zero only for what was stored so: CNPG itself refuses it.
    let no_worse = before
        .is_some_and(|before| (given > max && given <= before) || (given < min && given >= before));
    if (min..=max).contains(&given) || no_worse {
        return None;
    }
    Some(Violation::new(
        Rule::Limits,
        field,
        format!("{given} is not within {min}–{max}"),
        format!("choose a number from {min} to {max}"),
    ))
}

fn storage(new: View<'_>, context: Context<'_>) -> Option<Violation> {
    const FIELD: &str = "spec.storage.size";
    let pointer = "/spec/storage/size";
    let Some(given) = new.text(pointer) else {
        return Some(Violation::new(
            Rule::Required,
            FIELD,
            "it is missing",
            "set it to a size as 10Gi",
        ));
    };
    let size = match Size::parse(given) {
        Ok(size) => size,
        Err(error) => {
            return Some(Violation::new(
                Rule::Format,
                FIELD,
                error.to_string(),
                "correct the value",
            ));
        }
    };
    let before = context
        .before()
        .and_then(|old| old.text(pointer))
        .and_then(|size| Size::parse(size).ok());
    if let Some(before) = &before {
        // A restore takes the size that the volumes have where their class cannot grow.
        let restored = context.old_view().is_none();
        if size < *before && restored {
            return None;
        }
        if size < *before {
            return Some(Violation::new(
                Rule::Limits,
                FIELD,
                format!("{size} is less than the present {before}; volumes never shrink"),
                "keep the size, or create a smaller database and move the data",
            ));
        }
        if size == *before {
            return None;
        }
    }
    let range = &context.policy.limits.storage;
    (!range.contains(&size)).then(|| {
        Violation::new(
            Rule::Limits,
            FIELD,
            format!("{size} is not within {}–{}", range.min, range.max),
            format!("choose a size from {} to {}", range.min, range.max),
        )
    })
}

fn image(new: View<'_>, old: Option<View<'_>>, policy: &Policy) -> Option<Violation> {
    let pointer = "/spec/imageName";
    let given = new.text(pointer)?;
    if policy.allows_image(given) || old.and_then(|old| old.text(pointer)) == Some(given) {
        return None;
    }
    let patterns: Vec<String> = policy
        .limits
        .images
        .iter()
        .map(ToString::to_string)
        .collect();
    Some(Violation::new(
        Rule::Limits,
        "spec.imageName",
        format!(
            "'{given}' matches none of the platform's images: {}",
            patterns.join(", ")
        ),
        "choose an image that matches, or leave it out for the default",
    ))
}

pub(super) fn of_pooler(context: Context<'_>) -> Verdict {
    let Some(new) = context.new_view() else {
        return Ok(Vec::new());
    };
    let (old, limits) = (context.before(), &context.policy.limits);
    let mut violations = Vec::new();
    violations.extend(count(
        "spec.instances",
        new.at("/spec/instances"),
        old.and_then(|old| old.at("/spec/instances")),
        &limits.pool_instances,
    ));
    let pointer = "/spec/pgbouncer/poolMode";
    let mode = new.text(pointer).unwrap_or("session");
    let allowed: Vec<&str> = limits.pool_modes.iter().map(|mode| mode.as_str()).collect();
    if !allowed.contains(&mode) && old.and_then(|old| old.text(pointer)) != Some(mode) {
        violations.push(Violation::new(
            Rule::Limits,
            "spec.pgbouncer.poolMode",
            format!(
                "'{mode}' is not allowed; the policy allows {}",
                allowed.join(", ")
            ),
            "choose a mode that is allowed",
        ));
    }
    Ok(violations)
}
