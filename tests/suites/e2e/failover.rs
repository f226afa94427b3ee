//! A database whose primary has changed.

use crate::{
    life::{ROWS, TABLE, kill_primary, purge},
    place::Place,
};

#[tokio::test]
async fn after_a_failover_it_is_deleted_and_restored_with_all_rows() {
    let place = Place::of("failover").await;
    let created = place.create(&["--instances", "3"]);
    place.sql(TABLE);
    let failed = kill_primary(&place, 3);
    let promoted = place.primary();
    assert_ne!(promoted, failed, "another instance is the primary");
    place.says(&format!("  {promoted} is the primary instead of {failed}"));
    place.sql_becomes(ROWS, "a book, a lamp");
    place.sql("insert into items values (3, 'a pen')");
    replicates(&place);

    place.delete();
    assert_eq!(place.names("pvc").len(), 3);
    let restored = place.restore(&[]);
    assert_eq!(restored["record"]["id"], created["record"]["id"]);
    place.ready_with(3);
    assert_eq!(place.sql(ROWS), "a book, a lamp, a pen");
    replicates(&place);
    purge(&place, &created["record"]["id"]);
}

/// Two replicas stream from the primary.
fn replicates(place: &Place) {
    place.sql_becomes("select count(*) from pg_stat_replication", "2");
}
