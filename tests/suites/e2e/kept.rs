//! What a database keeps over its deletion.

use serde_json::json;

use crate::{
    life::{ROWS, TABLE},
    place::Place,
    steps::CLUSTER,
};

#[tokio::test]
async fn deleted_and_restored_twice_in_a_row() {
    let place = Place::of("twice").await;
    let created = place.create(&[]);
    place.sql(TABLE);
    for (id, name) in [(3, "a pen"), (4, "a cup")] {
        place.delete();
        let restored = place.restore(&[]);
        assert_eq!(restored["record"]["id"], created["record"]["id"]);
        place.sql(&format!("insert into items values ({id}, '{name}')"));
    }
    assert_eq!(place.sql(ROWS), "a book, a lamp, a pen, a cup");
}

#[tokio::test]
async fn a_password_that_was_changed_stays_the_new_one() {
    let place = Place::of("password").await;
    place.create(&[]);
    place.sql(TABLE);
    let new = "changed by the suite";
    let patch = json!({ "stringData": { "password": new } }).to_string();
    let secret = format!("secret/{CLUSTER}-app");
    place.says(&format!("$ kubectl patch {secret}"));
    place.kubectl(&["patch", &secret, "--type=merge", "-p", &patch]);
    place.sql_becomes(ROWS, "a book, a lamp");
    assert_eq!(place.password(), new);

    place.delete();
    place.restore(&[]);
    assert_eq!(place.password(), new);
    assert_eq!(place.sql(ROWS), "a book, a lamp");
}
