//! What a creation makes of what it finds.

use daap_crds::contract::{annotation, label};
use daap_crds::names::{DatabaseId, DatabaseName};
use daap_crds::object::{View, map_at, set_annotation};
use daap_crds::pending::{OperationName, Pending};
use daap_crds::size::Size;
use daap_crds::tombstone::{Stage, Tombstone};
use serde_json::{Value, json};

use super::Asked;
use crate::failure::Failure;
use crate::operation::finishes;

/// A deleted database whose data is kept is in the way: CNPG would adopt its volumes by name.
pub(super) fn refuse_kept_data(name: &DatabaseName, tombstones: &[Value]) -> Result<(), Failure> {
    for tombstone in tombstones {
        let view = View(tombstone);
        let Some(read) = Tombstone::read(view) else {
            continue;
        };
        let namespace = view.namespace();
        if matches!(read.stage, Stage::Written | Stage::Detached) {
            return Err(Failure::new(format!(
                "the deletion of an earlier database '{name}' is not finished"
            ))
            .hint(format!(
                "finish it: kubectl daap delete {name} -n {namespace}"
            )));
        }
        if read.is_being_purged() {
            return Err(Failure::new(format!(
                "the purge of an earlier database '{name}' is not finished"
            ))
            .hint(format!(
                "finish it: kubectl daap purge {name} -n {namespace}"
            )));
        }
        if read.keeps_data() {
            return Err(Failure::new(format!(
                "a deleted database '{name}' has its data kept until {}",
                read.until.strftime("%Y-%m-%d")
            ))
            .hint(format!(
                "bring it back: kubectl daap restore {name} -n {namespace}; or destroy the data: kubectl daap purge {name} -n {namespace}; or choose another name"
            )));
        }
    }
    Ok(())
}

/// The id to go on with, if `cluster` is what an earlier attempt of this creation left.
pub(super) fn resumable(
    asked: &Asked,
    id: DatabaseId,
    cluster: View<'_>,
) -> Result<DatabaseId, Failure> {
    let name = &asked.name;
    let namespace = cluster.namespace();
    if cluster.label(label::NAME) != Some(name.as_str()) {
        return Err(Failure::new(format!(
            "cluster {} exists and is not database '{name}': its label {} says '{}'",
            cluster.name(),
            label::NAME,
            cluster.label(label::NAME).unwrap_or("nothing"),
        ))
        .hint("choose another name"));
    }
    let pending = cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse);
    match pending.as_ref().map(|pending| pending.operation) {
        Some(OperationName::Create) => {}
        Some(other) => {
            return Err(Failure::new(format!(
                "database/{name} exists, and its {other} is not finished"
            ))
            .hint(format!(
                "finish it: kubectl daap {} {name} -n {namespace}",
                finishes(other)
            )));
        }
        None => {
            return Err(Failure::new(format!(
                "database/{name} exists already in namespace {namespace}; team {} owns it",
                cluster.label(label::OWNER_TEAM).unwrap_or("<none>")
            ))
            .hint(format!(
                "choose another name, or look at it: kubectl daap get {name} -n {namespace}"
            )));
        }
    }
    let team = cluster.label(label::OWNER_TEAM).unwrap_or_default();
    if team != asked.team.as_str() {
        return Err(Failure::new(format!(
            "the creation of database/{name} by team {team} is not finished, and you ask for team {}",
            asked.team
        ))
        .hint(format!(
            "finish it with --owner-team {team}, or remove it: kubectl daap delete {name} -n {namespace}"
        )));
    }
    let found = cluster
        .label(label::ID)
        .and_then(|id| DatabaseId::parse(id).ok())
        .ok_or_else(|| {
            Failure::new(format!(
                "cluster {} has no readable {}",
                cluster.name(),
                label::ID
            ))
        })?;
    if let Some(wanted) = asked.id
        && wanted != found
    {
        return Err(Failure::new(format!(
            "the unfinished database/{name} has the id {found}, not {wanted}"
        ))
        .hint("leave --id out to finish it"));
    }
    // What failed for good may be corrected. Anything else may be somebody's who is at it now.
    let failed = pending.is_some_and(|pending| pending.error.is_some());
    let other = other_fields(asked, cluster);
    if found != id && !failed && !other.is_empty() {
        return Err(Failure::new(format!(
            "a creation of database/{name} is under way, or was interrupted, with another {}",
            other.join(", ")
        ))
        .hint(format!(
            "look at it: kubectl daap get {name} -n {namespace}; finish it with what it was begun with, or remove it: kubectl daap delete {name} -n {namespace}"
        )));
    }
    Ok(found)
}

/// What was begun with another value than the user names now.
fn other_fields(asked: &Asked, cluster: View<'_>) -> Vec<&'static str> {
    let patch = cluster_patch(asked, cluster.0);
    let patch = View(&patch);
    let fields = [
        ("purpose", patch.annotation(annotation::PURPOSE).is_some()),
        ("number of instances", patch.at("/spec/instances").is_some()),
        ("storage", patch.at("/spec/storage/size").is_some()),
        ("image", patch.at("/spec/imageName").is_some()),
    ];
    let differing = fields.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(field, _)| field).collect()
}

/// Whether an earlier attempt failed, or asked for something else.
pub(super) fn needs_resume(asked: &Asked, cluster: View<'_>) -> bool {
    let failed = cluster
        .annotation(annotation::PENDING)
        .and_then(Pending::parse)
        .is_some_and(|pending| pending.error.is_some());
    failed
        || cluster.annotation(daap_crds::contract::cnpg::HIBERNATION) == Some("on")
        || cluster_patch(asked, cluster.0) != json!({})
}

/// What makes an existing Cluster what is asked; only what the user named.
pub(super) fn cluster_patch(asked: &Asked, cluster: &Value) -> Value {
    let view = View(cluster);
    let mut patch = json!({});
    if view.annotation(annotation::PURPOSE) != Some(asked.purpose.as_str()) {
        set_annotation(&mut patch, annotation::PURPOSE, asked.purpose.as_str());
    }
    if let Some(reason) = &asked.change_reason
        && view.annotation(annotation::CHANGE_REASON) != Some(reason)
    {
        set_annotation(&mut patch, annotation::CHANGE_REASON, reason);
    }
    if let Some(instances) = asked.instances
        && view.at("/spec/instances") != Some(&instances.into())
    {
        map_at(&mut patch, &["spec"]).insert("instances".into(), instances.into());
    }
    if let Some(size) = &asked.storage
        && !same_size(view.text("/spec/storage/size"), size)
    {
        map_at(&mut patch, &["spec", "storage"]).insert("size".into(), size.as_str().into());
    }
    if let Some(image) = &asked.image
        && view.text("/spec/imageName") != Some(image)
    {
        map_at(&mut patch, &["spec"]).insert("imageName".into(), image.as_str().into());
    }
    patch
}

/// What makes an existing Pooler what is asked.
pub(super) fn pooler_patch(asked: &Asked, pooler: &Value) -> Value {
    let view = View(pooler);
    let mut patch = json!({});
    if let Some(instances) = asked.pool_instances
        && view.at("/spec/instances") != Some(&instances.into())
    {
        map_at(&mut patch, &["spec"]).insert("instances".into(), instances.into());
    }
    if let Some(mode) = asked.pool_mode
        && view.text("/spec/pgbouncer/poolMode") != Some(mode.as_str())
    {
        map_at(&mut patch, &["spec", "pgbouncer"]).insert("poolMode".into(), mode.as_str().into());
    }
    patch
}

/// What was asked for and is otherwise.
pub(super) fn differences(
    asked: &Asked,
    cluster: Option<&Value>,
    pooler: Option<&Value>,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |field: &str, asked: Option<String>, is: Option<String>| {
        if let Some(asked) = asked
            && is.as_ref() != Some(&asked)
        {
            let is = is.unwrap_or_else(|| "<none>".into());
            found.push(format!("Warning: {field} is {is}, {asked} was asked for"));
        }
    };
    let text = |object: Option<&Value>, pointer: &str| {
        object
            .and_then(|object| View(object).text(pointer))
            .map(str::to_owned)
    };
    let number = |object: Option<&Value>, pointer: &str| {
        object
            .and_then(|object| View(object).at(pointer))
            .map(ToString::to_string)
    };
    compare(
        "the owner team",
        Some(asked.team.to_string()),
        cluster
            .and_then(|cluster| View(cluster).label(label::OWNER_TEAM))
            .map(str::to_owned),
    );
    compare(
        "the number of instances",
        asked.instances.map(|n| n.to_string()),
        number(cluster, "/spec/instances"),
    );
    compare(
        "the storage class",
        asked.storage_class.clone(),
        text(cluster, "/spec/storage/storageClass"),
    );
    compare(
        "the image",
        asked.image.clone(),
        text(cluster, "/spec/imageName"),
    );
    compare(
        "the pool mode",
        asked.pool_mode.map(|mode| mode.to_string()),
        text(pooler, "/spec/pgbouncer/poolMode"),
    );
    compare(
        "the number of pooler instances",
        asked.pool_instances.map(|n| n.to_string()),
        number(pooler, "/spec/instances"),
    );
    let storage = text(cluster, "/spec/storage/size");
    if asked
        .storage
        .as_ref()
        .is_some_and(|size| !same_size(storage.as_deref(), size))
    {
        compare(
            "the storage",
            asked.storage.as_ref().map(Size::to_string),
            storage,
        );
    }
    found
}

fn same_size(is: Option<&str>, asked: &Size) -> bool {
    is.and_then(|is| Size::parse(is).ok()).as_ref() == Some(asked)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::database::fixtures;

    #[rstest]
    #[case(OperationName::Delete, "delete")]
    #[case(OperationName::Restore, "restore")]
    #[case(OperationName::Rollback, "repair")]
    fn what_is_pending_has_a_command_that_finishes_it(
        #[case] operation: OperationName,
        #[case] command: &str,
    ) {
        let mut cluster = fixtures::ready("orders").cluster;
        let pending = Pending {
            operation,
            step: "finish".into(),
            since: jiff::Timestamp::UNIX_EPOCH,
            error: None,
        };
        set_annotation(&mut cluster, annotation::PENDING, pending.to_annotation());
        let name = DatabaseName::parse("orders").unwrap();
        let (asked, id) = Asked::of(View(&cluster), &name).unwrap();
        let refused = resumable(&asked, id, View(&cluster)).unwrap_err().render();
        let hint = format!("finish it: kubectl daap {command} orders -n ");
        assert!(refused.contains(&hint), "{refused}");
    }
}
