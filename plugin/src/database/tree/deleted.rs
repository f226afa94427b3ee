//! The tree of a deleted database.

use daap_crds::contract::{annotation, cnpg, label};
use daap_crds::object::View;
use daap_crds::tombstone::{Stage, Tombstone};
use futures::future::{try_join, try_join_all};
use jiff::Timestamp;
use serde_json::Value;

use super::Node;
use super::read::{Seen, seen};
use crate::failure::Failure;
use crate::kubernetes::{Kind, Kubernetes};

/// What lies there of what was kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) volumes: Seen<Vec<Value>>,
    pub(super) secrets: Seen<Vec<Value>>,
}

impl Kept {
    pub(super) async fn read(k8s: &Kubernetes, tombstone: &Value) -> Result<Self, Failure> {
        let id = View(tombstone).label(label::ID).unwrap_or_default();
        let of_database = format!("{}={id}", label::ID);
        let names = Tombstone::read(View(tombstone))
            .map(|tombstone| tombstone.retained.secrets)
            .unwrap_or_default();
        let secrets = try_join_all(
            names
                .iter()
                .map(|name| k8s.get_metadata(Kind::Secret, name)),
        );
        let (volumes, secrets) = try_join(
            async { seen(k8s.list(Kind::Volume, &of_database).await) },
            async {
                let found = secrets.await;
                seen(found.map(|found| found.into_iter().flatten().collect()))
            },
        )
        .await?;
        Ok(Self { volumes, secrets })
    }
}

pub(super) fn tree(config_map: &Value, kept: &Kept, now: Timestamp) -> Node {
    let view = View(config_map);
    let name = view.label(label::NAME).unwrap_or(view.name());
    let when = view.annotation(annotation::UPDATED_AT).unwrap_or("unknown");
    let by = view.annotation(annotation::UPDATED_BY).unwrap_or("unknown");
    let database = Node::new("Database", name, format!("deleted at {when} by {by}"));
    let Some(tombstone) = Tombstone::read(view) else {
        return database.with(Node::new("ConfigMap", view.name(), "no readable tombstone"));
    };
    let lists = [
        (
            "PersistentVolumeClaim",
            &tombstone.retained.volumes,
            &kept.volumes,
        ),
        ("Secret", &tombstone.retained.secrets, &kept.secrets),
    ];
    let children = lists
        .into_iter()
        .flat_map(|(kind, names, found)| retained(kind, names, found));
    database.with(Node::new("ConfigMap", view.name(), told(&tombstone, now)).with_all(children))
}

fn told(tombstone: &Tombstone, now: Timestamp) -> String {
    let until = tombstone.until.strftime("%Y-%m-%dT%H:%M:%SZ");
    match tombstone.stage {
        Stage::Purged => "no data is kept: only the record remains".to_owned(),
        Stage::Written | Stage::Detached => "the deletion is not finished".to_owned(),
        Stage::Complete if tombstone.until <= now => {
            format!("can be restored, but has expired at {until}: purge --expired destroys it")
        }
        Stage::Complete => format!("can be restored until {until}"),
    }
}

fn retained(kind: &str, names: &[String], found: &Seen<Vec<Value>>) -> Vec<Node> {
    names
        .iter()
        .map(|name| {
            let status = match found {
                Err(why) => format!("not shown: {why}"),
                Ok(found) => found
                    .iter()
                    .map(View)
                    .find(|object| object.name() == name)
                    .map_or_else(
                        || "missing: it was kept, and somebody removed it".to_owned(),
                        condition,
                    ),
            };
            Node::new(kind, name, status)
        })
        .collect()
}

fn condition(object: View<'_>) -> String {
    if object.is_being_deleted() {
        return "Terminating".to_owned();
    }
    let owner = object.owner_references().first().map(View);
    let mut text = match object.text("/status/phase") {
        Some(phase) => {
            let size = object.text("/status/capacity/storage").unwrap_or_default();
            format!("kept, {phase} {size}").trim_end().to_owned()
        }
        None => "kept".to_owned(),
    };
    if let Some(status) = object.annotation(cnpg::PVC_STATUS) {
        text = format!("{text}, {status}");
    }
    if let Some(owner) = owner.and_then(|owner| owner.text("/name")) {
        text = format!("{text}, belongs to '{owner}'");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::database::fixtures;

    fn shown(kept: &Kept, now: &str) -> String {
        tree(&fixtures::tombstone("orders"), kept, now.parse().unwrap()).render(true)
    }

    #[test]
    fn what_is_kept_is_there_or_missing() {
        let kept = Kept {
            volumes: Ok(vec![
                json!({"metadata": {"name": "daap-orders-1", "annotations": {"cnpg.io/pvcStatus": "ready"}},
                    "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}),
            ]),
            secrets: Ok(Vec::new()),
        };
        insta::assert_snapshot!(shown(&kept, "2026-11-22T08:00:00Z"));
        let late = shown(&kept, "2027-11-22T08:00:00Z");
        assert!(
            late.contains("has expired at 2026-12-21T08:04:00Z"),
            "{late}"
        );
    }

    #[test]
    fn what_may_not_be_seen_is_said_to_be_so() {
        let kept = Kept {
            volumes: Err("ada may not list volumes".into()),
            secrets: Ok(Vec::new()),
        };
        let shown = shown(&kept, "2026-11-22T08:00:00Z");
        assert!(
            shown.contains("not shown: ada may not list volumes"),
            "{shown}"
        );
    }
}
