//! The last line of a command: what one types next.

use daap_crds::names::DatabaseName;

use crate::kubernetes::Kubernetes;
use crate::output::stderr_line;

/// It serves.
pub(super) fn connect(k8s: &Kubernetes, name: &DatabaseName) -> String {
    let namespace = k8s.namespace();
    format!("database/{name} is ready; connect with: kubectl daap connect {name} -n {namespace}")
}

/// It serves, if somebody waited until it does.
pub(super) fn when_ready(k8s: &Kubernetes, name: &DatabaseName, waited: bool) {
    if waited {
        stderr_line(&connect(k8s, name));
    }
}

/// Nobody waits for it.
pub(super) fn follow(k8s: &Kubernetes, name: &DatabaseName) -> String {
    let namespace = k8s.namespace();
    format!("it becomes ready by itself; follow it with: kubectl daap get {name} -n {namespace}")
}

/// Its record is all that there is.
pub(super) fn record(k8s: &Kubernetes, name: &DatabaseName) -> String {
    let namespace = k8s.namespace();
    format!("its record stays; see it with: kubectl daap history {name} -n {namespace}")
}
