//! What hangs on a Cluster and would break with it.

use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::join_all;

use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// Fails where something else hangs on the Cluster, and names it.
pub(crate) async fn refuse(
    k8s: &Kubernetes,
    cluster: View<'_>,
    name: &DatabaseName,
) -> Result<(), Failure> {
    // A Backup outlives its Cluster.
    let breaking = Kind::NAMING
        .into_iter()
        .filter(|kind| *kind != Kind::Backup);
    let kinds = k8s.served(&breaking.collect::<Vec<_>>()).await?;
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
