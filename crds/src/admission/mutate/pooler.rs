use serde_json::Value;

use super::super::{Facts, Operation, Question, Unanswered, Write, restored};
use super::Mutation;
use crate::contract::label;
use crate::desired::owner_reference;
use crate::names::DatabaseName;
use crate::object::{View, map_at, set_label};
use crate::policy::{Policy, PoolMode};

pub(super) fn complete(
    write: &Write,
    policy: &Policy,
    facts: &Facts,
    mutation: &mut Mutation,
) -> Result<(), Unanswered> {
    let Some(cluster_name) = View(&mutation.object).text("/spec/cluster/name") else {
        return Ok(());
    };
    let cluster = facts.object(Question::Cluster {
        namespace: write.namespace.clone(),
        name: cluster_name.to_owned(),
    })?;
    let Some(cluster) = cluster.map(View) else {
        return Ok(());
    };
    let Some(Ok(name)) = cluster.label(label::NAME).map(DatabaseName::parse) else {
        return Ok(());
    };
    // A second Pooler of the same database keeps its own name and metadata: only the one that
    // daap itself connects through carries the record.
    if View(&mutation.object).name() == name.pooler() {
        carry_record(write, cluster, &mut mutation.object);
    }
    only_pool_mode(write, policy, facts, mutation)
}

fn carry_record(write: &Write, cluster: View<'_>, pooler: &mut Value) {
    for key in label::RECORD {
        if let Some(value) = cluster.label(key) {
            set_label(pooler, key, value);
        }
    }
    if write.operation == Operation::Create && View(pooler).label(label::MANAGED_BY).is_none() {
        set_label(pooler, label::MANAGED_BY, label::MANAGED_BY_VALUE);
    }
    if View(pooler).owner_references().is_empty() && !cluster.uid().is_empty() {
        map_at(pooler, &["metadata"]).insert(
            "ownerReferences".into(),
            Value::Array(vec![owner_reference(cluster.name(), cluster.uid())]),
        );
    }
}

/// An unset mode arrives as CNPG's CRD default `session`, so that nobody can tell what was meant.
fn only_pool_mode(
    write: &Write,
    policy: &Policy,
    facts: &Facts,
    mutation: &mut Mutation,
) -> Result<(), Unanswered> {
    let mode = "/spec/pgbouncer/poolMode";
    let [only] = policy.limits.pool_modes.as_slice() else {
        return Ok(());
    };
    let given = View(&mutation.object).text(mode);
    let replaceable = given.is_none() || given == Some(PoolMode::Session.as_str());
    if replaceable && given != Some(only.as_str()) {
        let restored = restored::object(write, facts)?;
        if given.is_some() && restored.is_some_and(|kept| View(&kept).text(mode) == given) {
            return Ok(());
        }
        map_at(&mut mutation.object, &["spec", "pgbouncer"])
            .insert("poolMode".into(), only.as_str().into());
        mutation.warnings.push(format!(
            "spec.pgbouncer.poolMode: set to {only}, the only mode that the policy allows"
        ));
    }
    Ok(())
}
