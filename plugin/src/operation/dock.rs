//! What becomes of a database that a refusal left half-made: it is neither removed nor left
//! running, and says why.

use daap_crds::contract::{annotation, cnpg};
use daap_crds::names::DatabaseName;
use daap_crds::pending::Pending;

use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes, annotate};

/// Stops the Cluster and writes the reason into `pending`.
pub(super) async fn dock(
    k8s: &Kubernetes,
    name: &DatabaseName,
    mut pending: Pending,
    failure: Failure,
) -> Failure {
    pending.error = Some(failure.one_line());
    let patch = annotate(&[
        (annotation::PENDING, pending.to_annotation().into()),
        (cnpg::HIBERNATION, "on".into()),
    ]);
    let docked = k8s.merge(Kind::Cluster, &name.cluster(), &patch).await;
    let failure = failure.context(format!("database/{name} is incomplete"));
    let namespace = k8s.namespace();
    match docked {
        Ok(_) => failure.hint(format!(
            "it is docked until you correct this and run the same command again, or remove it: kubectl daap delete {name} -n {namespace}"
        )),
        Err(second) => failure.hint(format!(
            "it could not be docked either ({second}); run the same command again, or: kubectl daap delete {name} -n {namespace}"
        )),
    }
}
