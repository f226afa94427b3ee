use daap_crds::contract::annotation;
use daap_crds::names::{DatabaseId, DatabaseName};
use daap_crds::object::View;
use daap_crds::tombstone::{Deletion, Stage, Tombstone};
use daap_tests::ground::{CONFIG_MAPS, ORDERS_ID};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Administrator, CALLER, Case, Everybody, Nobody, Owner, annotate, create, delete, label, patch,
};

const ARCHIVE: &str = "daap-archive-1b4e28ba";
const GOING: &str = "daap-going-c9bf9e57";

/// What the plugin writes when it deletes `orders`.
fn begun(orders: &Value) -> Value {
    let deletion = Deletion {
        by: CALLER,
        reason: None,
        at: Timestamp::now(),
        retention_days: 30,
    };
    let (name, id) = (DatabaseName::parse("orders"), DatabaseId::parse(ORDERS_ID));
    let cluster = View(orders);
    Tombstone::of(cluster, None, deletion).config_map(
        cluster,
        &name.unwrap(),
        &id.unwrap(),
        deletion,
    )
}

fn changed(map: &Value, change: impl FnOnce(&mut Tombstone)) -> Value {
    let mut tombstone = Tombstone::read(View(map)).unwrap();
    change(&mut tombstone);
    tombstone.to_annotation().into()
}

pub(super) fn tombstones(orders: &Value, archive: &Value) -> Vec<Case> {
    let begun = begun(orders);
    let mut forged = begun.clone();
    forged["metadata"]["annotations"][annotation::PURPOSE] = "another".into();
    let stage = |what: &str, whose, value| {
        annotate(
            what,
            whose,
            CONFIG_MAPS,
            ARCHIVE,
            annotation::TOMBSTONE,
            value,
        )
    };
    let days = SignedDuration::from_hours(24);
    vec![
        create("begin one for `orders`", Owner, CONFIG_MAPS, begun),
        create("… with another record", Nobody, CONFIG_MAPS, forged),
        stage(
            "say that the data is purged",
            Owner,
            changed(archive, |map| map.stage = Stage::Purged),
        ),
        stage(
            "go back a stage",
            Nobody,
            changed(archive, |map| map.stage = Stage::Written),
        ),
        stage(
            "keep the data for longer",
            Administrator,
            changed(archive, |map| map.until += 300 * days),
        ),
        stage(
            "… not as long",
            Owner,
            changed(archive, |map| map.until -= days),
        ),
        annotate(
            "change the record",
            Nobody,
            CONFIG_MAPS,
            ARCHIVE,
            annotation::PURPOSE,
            json!("another"),
        ),
        label(
            "give it to another team",
            Nobody,
            CONFIG_MAPS,
            ARCHIVE,
            "daap.dev/owner-team",
            json!("billing"),
        ),
        label(
            "make it none",
            Nobody,
            CONFIG_MAPS,
            ARCHIVE,
            "daap.dev/deleted",
            Value::Null,
        ),
        patch(
            "put data into it",
            Nobody,
            CONFIG_MAPS,
            ARCHIVE,
            json!({"data": {"x": "y"}}),
        ),
        delete("delete it", Nobody, CONFIG_MAPS, ARCHIVE),
        delete(
            "delete one whose Cluster still lives",
            Owner,
            CONFIG_MAPS,
            GOING,
        ),
        create(
            "create a ConfigMap that is none",
            Everybody,
            CONFIG_MAPS,
            json!({"metadata": {"name": "plain"}, "data": {"x": "y"}}),
        ),
    ]
}
