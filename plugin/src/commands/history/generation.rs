//! Which of the databases of a name: the one that lives, or one of the deleted.

use daap_crds::contract::{annotation, label};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::try_join;
use serde_json::Value;

use crate::database::tombstones;
use crate::failure::{Class, Complaint, Failure};
use crate::kubernetes::{Kind, Kubernetes};

/// One of the databases that have had a name.
#[derive(Debug)]
pub(super) struct Generation {
    /// The Cluster or the tombstone: what carries the record.
    pub(super) object: Value,
    /// Whether it is a tombstone.
    pub(super) deleted: bool,
    /// Ids and words of the others that have had the name.
    pub(super) others: Vec<String>,
}

impl Generation {
    pub(super) fn view(&self) -> View<'_> {
        View(&self.object)
    }

    /// The one with that id or beginning of an id; else the one that lives, else the one that was
    /// deleted last.
    pub(super) async fn find(
        k8s: &Kubernetes,
        name: &DatabaseName,
        id: Option<&str>,
    ) -> Result<Self, Failure> {
        let cluster_name = name.cluster();
        let (cluster, tombstones) =
            try_join(k8s.get(Kind::Cluster, &cluster_name), tombstones(k8s, name)).await?;
        let found = all(cluster, tombstones);
        if found.is_empty() {
            return Err(never(k8s, name));
        }
        choose(found, id)
    }
}

/// The oldest first, the one that lives last. A database that is being deleted or restored has
/// both: its Cluster tells.
fn all(cluster: Option<Value>, tombstones: Vec<Value>) -> Vec<(Value, bool)> {
    let lives = cluster
        .as_ref()
        .and_then(|cluster| View(cluster).label(label::ID))
        .map(str::to_owned);
    tombstones
        .into_iter()
        .filter(|tombstone| lives.is_none() || View(tombstone).label(label::ID) != lives.as_deref())
        .map(|tombstone| (tombstone, true))
        .chain(cluster.map(|cluster| (cluster, false)))
        .collect()
}

fn choose(found: Vec<(Value, bool)>, id: Option<&str>) -> Result<Generation, Failure> {
    let wanted = |object: &Value| {
        id.is_none_or(|id| {
            View(object)
                .label(label::ID)
                .is_some_and(|label| label.starts_with(id))
        })
    };
    let described: Vec<String> = found.iter().map(describe).collect();
    let fitting: Vec<usize> = found
        .iter()
        .enumerate()
        .filter(|(_, (object, _))| wanted(object))
        .map(|(index, _)| index)
        .collect();
    let refused = |text: String| {
        let list = described.join(", ");
        Err(Failure::fields(
            "no such database",
            vec![Complaint::new("--id", format!("{text}; there are: {list}"))],
        ))
    };
    let given = id.unwrap_or_default();
    let chosen = match fitting.as_slice() {
        [] => return refused(format!("no id begins with '{given}'")),
        [_, _, ..] if id.is_some() => {
            return refused(format!("{} ids begin with '{given}'", fitting.len()));
        }
        [.., chosen] => *chosen,
    };
    let others = described
        .into_iter()
        .enumerate()
        .filter(|(index, _)| *index != chosen)
        .map(|(_, text)| text)
        .collect();
    found
        .into_iter()
        .nth(chosen)
        .map(|(object, deleted)| Generation {
            object,
            deleted,
            others,
        })
        .ok_or_else(|| Failure::new("no such database"))
}

fn describe((object, deleted): &(Value, bool)) -> String {
    let view = View(object);
    let id = view.label(label::ID).unwrap_or("without an id");
    if !deleted {
        return format!("{id} (lives)");
    }
    match view.annotation(annotation::UPDATED_AT) {
        Some(at) => format!("{id} (deleted {at})"),
        None => format!("{id} (deleted)"),
    }
}

fn never(k8s: &Kubernetes, name: &DatabaseName) -> Failure {
    Failure::new(format!(
        "database/{name} not found in namespace {}, nor a deleted one of that name",
        k8s.namespace()
    ))
    .class(Class::NotFound)
    .hint(crate::commands::look_for_it(k8s))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(id: &str) -> Value {
        json!({"metadata": {"labels": {"daap.dev/id": id}, "annotations": {"daap.dev/updated-at": "2026-11-21T08:00:00Z"}}})
    }

    fn id(generation: &Generation) -> &str {
        generation.view().label(label::ID).unwrap_or_default()
    }

    #[test]
    fn the_one_that_lives_goes_first_then_the_newest() {
        let tombstones = vec![object("aa-1"), object("ab-2")];
        let live = choose(all(Some(object("b-3")), tombstones.clone()), None).unwrap();
        assert_eq!((id(&live), live.deleted), ("b-3", false));
        assert_eq!(live.others.len(), 2);
        let newest = choose(all(None, tombstones.clone()), None).unwrap();
        assert_eq!((id(&newest), newest.deleted), ("ab-2", true));
        let asked = choose(all(Some(object("b-3")), tombstones.clone()), Some("aa")).unwrap();
        assert_eq!((id(&asked), asked.deleted), ("aa-1", true));
        // Being deleted: Cluster and tombstone are the same database.
        let both = choose(all(Some(object("ab-2")), tombstones), None).unwrap();
        assert_eq!((id(&both), both.deleted), ("ab-2", false));
        assert_eq!(both.others.len(), 1);
    }

    #[test]
    fn an_id_that_fits_none_or_several_is_refused_with_what_there_is() {
        let found = || all(None, vec![object("aa-1"), object("ab-2")]);
        let none = choose(found(), Some("c")).unwrap_err().render();
        assert!(
            none.contains("--id: no id begins with 'c'; there are: aa-1 (deleted"),
            "{none}"
        );
        let several = choose(found(), Some("a")).unwrap_err().render();
        assert!(several.contains("2 ids begin with 'a'"), "{several}");
    }
}
