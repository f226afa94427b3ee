//! Which deleted database comes back, and as what.

use daap_crds::contract::{annotation, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::{View, map_at};
use daap_crds::size::Size;
use daap_crds::tombstone::{Stage, Tombstone, major_of_image};
use serde_json::Value;

use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::stderr_line;

/// The tombstone to go by: the one of `id` where one is named, else the one whose data is kept.
/// None where there is none at all.
pub(super) fn choose<'a>(
    name: &DatabaseName,
    id: Option<&str>,
    tombstones: &'a [Value],
) -> Result<Option<&'a Value>, Failure> {
    let of = |tombstone: &&Value| {
        id.is_none_or(|id| {
            View(tombstone)
                .label(label::ID)
                .is_some_and(|found| found.starts_with(id))
        })
    };
    let matching: Vec<&Value> = tombstones.iter().filter(of).collect();
    if let (Some(id), true) = (id, matching.is_empty() && !tombstones.is_empty()) {
        return Err(Failure::fields(
            format!("no deleted database '{name}' has this id"),
            vec![Complaint::new(
                "--id",
                format!("'{id}' is none of {}", ids(tombstones.iter())),
            )],
        ));
    }
    let kept = |tombstone: &&&Value| {
        Tombstone::read(View(tombstone)).is_some_and(|read| read.keeps_data())
    };
    let keeping: Vec<&Value> = matching.iter().filter(kept).copied().collect();
    match keeping.as_slice() {
        [] => Ok(matching.last().copied()),
        [one] => Ok(Some(one)),
        [first, ..] => Err(Failure::new(format!(
            "several deleted databases '{name}' have their data kept: {}",
            ids(keeping.iter().copied())
        ))
        .hint(format!(
            "say which with --id; see: kubectl daap list --deleted -n {}",
            View(first).namespace()
        ))),
    }
}

fn ids<'a>(tombstones: impl Iterator<Item = &'a Value>) -> String {
    let ids = tombstones.filter_map(|tombstone| View(tombstone).label(label::ID));
    ids.collect::<Vec<_>>().join(", ")
}

/// Fails where there is nothing to restore, and says why.
pub(super) fn refuse_unrestorable(
    name: &DatabaseName,
    config_map: View<'_>,
) -> Result<(), Failure> {
    let namespace = config_map.namespace();
    let Some(tombstone) = Tombstone::read(config_map) else {
        return Err(Failure::new(format!(
            "configmap {} has no readable {}: what it says of database '{name}' is lost",
            config_map.name(),
            annotation::TOMBSTONE
        ))
        .hint("ask your platform team for an older version of it from a backup of the cluster"));
    };
    match tombstone.stage {
        Stage::Written | Stage::Detached => Err(Failure::new(format!(
            "the deletion of database/{name} is not finished"
        ))
        .hint(format!(
            "finish it, then restore: kubectl daap delete {name} -n {namespace}; or undo it: kubectl daap repair {name} --abort -n {namespace}"
        ))),
        Stage::Purged => Err(Failure::new(format!(
            "database/{name} cannot be restored: its data was destroyed, only the record of it is kept"
        ))
        .hint(format!(
            "look at the record: kubectl daap history {name} -n {namespace}; a new database may have the name: kubectl daap create {name} -n {namespace}"
        ))),
        Stage::Complete if tombstone.retained.volumes.is_empty() => Err(Failure::new(format!(
            "database/{name} cannot be restored: no volume of it was kept"
        ))),
        Stage::Complete => Ok(()),
    }
}

/// An image of another PostgreSQL major cannot read the data, and on a new Cluster nothing else
/// keeps anybody from trying.
pub(super) fn refuse_other_major(
    image: Option<&str>,
    tombstone: &Tombstone,
) -> Result<(), Failure> {
    let Some(image) = image else {
        return Ok(());
    };
    let was = tombstone.postgres_major;
    match (major_of_image(image), was) {
        (Some(given), Some(was)) if given != was => Err(Failure::fields(
            "the data was written by another PostgreSQL",
            vec![Complaint::new(
                "--image",
                format!(
                    "'{image}' is PostgreSQL {given}, the data is of PostgreSQL {was}{}",
                    tombstone
                        .image
                        .as_deref()
                        .map_or_else(String::new, |image| format!(" ({image})"))
                ),
            )],
        )
        .hint("leave --image out for the image that it had, or name another of the same major")),
        (None, _) | (_, None) => {
            stderr_line(&format!(
                "Warning: whether {image} is of the PostgreSQL that wrote the data cannot be told from its tag"
            ));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Where the class of the volumes cannot grow, the Cluster asks for what they have: for more, its
/// instances would never start.
pub(super) async fn fit_storage(
    k8s: &Kubernetes,
    cluster: &mut Value,
    volumes: &[Value],
) -> Result<(), Failure> {
    for (field, suffix) in [("storage", ""), ("walStorage", "-wal")] {
        let Some(asked) = View(cluster)
            .text(&format!("/spec/{field}/size"))
            .and_then(|size| Size::parse(size).ok())
        else {
            continue;
        };
        let of_field = volumes.iter().map(View).filter(|volume| {
            let name = volume.name();
            name.ends_with("-wal") != suffix.is_empty() && !name.contains("-tbs-")
        });
        let smallest = of_field
            .filter_map(|volume| {
                let size = volume.text("/spec/resources/requests/storage")?;
                Some((Size::parse(size).ok()?, volume))
            })
            .min_by(|(a, _), (b, _)| a.cmp(b));
        let Some((size, volume)) = smallest.filter(|(size, _)| *size < asked) else {
            continue;
        };
        let class = volume.text("/spec/storageClassName").unwrap_or_default();
        let expands = match k8s.get(Kind::StorageClass, class).await {
            Ok(found) => found.is_some_and(|class| {
                View(&class).at("/allowVolumeExpansion") == Some(&Value::Bool(true))
            }),
            Err(failure) if failure.classification() == Class::Forbidden => false,
            Err(failure) => return Err(failure),
        };
        if !expands {
            stderr_line(&format!(
                "Warning: its {field} comes back with {size}, the size of its volumes, and not {asked}: storage class {class} cannot grow them"
            ));
            map_at(cluster, &["spec", field]).insert("size".into(), size.as_str().into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::database::fixtures;

    fn named(id: &str, stage: Stage) -> Value {
        let mut map = fixtures::tombstone("orders");
        let mut read = Tombstone::read(View(&map)).unwrap();
        read.stage = stage;
        map["metadata"]["annotations"][annotation::TOMBSTONE] = read.to_annotation().into();
        map["metadata"]["labels"][label::ID] = id.into();
        map
    }

    fn chosen(id: Option<&str>, tombstones: &[Value]) -> Result<Option<String>, String> {
        let name = DatabaseName::parse("orders").unwrap();
        choose(&name, id, tombstones)
            .map(|found| {
                found
                    .and_then(|map| View(map).label(label::ID))
                    .map(str::to_owned)
            })
            .map_err(|failure| failure.render())
    }

    #[test]
    fn the_one_whose_data_is_kept_comes_back_unless_an_id_says_otherwise() {
        let (old, new) = (named("aaaa", Stage::Purged), named("bbbb", Stage::Complete));
        let both = [new.clone(), old.clone()];
        assert_eq!(chosen(None, &[]), Ok(None));
        assert_eq!(chosen(None, &both), Ok(Some("bbbb".into())));
        assert_eq!(chosen(Some("aa"), &both), Ok(Some("aaaa".into())));
        assert!(
            chosen(Some("cc"), &both)
                .unwrap_err()
                .contains("bbbb, aaaa")
        );
        let twins = [new, named("cccc", Stage::Complete)];
        assert!(chosen(None, &twins).unwrap_err().contains("bbbb, cccc"));
        assert_eq!(chosen(None, &[old]), Ok(Some("aaaa".into())));
    }

    #[test]
    fn says_why_there_is_nothing_to_restore() {
        let name = DatabaseName::parse("orders").unwrap();
        let refused = |stage| {
            let failure = refuse_unrestorable(&name, View(&named("aaaa", stage)));
            failure.map_err(|failure| failure.render())
        };
        assert_eq!(refused(Stage::Complete), Ok(()));
        assert!(
            refused(Stage::Purged)
                .unwrap_err()
                .contains("was destroyed")
        );
        assert!(refused(Stage::Detached).unwrap_err().contains("--abort"));
        let unreadable = refuse_unrestorable(&name, View(&json!({"metadata": {"name": "x"}})));
        assert!(unreadable.unwrap_err().render().contains("configmap x"));
    }

    #[test]
    fn another_major_is_refused() {
        let mut tombstone = Tombstone::read(View(&fixtures::tombstone("orders"))).unwrap();
        tombstone.postgres_major = Some(17);
        let judge = |image| refuse_other_major(image, &tombstone).map_err(|f| f.render());
        assert_eq!(judge(None), Ok(()));
        assert_eq!(judge(Some("x/postgresql:17.2")), Ok(()));
        assert_eq!(judge(Some("x/postgresql:prod")), Ok(()));
        let refused = judge(Some("x/postgresql:16.9")).unwrap_err();
        assert!(
            refused.contains("PostgreSQL 16, the data is of PostgreSQL 17"),
            "{refused}"
        );
    }
}
