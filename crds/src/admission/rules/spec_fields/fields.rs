//! What the groups say of a field, found without looking through all of them: a denial asks for dozens.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::allowed::Group;
use super::{cluster, dependents, pooler};
use crate::admission::Resource;

static CLUSTER: LazyLock<Fields> = LazyLock::new(|| Fields::of(cluster::GROUPS));
static POOLER: LazyLock<Fields> = LazyLock::new(|| Fields::of(pooler::GROUPS));
static ROLE: LazyLock<Fields> = LazyLock::new(|| Fields::of(dependents::ROLE));
static BACKUP: LazyLock<Fields> = LazyLock::new(|| Fields::of(dependents::BACKUP));

/// The fields of a spec that groups name.
#[derive(Debug)]
pub(super) struct Fields {
    named: HashMap<&'static str, &'static Group>,
    /// How the paths begin, up to each `.` and `[]`.
    beginnings: HashSet<&'static str>,
}

impl Fields {
    /// Those of a kind; none where owners may write all of its spec.
    pub(super) fn of_kind(resource: Resource) -> Option<&'static Self> {
        match resource {
            Resource::Cluster => Some(&CLUSTER),
            Resource::Pooler => Some(&POOLER),
            Resource::DatabaseRole => Some(&ROLE),
            Resource::Backup | Resource::ScheduledBackup => Some(&BACKUP),
            _ => None,
        }
    }

    fn of(groups: &'static [Group]) -> Self {
        let mut named = HashMap::new();
        let mut beginnings = HashSet::new();
        for group in groups {
            for path in group.paths {
                named.entry(*path).or_insert(group);
                let ends = { path.match_indices('.') }.chain(path.match_indices("[]"));
                beginnings.extend(ends.filter_map(|(at, end)| path.get(..at + end.len())));
            }
        }
        Self { named, beginnings }
    }

    /// The group that names this path.
    pub(super) fn group(&self, path: &str) -> Option<&'static Group> {
        self.named.get(path).copied()
    }

    /// Whether a group names anything that begins so: `storage.`, `containers[]`.
    pub(super) fn go_on(&self, beginning: &str) -> bool {
        self.beginnings.contains(beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_found_and_every_beginning() {
        for (fields, groups) in [(&*CLUSTER, cluster::GROUPS), (&*POOLER, pooler::GROUPS)] {
            for group in groups {
                for path in group.paths {
                    assert_eq!(fields.group(path).unwrap().why, group.why, "{path}");
                    let parent = path
                        .rsplit_once('.')
                        .map(|(parent, _)| format!("{parent}."));
                    assert!(parent.is_none_or(|parent| fields.go_on(&parent)), "{path}");
                }
            }
            assert!(!fields.go_on("instances."));
            assert!(fields.group("nonsense").is_none());
        }
        assert!(CLUSTER.go_on("monitoring.customQueriesSecret[]"));
    }
}
