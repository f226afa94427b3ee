use serde_json::Value;

use super::super::{Facts, Unanswered, Write};
use super::stamps::{self, Base};
use crate::contract::{NAME_PREFIX, annotation, label};
use crate::desired::complete_cluster;
use crate::names::{DatabaseId, DatabaseName};
use crate::object::{View, map_at, remove_annotation, set_annotation, set_label};
use crate::policy::Policy;

pub(super) fn complete(
    write: &Write,
    policy: &Policy,
    facts: &Facts,
    cluster: &mut Value,
) -> Result<(), Unanswered> {
    match write.old_view() {
        None => default_new(policy, cluster),
        Some(old) => {
            keep_record(old, cluster);
            end_offer(old, cluster);
        }
    }
    let name = View(cluster).label(label::NAME).map(DatabaseName::parse);
    if let Some(Ok(name)) = name {
        complete_cluster(cluster, &name, &write.namespace);
    }
    let base = Base::of(write, View(cluster), facts)?;
    stamps::write(&base, write, cluster);
    Ok(())
}

fn default_new(policy: &Policy, cluster: &mut Value) {
    if View(cluster).label(label::NAME).is_none()
        && let Some(name) = logical_name(View(cluster).name())
    {
        set_label(cluster, label::NAME, name.as_str());
    }
    if View(cluster).label(label::ID).is_none() {
        set_label(cluster, label::ID, DatabaseId::random().to_string());
    }
    if View(cluster).label(label::MANAGED_BY).is_none() {
        set_label(cluster, label::MANAGED_BY, label::MANAGED_BY_VALUE);
    }
    if View(cluster).at("/spec/storage/size").is_none()
        && View(cluster).at("/spec/storage/pvcTemplate").is_none()
    {
        map_at(cluster, &["spec", "storage"])
            .insert("size".into(), policy.defaults.storage.as_str().into());
    }
    let names_no_image = View(cluster).at("/spec/imageName").is_none()
        && View(cluster).at("/spec/imageCatalogRef").is_none();
    if let Some(image) = policy.defaults.image.as_deref().filter(|_| names_no_image) {
        map_at(cluster, &["spec"]).insert("imageName".into(), image.into());
    }
}

/// The logical name of a Cluster that is called `daap-{name}`. A shortened name says nothing of
/// the long one.
fn logical_name(cluster: &str) -> Option<DatabaseName> {
    let name = DatabaseName::parse(cluster.strip_prefix(NAME_PREFIX)?).ok()?;
    (name.cluster() == cluster).then_some(name)
}

/// An offer is the old owner's word: once the database has another owner, it binds nobody.
fn end_offer(old: View<'_>, cluster: &mut Value) {
    let new = View(cluster);
    let moved = old.label(label::OWNER_TEAM) != new.label(label::OWNER_TEAM);
    let offer = new.annotation(annotation::OFFERED_TO);
    if moved && offer.is_some() && offer == old.annotation(annotation::OFFERED_TO) {
        remove_annotation(cluster, annotation::OFFERED_TO);
    }
}

/// A replace that leaves out the record, or the image, loses neither.
fn keep_record(old: View<'_>, cluster: &mut Value) {
    for key in label::RECORD {
        if let (None, Some(value)) = (View(cluster).label(key), old.label(key)) {
            set_label(cluster, key, value);
        }
    }
    if let (None, Some(purpose)) = (
        View(cluster).annotation(annotation::PURPOSE),
        old.annotation(annotation::PURPOSE),
    ) {
        set_annotation(cluster, annotation::PURPOSE, purpose);
    }
    // Without one CNPG would default to the image of its current release: another PostgreSQL.
    if View(cluster).at("/spec/imageName").is_none()
        && View(cluster).at("/spec/imageCatalogRef").is_none()
        && let Some(image) = old.text("/spec/imageName")
    {
        map_at(cluster, &["spec"]).insert("imageName".into(), image.into());
    }
}
