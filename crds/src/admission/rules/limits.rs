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
    violations.extend(wal_storage(new, context));
    let pointer = "/spec/imageName";
    let known = old.and_then(|old| old.text(pointer));
    let image = new.text(pointer);
    violations.extend(image.and_then(|given| judge_image("spec.imageName", given, known, policy)));
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

/// WAL lies on a volume of its own where one is asked for, and that has an upper limit, too.
fn wal_storage(new: View<'_>, context: Context<'_>) -> Option<Violation> {
    const FIELD: &str = "spec.walStorage.size";
    let pointer = "/spec/walStorage/size";
    let given = new.text(pointer)?;
    if context.before().and_then(|old| old.text(pointer)) == Some(given) {
        return None;
    }
    let max = &context.policy.limits.storage.max;
    match Size::parse(given) {
        Err(error) => Some(Violation::new(
            Rule::Format,
            FIELD,
            error.to_string(),
            "correct the value",
        )),
        Ok(size) if size > *max => Some(Violation::new(
            Rule::Limits,
            FIELD,
            format!("{size} is more than {max}"),
            format!("choose a size up to {max}"),
        )),
        Ok(_) => None,
    }
}

fn judge_image(
    field: &str,
    given: &str,
    known: Option<&str>,
    policy: &Policy,
) -> Option<Violation> {
    if policy.allows_image(given) || known == Some(given) {
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
        field,
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
    violations.extend(pooler_images(new, old, context.policy));
    Ok(violations)
}

/// The image of `PgBouncer`, by either of the fields that name it.
fn pooler_images(new: View<'_>, old: Option<View<'_>>, policy: &Policy) -> Vec<Violation> {
    let known: Vec<(String, &str)> = old.map(images).unwrap_or_default();
    let known = |given: &str| {
        known
            .iter()
            .map(|(_, image)| *image)
            .find(|one| *one == given)
    };
    images(new)
        .into_iter()
        .filter_map(|(field, given)| judge_image(&field, given, known(given), policy))
        .collect()
}

fn images(pooler: View<'_>) -> Vec<(String, &str)> {
    let own = pooler.text("/spec/pgbouncer/image");
    let own = own.map(|image| ("spec.pgbouncer.image".to_owned(), image));
    let containers = pooler.at("/spec/template/spec/containers");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    let containers = containers.enumerate().filter_map(|(index, container)| {
        let field = format!("spec.template.spec.containers[{index}].image");
        Some((field, View(container).text("/image")?))
    });
    own.into_iter().chain(containers).collect()
}
