//! WAL on volumes of its own.

use serde_json::{Value, json};

use crate::{
    database::{Database, HEALTHY, ROWS},
    leave::leave,
};

#[tokio::test]
async fn volumes_for_wal_are_kept_and_adopted_with_those_for_data() {
    let database = Database::named("wal", "daap-orders").await;
    let mut manifest = database.cluster_manifest(2);
    manifest["spec"]["walStorage"] = json!({ "size": "1Gi" });
    database.apply_cluster(&manifest).await;
    database.apply_pooler().await;
    database.wait_ready(2).await;
    database
        .sql_soon("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2)")
        .await;
    for instance in ["daap-orders-1", "daap-orders-2"] {
        let claim = format!("{instance}-wal");
        let wal = database.get("persistentvolumeclaims", &claim).await;
        let said = |pointer: &str| wal.pointer(pointer).and_then(Value::as_str);
        assert_eq!(said("/metadata/labels/cnpg.io~1pvcRole"), Some("PG_WAL"));
        let labelled = said("/metadata/labels/cnpg.io~1instanceName");
        assert_eq!(labelled, Some(instance));
        let status = said("/metadata/annotations/cnpg.io~1pvcStatus");
        assert_eq!(status, Some("ready"));
        let link = database.volume(instance).await.join("pgdata/pg_wal");
        let folder = std::fs::read_link(link).unwrap();
        assert!(
            folder.starts_with(database.volume(&claim).await),
            "{folder:?}"
        );
    }
    let status = database.get("clusters", "daap-orders").await["status"].clone();
    assert_eq!(status["instances"], 2);
    assert_eq!(status["pvcCount"], 4);

    leave(&database, &["daap-orders-app", "daap-orders-ca"]).await;
    manifest["spec"]["instances"] = 1.into();
    database.apply_cluster(&manifest).await;
    database.apply_pooler().await;
    for claim in ["daap-orders-2", "daap-orders-2-wal"] {
        database.wait_gone("persistentvolumeclaims", claim).await;
    }
    database
        .wait_cluster("it is healthy", |status| status["phase"] == HEALTHY)
        .await;
    assert_eq!(database.sql_soon(ROWS).await, "1,2");
}
