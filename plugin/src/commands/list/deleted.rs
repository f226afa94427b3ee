//! `kubectl daap list --deleted`

use std::collections::HashSet;

use daap_crds::contract::{annotation, label};
use daap_crds::object::View;
use futures::future::try_join;
use jiff::Timestamp;
use serde_json::Value;

use super::pattern::matches;
use super::{Filters, first_of, namespace, nothing, say_what_is_left_out, selector};
use crate::database::{Restorable, deleted_document, deleted_table};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::{Documents, OutputFlags, stdout};

/// Lists the deleted databases that the filters let through, the last deleted last.
pub(super) async fn show(
    k8s: &Kubernetes,
    filters: &Filters,
    output: &OutputFlags,
) -> Result<(), Failure> {
    let only = format!("{}=true,{}", label::DELETED, label::NAME);
    let namespace = namespace(k8s, filters);
    let selector = selector(filters, &only);
    let (mut found, clusters) = try_join(
        k8s.list_in(Kind::ConfigMap, namespace.as_deref(), &selector),
        k8s.list_in(Kind::Cluster, namespace.as_deref(), label::ID),
    )
    .await?;
    // A tombstone is there before its Cluster goes, and until a restore is finished.
    let living: HashSet<(&str, Option<&str>)> = clusters.iter().map(identity).collect();
    found.retain(|tombstone| !living.contains(&identity(tombstone)));
    let now = Timestamp::now();
    found.sort_by_key(deleted_at);
    found.retain(|tombstone| {
        if filters.restorable && !matches!(Restorable::of(tombstone, now), Restorable::Until(_)) {
            return false;
        }
        let name = View(tombstone).label(label::NAME).unwrap_or_default();
        let named = filters.name.as_deref();
        let fields = filters.field_selector.as_ref();
        named.is_none_or(|pattern| matches(pattern, name))
            && fields.is_none_or(|fields| fields.selects(&deleted_document(tombstone, now)))
    });
    let rest;
    (found, rest) = match &output.table.sort_by {
        Some(by) => {
            let sorted = by.sort(found, |tombstone| deleted_document(tombstone, now))?;
            first_of(sorted, filters.limit)
        }
        None => last_of(found, filters.limit),
    };
    if found.is_empty() && output.output.is_table() {
        nothing(k8s, filters, "deleted databases");
        return Ok(());
    }
    let items = found
        .iter()
        .map(|tombstone| deleted_document(tombstone, now));
    let documents = Documents::list(items);
    let headers = !output.table.no_headers;
    stdout(&output.output.render_or(&documents, headers, || {
        deleted_table(&found, output, filters.all_namespaces, now)
    })?)?;
    if output.output.is_table() {
        say_what_is_left_out(rest);
    }
    Ok(())
}

/// Whoever looks for what was deleted looks for what was deleted last.
fn last_of(mut found: Vec<Value>, limit: usize) -> (Vec<Value>, usize) {
    found.reverse();
    let (mut last, rest) = first_of(found, limit);
    last.reverse();
    (last, rest)
}

/// The last that was deleted comes last, beside the prompt.
fn deleted_at(tombstone: &Value) -> Option<Timestamp> {
    View(tombstone)
        .annotation(annotation::UPDATED_AT)
        .and_then(|at| at.parse().ok())
}

/// Which database an object is of.
fn identity(object: &Value) -> (&str, Option<&str>) {
    (View(object).namespace(), View(object).label(label::ID))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_leaves_out_what_was_deleted_first() {
        let found = vec![json!(1), json!(2), json!(3)];
        assert_eq!(last_of(found.clone(), 2), (vec![json!(2), json!(3)], 1));
        assert_eq!(last_of(found.clone(), 0), (found, 0));
    }
}
