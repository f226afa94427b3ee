//! What of Kubernetes is decided here.

use super::Operation;
use crate::contract::cnpg;

/// The resources whose writes are decided here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// `clusters.postgresql.cnpg.io`
    Cluster,
    /// `poolers.postgresql.cnpg.io`
    Pooler,
    /// `clusters/scale`: the object is an `autoscaling/v1` Scale.
    ClusterScale,
    /// `poolers/scale`: the object is an `autoscaling/v1` Scale.
    PoolerScale,
    /// `databases.postgresql.cnpg.io`: a database inside of a Cluster.
    Database,
    /// `databaseroles.postgresql.cnpg.io`: a role inside of a Cluster.
    DatabaseRole,
    /// `publications.postgresql.cnpg.io`
    Publication,
    /// `subscriptions.postgresql.cnpg.io`
    Subscription,
    /// `backups.postgresql.cnpg.io`
    Backup,
    /// `scheduledbackups.postgresql.cnpg.io`
    ScheduledBackup,
    /// `persistentvolumeclaims`: the data of a database.
    PersistentVolumeClaim,
    /// `secrets`: its passwords, and the authority that its clients trust.
    Secret,
    /// `configmaps`: tombstones.
    ConfigMap,
}

impl Resource {
    /// Every resource.
    pub const ALL: [Self; 13] = [
        Self::Cluster,
        Self::Pooler,
        Self::ClusterScale,
        Self::PoolerScale,
        Self::Database,
        Self::DatabaseRole,
        Self::Publication,
        Self::Subscription,
        Self::Backup,
        Self::ScheduledBackup,
        Self::PersistentVolumeClaim,
        Self::Secret,
        Self::ConfigMap,
    ];
    /// Those that work on a Cluster and name it in `spec.cluster.name`. (A Pooler does, too, and is
    /// part of the database.)
    pub const DEPENDENTS: [Self; 6] = [
        Self::Database,
        Self::DatabaseRole,
        Self::Publication,
        Self::Subscription,
        Self::Backup,
        Self::ScheduledBackup,
    ];

    /// The resource that a rule of a webhook configuration names by `group` and `resource`, which is
    /// a plural, with its subresource if there is one: `clusters/scale`.
    #[must_use]
    pub fn of(group: &str, resource: &str) -> Option<Self> {
        // Who writes the status of a volume writes its metadata, too: an owner that does not exist,
        // and the garbage collector destroys the data.
        if (group, resource) == ("", "persistentvolumeclaims/status") {
            return Some(Self::PersistentVolumeClaim);
        }
        { Self::ALL.into_iter() }.find(|one| one.group() == group && one.resource() == resource)
    }

    /// Its API group; empty for the core one.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::PersistentVolumeClaim | Self::Secret | Self::ConfigMap => "",
            _ => cnpg::GROUP,
        }
    }

    /// The kind of its objects.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Pooler => "Pooler",
            Self::ClusterScale | Self::PoolerScale => "Scale",
            Self::Database => "Database",
            Self::DatabaseRole => "DatabaseRole",
            Self::Publication => "Publication",
            Self::Subscription => "Subscription",
            Self::Backup => "Backup",
            Self::ScheduledBackup => "ScheduledBackup",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// Its plural, with the subresource if it is one: `clusters/scale`.
    #[must_use]
    pub fn resource(self) -> &'static str {
        match self {
            Self::Cluster => "clusters",
            Self::Pooler => "poolers",
            Self::ClusterScale => "clusters/scale",
            Self::PoolerScale => "poolers/scale",
            Self::Database => "databases",
            Self::DatabaseRole => "databaseroles",
            Self::Publication => "publications",
            Self::Subscription => "subscriptions",
            Self::Backup => "backups",
            Self::ScheduledBackup => "scheduledbackups",
            Self::PersistentVolumeClaim => "persistentvolumeclaims",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }

    /// What of it is decided: what a webhook configuration may send.
    #[must_use]
    pub fn operations(self) -> &'static [Operation] {
        match self {
            Self::ClusterScale | Self::PoolerScale => &[Operation::Update],
            _ => &[Operation::Create, Operation::Update, Operation::Delete],
        }
    }

    /// Whether it works on a Cluster that it names.
    #[must_use]
    pub fn is_dependent(self) -> bool {
        Self::DEPENDENTS.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resource_is_found_by_its_name() {
        for resource in Resource::ALL {
            assert_eq!(
                Resource::of(resource.group(), resource.resource()),
                Some(resource)
            );
        }
        assert_eq!(Resource::of(cnpg::GROUP, "secrets"), None);
        assert_eq!(Resource::of(cnpg::GROUP, "clusters/status"), None);
        let volume = Resource::of("", "persistentvolumeclaims/status");
        assert_eq!(volume, Some(Resource::PersistentVolumeClaim));
    }
}
