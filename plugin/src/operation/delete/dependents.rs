//! What hangs on a Cluster and would break with it.

use daap_crds::contract::cnpg;
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::join_all;
use serde_json::Value;

use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// Kinds whose objects break when their Cluster goes.
const DEPENDENTS: [Kind; 6] = [
    Kind::Pooler,
    Kind::Database,
    Kind::DatabaseRole,
    Kind::Publication,
    Kind::Subscription,
    Kind::ScheduledBackup,
];

/// Fails where something else hangs on the Cluster, and names it.
pub(crate) async fn refuse(
    k8s: &Kubernetes,
    cluster: View<'_>,
    name: &DatabaseName,
) -> Result<(), Failure> {
    let kinds = served(k8s).await?;
    let lists = join_all(kinds.iter().map(|kind| k8s.list(*kind, ""))).await;
    let (pooler, mut found, mut unknown) = (name.pooler(), Vec::new(), Vec::new());
    for (kind, list) in kinds.iter().zip(lists) {
        match list {
            Ok(objects) => found.extend(
                objects
                    .iter()
                    .map(View)
                    .filter(|object| object.text("/spec/cluster/name") == Some(cluster.name()))
                    .filter(|object| *kind != Kind::Pooler || object.name() != pooler)
                    .filter(|object| !object.is_being_deleted())
                    .map(|object| format!("{kind}/{}", object.name())),
            ),
            Err(failure) if failure.classification() == Class::Forbidden => {
                unknown.push(kind.plural());
            }
            Err(failure) => return Err(failure),
        }
    }
    if !unknown.is_empty() {
        stderr_line(&format!(
            "Warning: you may not list {} in namespace {}; whether one of them uses the database is not known",
            unknown.join(", "),
            k8s.namespace()
        ));
    }
    if found.is_empty() {
        return Ok(());
    }
    let found = found.join(" ");
    Err(
        Failure::new(format!("database/{name} is still used by {found}")).hint(format!(
            "remove them first: kubectl delete -n {} {found}",
            k8s.namespace()
        )),
    )
}

/// Those dependents that this version of the operator has: everybody may ask for that.
async fn served(k8s: &Kubernetes) -> Result<Vec<Kind>, Failure> {
    let found = k8s.raw(&format!("/apis/{}/v1", cnpg::GROUP)).await?;
    let resources = View(&found).at("/resources").and_then(Value::as_array);
    let is_served = |kind: &Kind| {
        resources.is_some_and(|resources| {
            resources
                .iter()
                .any(|resource| View(resource).text("/name") == Some(kind.plural()))
        })
    };
    Ok(DEPENDENTS.into_iter().filter(is_served).collect())
}
