//! Backups and `VolumeSnapshots`: owned by the Cluster where it says so, and then collected with it.

use serde_json::Value;

use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// What of them a Cluster owns.
#[derive(Debug, Default)]
pub(super) struct Backups {
    pub(super) taken: Vec<Value>,
    pub(super) snapshots: Vec<Value>,
    /// Kinds that the caller may not list: what is owned of them goes with the Cluster.
    pub(super) unseen: Vec<Kind>,
}

impl Backups {
    pub(super) async fn read(k8s: &Kubernetes, uid: &str) -> Result<Self, Failure> {
        let mut found = Self::default();
        for kind in [Kind::Backup, Kind::VolumeSnapshot] {
            let mut owned = match k8s.list(kind, "").await {
                Ok(objects) => objects,
                Err(failure) => match failure.classification() {
                    // Neither need be installed.
                    Class::NotServed | Class::NotFound => continue,
                    Class::Forbidden => {
                        found.unseen.push(kind);
                        continue;
                    }
                    _ => return Err(failure),
                },
            };
            owned.retain(|object| daap_crds::object::View(object).is_owned_by(uid));
            match kind {
                Kind::Backup => found.taken = owned,
                _ => found.snapshots = owned,
            }
        }
        Ok(found)
    }
}
