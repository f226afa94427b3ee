//! The end of a Cluster whose data is kept.

use kube::{ResourceExt as _, api::ListParams};

use crate::database::Database;

/// Stops the database and takes its volumes and these Secrets from the Cluster, which is deleted
/// then.
pub(crate) async fn leave(database: &Database, secrets: &[&str]) {
    database.delete("poolers", &database.pooler()).await;
    database.hibernate().await;
    detach(database, secrets).await;
    gone(database).await;
}

/// Takes its volumes and these Secrets from the Cluster.
pub(crate) async fn detach(database: &Database, secrets: &[&str]) {
    let volumes = database.api("persistentvolumeclaims");
    for volume in volumes.list(&ListParams::default()).await.unwrap() {
        let name = volume.name_any();
        database.detach("persistentvolumeclaims", &name).await;
    }
    for secret in secrets {
        database.detach("secrets", secret).await;
    }
}

/// Deletes the Cluster, and waits until everything that it owned is gone, too.
pub(crate) async fn gone(database: &Database) {
    database.delete("clusters", "daap-orders").await;
    for (plural, name) in [
        ("clusters", "daap-orders"),
        ("secrets", "daap-orders-server"),
        ("services", "daap-orders-rw"),
        ("deployments", "daap-orders-pooler"),
    ] {
        database.wait_gone(plural, name).await;
    }
}
