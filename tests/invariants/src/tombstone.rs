use daap_crds::contract::annotation;
use daap_crds::history::verify_object;
use daap_crds::object::View;
use daap_crds::tombstone::{Tombstone, major_of_image};
use serde_json::Value;

use crate::world::WORLD;

/// An annotation `daap.dev/tombstone`: no panic, however it is read; what is read and written again
/// is the same; what a restore makes of it has the record of the tombstone.
pub fn tombstone(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = major_of_image(text);
    let mut map = WORLD.tombstone.clone();
    map["metadata"]["annotations"][annotation::TOMBSTONE] = text.into();
    let view = View(&map);
    let _ = verify_object(view);
    let Some(tombstone) = Tombstone::read(view) else {
        assert_eq!(Tombstone::restored_cluster(view), None);
        return;
    };
    let mut again = map.clone();
    again["metadata"]["annotations"][annotation::TOMBSTONE] = tombstone.to_annotation().into();
    assert_eq!(Tombstone::read(View(&again)), Some(tombstone.clone()));
    let pooler = Tombstone::restored_pooler(view, "some-uid");
    assert_eq!(pooler.is_some(), tombstone.pooler.is_some());
    let cluster = Tombstone::restored_cluster(view).expect("what is read is restored");
    assert_eq!(
        cluster["spec"]["instances"],
        tombstone.cluster.spec["instances"]
    );
    for object in [Some(cluster), pooler].into_iter().flatten() {
        carries_the_record(&object, view);
    }
}

fn carries_the_record(object: &Value, map: View<'_>) {
    for key in daap_crds::contract::label::RECORD {
        assert_eq!(View(object).label(key), map.label(key), "{object}");
    }
}
