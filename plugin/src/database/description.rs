//! Everything that is shown of one database at once.

use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use futures::future::try_join3;
use serde_json::Value;

use super::events::{self, Which};
use super::tree::{Parts, Seen, seen, tree_of};
use super::{Database, Node, find_or_lost};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;

/// What was read of one database.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) database: Database,
    /// What it consists of.
    pub(crate) parts: Node,
    /// The capacity of each of its volumes, which may be more than was asked for.
    pub(crate) capacities: Vec<String>,
    /// What happened lately, the newest last.
    pub(crate) events: Seen<Vec<Value>>,
}

impl Description {
    /// Reads the database of that name, if it lives.
    pub(crate) async fn read(
        k8s: &Kubernetes,
        name: &DatabaseName,
    ) -> Result<Option<Self>, Failure> {
        let all = try_join3(find_or_lost(k8s, name), Parts::read(k8s, name), async {
            seen(events::read(k8s, Some(name), Which::All).await)
        });
        let (database, parts, events) = Box::pin(all).await?;
        let Some(database) = database else {
            return Ok(None);
        };
        let is_warning = |event: &&Value| View(event).text("/type") == Some("Warning");
        let warnings: Vec<Value> = events
            .iter()
            .flatten()
            .filter(is_warning)
            .cloned()
            .collect();
        let volumes = parts.volumes.iter().flatten().map(View);
        let capacities = volumes
            .filter_map(|volume| volume.text("/status/capacity/storage"))
            .map(str::to_owned)
            .collect();
        Ok(Some(Self {
            parts: tree_of(&database, name, &parts, &warnings),
            capacities,
            database,
            events,
        }))
    }
}
