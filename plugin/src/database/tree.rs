//! What a database consists of, and the condition of each part: where it is stuck, the part that is
//! stuck says why.

mod deleted;
mod live;
mod node;
mod pod;
mod read;

use daap_crds::names::DatabaseName;
use serde_json::Value;

pub(crate) use node::Node;
pub(super) use read::{Parts, Seen, seen};

use super::{Database, find_or_lost};
use crate::failure::Failure;
use crate::kubernetes::Kubernetes;

/// The tree of a database that lives; none where it does not.
pub(crate) async fn tree(k8s: &Kubernetes, name: &DatabaseName) -> Result<Option<Node>, Failure> {
    let both = futures::future::try_join(find_or_lost(k8s, name), read::Parts::read(k8s, name));
    let (database, parts) = Box::pin(both).await?;
    let Some(database) = database else {
        return Ok(None);
    };
    let events = if live::is_stuck(&parts) {
        read::warnings(k8s, name).await?
    } else {
        Vec::new()
    };
    Ok(Some(live::tree(&database, name, &parts, &events)))
}

/// The tree of a database of which everything has been read already.
pub(super) fn tree_of(
    database: &Database,
    name: &DatabaseName,
    parts: &Parts,
    warnings: &[Value],
) -> Node {
    let explains = if live::is_stuck(parts) { warnings } else { &[] };
    live::tree(database, name, parts, explains)
}

/// The tree of a deleted database: its tombstone, and whether what it keeps is there.
pub(crate) async fn deleted_tree(k8s: &Kubernetes, tombstone: &Value) -> Result<Node, Failure> {
    let kept = deleted::Kept::read(k8s, tombstone).await?;
    Ok(deleted::tree(tombstone, &kept, jiff::Timestamp::now()))
}
