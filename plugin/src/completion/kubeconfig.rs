//! What the kubeconfig itself knows, without any request.

use kube::config::Kubeconfig;

use super::answers::Candidate;
use crate::cli::KubernetesFlags;

/// The kubeconfig that the flags and the environment lead to.
fn read(flags: &KubernetesFlags) -> Kubeconfig {
    let read = match &flags.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    read.unwrap_or_default()
}

/// Contexts, each with its cluster and namespace.
pub(super) fn contexts(flags: &KubernetesFlags) -> Vec<Candidate> {
    let contexts = read(flags).contexts.into_iter();
    contexts
        .map(|named| {
            let place = named.context.map(|context| match context.namespace {
                Some(namespace) => format!("{}, namespace {namespace}", context.cluster),
                None => context.cluster,
            });
            Candidate::new(named.name, place.unwrap_or_default())
        })
        .collect()
}

/// Clusters, each with its address.
pub(super) fn clusters(flags: &KubernetesFlags) -> Vec<Candidate> {
    let clusters = read(flags).clusters.into_iter();
    clusters
        .map(|named| {
            let server = named.cluster.and_then(|cluster| cluster.server);
            Candidate::new(named.name, server.unwrap_or_default())
        })
        .collect()
}

/// Users.
pub(super) fn users(flags: &KubernetesFlags) -> Vec<Candidate> {
    let users = read(flags).auth_infos.into_iter();
    users.map(|named| Candidate::new(named.name, "")).collect()
}

/// Namespaces that contexts name: for those who may not list what there is.
pub(super) fn namespaces(flags: &KubernetesFlags) -> Vec<Candidate> {
    let mut found: Vec<String> = read(flags)
        .contexts
        .into_iter()
        .filter_map(|named| named.context?.namespace)
        .collect();
    found.sort();
    found.dedup();
    found
        .into_iter()
        .map(|namespace| Candidate::new(namespace, "of a context"))
        .collect()
}
