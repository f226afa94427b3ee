//! The resources that the plugin reads and writes, and where the API server serves them.

use std::fmt;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `postgresql.cnpg.io/v1` Cluster
    Cluster,
    /// `postgresql.cnpg.io/v1` Pooler
    Pooler,
    /// `postgresql.cnpg.io/v1` Database: a dependent of a Cluster.
    Database,
    /// `postgresql.cnpg.io/v1` `DatabaseRole`
    DatabaseRole,
    /// `postgresql.cnpg.io/v1` Publication
    Publication,
    /// `postgresql.cnpg.io/v1` Subscription
    Subscription,
    /// `postgresql.cnpg.io/v1` `ScheduledBackup`
    ScheduledBackup,
    /// `postgresql.cnpg.io/v1` Backup
    Backup,
    /// `snapshot.storage.k8s.io/v1` `VolumeSnapshot`
    VolumeSnapshot,
    /// `v1` `ConfigMap`: tombstones.
    ConfigMap,
    /// `v1` Secret
    Secret,
    /// `v1` `PersistentVolumeClaim`
    Volume,
    /// `v1` `PersistentVolume`: what a claim is bound to.
    PersistentVolume,
    /// `v1` Pod
    Pod,
    /// `v1` Pod, the subresource that carries connections.
    PortForward,
    /// `v1` Pod, the subresource of what its containers said.
    PodLog,
    /// `v1` Service
    Service,
    /// `v1` Event
    Event,
    /// `v1` Namespace
    Namespace,
    /// `apps/v1` Deployment
    Deployment,
    /// `storage.k8s.io/v1` `StorageClass`
    StorageClass,
    /// `admissionregistration.k8s.io/v1` `ValidatingWebhookConfiguration`
    ValidatingWebhook,
    /// `admissionregistration.k8s.io/v1` `MutatingWebhookConfiguration`
    MutatingWebhook,
    /// `admissionregistration.k8s.io/v1` `ValidatingAdmissionPolicy`
    AdmissionPolicy,
    /// `admissionregistration.k8s.io/v1` `ValidatingAdmissionPolicyBinding`
    AdmissionPolicyBinding,
    /// `discovery.k8s.io/v1` `EndpointSlice`
    EndpointSlice,
}

impl Kind {
    /// Those that name a Cluster in `spec.cluster.name`.
    pub(crate) const NAMING: [Self; 7] = [
        Self::Pooler,
        Self::Database,
        Self::DatabaseRole,
        Self::Publication,
        Self::Subscription,
        Self::Backup,
        Self::ScheduledBackup,
    ];

    /// The API group, empty for the core.
    #[must_use]
    pub(crate) fn group(self) -> &'static str {
        match self {
            Self::Cluster
            | Self::Pooler
            | Self::Database
            | Self::DatabaseRole
            | Self::Publication
            | Self::Subscription
            | Self::ScheduledBackup
            | Self::Backup => daap_crds::contract::cnpg::GROUP,
            Self::ConfigMap
            | Self::Secret
            | Self::Volume
            | Self::PersistentVolume
            | Self::Pod
            | Self::PortForward
            | Self::PodLog
            | Self::Service
            | Self::Event
            | Self::Namespace => "",
            Self::Deployment => "apps",
            Self::VolumeSnapshot => "snapshot.storage.k8s.io",
            Self::StorageClass => "storage.k8s.io",
            Self::ValidatingWebhook
            | Self::MutatingWebhook
            | Self::AdmissionPolicy
            | Self::AdmissionPolicyBinding => "admissionregistration.k8s.io",
            Self::EndpointSlice => "discovery.k8s.io",
        }
    }

    /// The name in URLs and in RBAC rules.
    #[must_use]
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::Pooler => "poolers",
            Self::Database => "databases",
            Self::DatabaseRole => "databaseroles",
            Self::Publication => "publications",
            Self::Subscription => "subscriptions",
            Self::ScheduledBackup => "scheduledbackups",
            Self::Backup => "backups",
            Self::VolumeSnapshot => "volumesnapshots",
            Self::ConfigMap => "configmaps",
            Self::Secret => "secrets",
            Self::Volume => "persistentvolumeclaims",
            Self::PersistentVolume => "persistentvolumes",
            Self::Pod | Self::PortForward | Self::PodLog => "pods",
            Self::Service => "services",
            Self::Event => "events",
            Self::Namespace => "namespaces",
            Self::Deployment => "deployments",
            Self::StorageClass => "storageclasses",
            Self::ValidatingWebhook => "validatingwebhookconfigurations",
            Self::MutatingWebhook => "mutatingwebhookconfigurations",
            Self::AdmissionPolicy => "validatingadmissionpolicies",
            Self::AdmissionPolicyBinding => "validatingadmissionpolicybindings",
            Self::EndpointSlice => "endpointslices",
        }
    }

    /// What RBAC names behind a slash, as in `pods/portforward`; empty for the object itself.
    #[must_use]
    pub(crate) fn subresource(self) -> &'static str {
        match self {
            Self::PortForward => "portforward",
            Self::PodLog => "log",
            _ => "",
        }
    }

    /// One of it, in a sentence.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Pooler => "pooler",
            Self::Volume => "volume",
            Self::Secret => "Secret",
            Self::Backup => "backup",
            Self::VolumeSnapshot => "volume snapshot",
            Self::Pod => "pod",
            _ => "object",
        }
    }

    /// Path of the collection; of all namespaces where none is given.
    pub(crate) fn path(self, namespace: Option<&str>) -> String {
        let root = match self.group() {
            "" => "/api/v1".to_owned(),
            group => format!("/apis/{group}/v1"),
        };
        match namespace {
            Some(namespace) if self.is_namespaced() => {
                format!("{root}/namespaces/{namespace}/{}", self.plural())
            }
            _ => format!("{root}/{}", self.plural()),
        }
    }

    /// Whether its objects lie in namespaces.
    #[must_use]
    pub(crate) fn is_namespaced(self) -> bool {
        !matches!(
            self,
            Self::Namespace
                | Self::PersistentVolume
                | Self::StorageClass
                | Self::ValidatingWebhook
                | Self::MutatingWebhook
                | Self::AdmissionPolicy
                | Self::AdmissionPolicyBinding
        )
    }
}

impl fmt::Display for Kind {
    /// As in `clusters.postgresql.cnpg.io`, or `pods/portforward`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.plural())?;
        match self.group() {
            "" => {}
            group => write!(formatter, ".{group}")?,
        }
        match self.subresource() {
            "" => Ok(()),
            subresource => write!(formatter, "/{subresource}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use daap_crds::admission::Resource;

    use super::*;

    #[test]
    fn what_names_a_cluster_is_what_admission_takes_for_it() {
        let of_admission = std::iter::once(Resource::Pooler).chain(Resource::DEPENDENTS);
        let of_admission: Vec<&str> = of_admission.map(Resource::resource).collect();
        assert_eq!(Kind::NAMING.map(Kind::plural).as_slice(), of_admission);
    }

    #[test]
    fn paths() {
        assert_eq!(
            Kind::Cluster.path(Some("apps")),
            "/apis/postgresql.cnpg.io/v1/namespaces/apps/clusters"
        );
        assert_eq!(Kind::Secret.path(None), "/api/v1/secrets");
        assert_eq!(
            Kind::StorageClass.path(Some("apps")),
            "/apis/storage.k8s.io/v1/storageclasses"
        );
    }
}
