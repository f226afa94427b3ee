//! `kubectl daap list --deleted`

use std::collections::HashSet;

use daap_crds::contract::{annotation, label};
use daap_crds::object::View;
use futures::future::try_join;
use jiff::Timestamp;
use serde_json::Value;

use super::pattern::matches;
use super::{Filters, namespace, nothing, selector};
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
    if let Some(by) = &output.table.sort_by {
        found = by.sort(found, |tombstone| deleted_document(tombstone, now))?;
    }
    if filters.limit > 0 {
        found.truncate(filters.limit);
    }
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
    })?)
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
