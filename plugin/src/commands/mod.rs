//! The commands, one a file.

pub(crate) mod apply;
pub(crate) mod can_i;
pub(crate) mod completion;
pub(crate) mod connect;
pub(crate) mod create;
pub(crate) mod credentials;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod diff;
pub(crate) mod doctor;
mod each;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod history;
mod input;
pub(crate) mod list;
mod next;
mod program;
pub(crate) mod proxy;
pub(crate) mod purge;
pub(crate) mod repair;
pub(crate) mod restore;
mod retained_volumes;
pub(crate) mod rollback;
pub(crate) mod suggestion;
pub(crate) mod transfer;
pub(crate) mod tree;
pub(crate) mod update;
pub(crate) mod version;
mod written;

use daap_crds::names::DatabaseName;

use crate::failure::{Class, Failure};
use crate::kubernetes::Kubernetes;

/// The database does not live.
pub(crate) fn not_found(name: &DatabaseName, k8s: &Kubernetes) -> Failure {
    Failure::new(format!(
        "database/{name} not found in namespace {}",
        k8s.namespace()
    ))
    .class(Class::NotFound)
    .hint(look_for_it(k8s))
    .missing(name)
}

/// Where a name may be found that is not where it was looked for.
pub(crate) fn look_for_it(k8s: &Kubernetes) -> String {
    let namespace = k8s.namespace();
    format!(
        "list what is there: kubectl daap list -n {namespace}; deleted ones: kubectl daap list --deleted -n {namespace}"
    )
}
