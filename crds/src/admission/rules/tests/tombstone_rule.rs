//! What becomes of a tombstone: how it begins, goes on and ends.

use super::tombstones::{DELETED_AT, tombstone};
use super::*;
use crate::tombstone::{Kept, Retained, Stage, Tombstone};

const OWNED: &str = "ownership metadata.labels[daap.dev/owner-team]";
const CONTENTS: &str = "tombstone metadata.annotations[daap.dev/tombstone]";
const LABEL: &str = "tombstone metadata.labels[daap.dev/deleted]";

fn live() -> World {
    World {
        clusters: vec![stored()],
        poolers: vec![orders().pooler("uid-of-orders")],
        ..World::default()
    }
}

/// As the plugin writes it first.
fn new() -> Value {
    let mut new = tombstone(Stage::Written, &[]);
    rewrite(&mut new, |tombstone| {
        tombstone.retained = Retained::default();
    });
    new
}

fn rewrite(map: &mut Value, change: impl FnOnce(&mut Tombstone)) {
    let mut read = Tombstone::read(View(map)).unwrap();
    change(&mut read);
    set_annotation(map, annotation::TOMBSTONE, read.to_annotation());
}

fn request(operation: Operation, user: &str, old: Option<&Value>, new: Option<&Value>) -> Write {
    let mut write = write(Resource::ConfigMap, operation, user, old, new);
    write.at = DELETED_AT.parse().unwrap();
    write
}

fn begins(user: &str, map: &Value) -> Vec<String> {
    let mut refusals = live().refusals(&request(Operation::Create, user, None, Some(map)));
    // One that becomes a tombstone by an update is judged like a new one.
    let plain = json!({"metadata": {"name": View(map).name(), "namespace": "apps"}});
    let becomes = request(Operation::Update, user, Some(&plain), Some(map));
    assert_eq!(live().refusals(&becomes), refusals);
    refusals.sort();
    refusals
}

#[test]
fn it_begins_with_the_record_of_a_live_cluster() {
    assert_eq!(begins("payments-dev", &new()), [""; 0]);
    let dead = World::default();
    let create = request(Operation::Create, "payments-dev", None, Some(&new()));
    assert_eq!(
        dead.refusals(&create),
        ["tombstone metadata.labels[daap.dev/id]"]
    );
    // Not by others, nor in the name of another.
    let refusals = begins("billing-dev", &new());
    assert!(refusals.contains(&OWNED.to_owned()), "{refusals:?}");
    assert!(
        refusals.contains(&"tombstone metadata.annotations[daap.dev/updated-by]".to_owned()),
        "{refusals:?}"
    );
}

#[rstest]
#[case(labels(&json!({"daap.dev/owner-team": "billing"})), "tombstone metadata.labels[daap.dev/owner-team]")]
#[case(labels(&json!({"daap.dev/deleted": "yes"})), LABEL)]
#[case(labels(&json!({"daap.dev/name": null})), LABEL)]
#[case(annotations(&json!({"daap.dev/purpose": "another"})), "tombstone metadata.annotations[daap.dev/purpose]")]
#[case(annotations(&json!({"daap.dev/created-by": "mallory"})), "tombstone metadata.annotations[daap.dev/created-by]")]
#[case(annotations(&json!({"daap.dev/offered-to": "billing"})), "tombstone metadata.annotations[daap.dev/offered-to]")]
#[case(annotations(&json!({"daap.dev/tombstone": "{}"})), CONTENTS)]
#[case(json!({"metadata": {"name": "daap-orders-other"}}), "tombstone metadata.name")]
#[case(json!({"data": {"x": "y"}}), "tombstone data")]
#[case(json!({"metadata": {"ownerReferences": [{"uid": "1"}]}}), "tombstone metadata.ownerReferences")]
fn it_says_nothing_of_its_own(#[case] change: Value, #[case] expected: &str) {
    let mut map = new();
    json_patch::merge(&mut map, &change);
    assert_eq!(begins("payments-dev", &map), [expected]);
}

#[test]
fn its_history_is_the_whole_one_and_one_deletion_more() {
    let mut forged = history_of(&new());
    forged.rows[0].by = "mallory".into();
    let mut short = history_of(&new());
    short.rows.remove(0);
    let mut alive = history_of(&new());
    alive.rows[1].action = Action::Updated;
    for history in [forged, short, alive] {
        let mut map = new();
        set_annotation(&mut map, annotation::HISTORY, history.to_annotation());
        assert_eq!(
            begins("payments-dev", &map),
            ["tombstone metadata.annotations[daap.dev/history]"]
        );
    }
    let mut late = request(Operation::Create, "payments-dev", None, Some(&new()));
    late.at = "2026-11-21T12:00:00Z".parse().unwrap();
    assert_eq!(
        live().refusals(&late),
        ["tombstone metadata.annotations[daap.dev/history]"]
    );
}

#[test]
fn a_restore_applies_only_what_was_there() {
    let forge = |change: fn(&mut Tombstone)| {
        let mut map = new();
        rewrite(&mut map, change);
        begins("payments-dev", &map)
    };
    let secret = json!({"env": [{"valueFrom": {"secretKeyRef": {"name": "daap-other-app"}}}]});
    assert_eq!(forge(|it| it.cluster.spec["env"] = json!([1])), [CONTENTS]);
    assert_eq!(forge(|it| it.image = Some("evil".into())), [CONTENTS]);
    assert_eq!(forge(|it| it.stage = Stage::Complete), [CONTENTS]);
    let labelled = |it: &mut Tombstone| {
        it.cluster
            .annotations
            .insert("cnpg.io/podPatch".into(), "[]".into());
    };
    assert_eq!(forge(labelled), [CONTENTS]);
    let mut map = new();
    rewrite(&mut map, |it| {
        it.pooler = Some(Kept {
            spec: secret,
            ..Kept::default()
        });
    });
    assert_eq!(begins("payments-dev", &map), [CONTENTS]);
    rewrite(&mut map, |it| {
        it.pooler = Some(Kept::of(View(&orders().pooler("uid-of-orders"))));
    });
    assert_eq!(begins("payments-dev", &map), [""; 0]);
}

fn goes_on(
    world: &World,
    user: &str,
    from: Stage,
    change: impl FnOnce(&mut Tombstone),
) -> Vec<String> {
    let old = tombstone(from, &["daap-orders-app"]);
    let mut new = old.clone();
    rewrite(&mut new, change);
    world.refusals(&request(Operation::Update, user, Some(&old), Some(&new)))
}

#[rstest]
#[case(Stage::Written, Stage::Detached, true)]
#[case(Stage::Written, Stage::Purged, true)]
#[case(Stage::Detached, Stage::Complete, true)]
#[case(Stage::Complete, Stage::Purged, true)]
#[case(Stage::Complete, Stage::Written, false)]
#[case(Stage::Detached, Stage::Written, false)]
#[case(Stage::Purged, Stage::Complete, false)]
#[case(Stage::Purged, Stage::Written, false)]
fn its_stage_moves_on(#[case] from: Stage, #[case] to: Stage, #[case] allowed: bool) {
    let expected: &[&str] = if allowed { &[] } else { &[CONTENTS] };
    let world = World::default();
    assert_eq!(
        goes_on(&world, "payments-dev", from, |it| it.stage = to),
        expected
    );
    assert!(goes_on(&world, "billing-dev", from, |it| it.stage = to).contains(&OWNED.to_owned()));
}

#[test]
fn a_purge_takes_its_mark_back_where_a_restore_was_faster() {
    let back = |it: &mut Tombstone| it.stage = Stage::Complete;
    assert_eq!(
        goes_on(&live(), "payments-dev", Stage::Purged, back),
        [""; 0]
    );
}

#[test]
fn what_it_retains_is_decided_once_and_then_only_goes() {
    let world = World::default();
    let retain = |from, volume: &'static str| {
        goes_on(&world, "payments-dev", from, |it| {
            it.retained.volumes.push(volume.into());
        })
    };
    assert_eq!(retain(Stage::Written, "daap-orders-2"), [""; 0]);
    assert_eq!(retain(Stage::Written, "daap-orders-2-wal"), [""; 0]);
    assert_eq!(retain(Stage::Written, "daap-other-1"), [CONTENTS]);
    assert_eq!(retain(Stage::Written, "daap-orders-1-1"), [CONTENTS]);
    assert_eq!(retain(Stage::Complete, "daap-orders-2"), [CONTENTS]);
    let give_up = |it: &mut Tombstone| {
        (it.stage, it.retained) = (Stage::Purged, Retained::default());
    };
    assert_eq!(
        goes_on(&world, "payments-dev", Stage::Complete, give_up),
        [""; 0]
    );
    let foreign = |it: &mut Tombstone| it.retained.secrets = vec!["daap-other-app".into()];
    assert_eq!(
        goes_on(&world, "payments-dev", Stage::Written, foreign),
        [CONTENTS]
    );
}

#[test]
fn its_time_ends_earlier_by_its_owner_and_later_by_an_administrator() {
    let until = |user, time: &'static str| {
        goes_on(&World::default(), user, Stage::Complete, |it| {
            it.until = time.parse().unwrap();
        })
    };
    let (earlier, later) = ("2026-11-22T00:00:00Z", "2030-01-01T00:00:00Z");
    assert_eq!(until("payments-dev", earlier), [""; 0]);
    assert_eq!(until("payments-dev", later), [CONTENTS]);
    assert_eq!(until("admin", later), [""; 0]);
}

#[rstest]
#[case(labels(&json!({"daap.dev/owner-team": "billing"})), "tombstone metadata.labels[daap.dev/owner-team]")]
#[case(labels(&json!({"daap.dev/deleted": null})), LABEL)]
#[case(annotations(&json!({"daap.dev/history": "{}"})), "tombstone metadata.annotations[daap.dev/history]")]
#[case(annotations(&json!({"daap.dev/purpose": null})), "tombstone metadata.annotations[daap.dev/purpose]")]
#[case(annotations(&json!({"daap.dev/tombstone": null})), CONTENTS)]
#[case(json!({"binaryData": {"x": "y"}}), "tombstone binaryData")]
#[case(json!({"metadata": {"ownerReferences": [{"uid": "1"}]}}), "tombstone metadata.ownerReferences")]
fn its_record_never_changes(#[case] change: Value, #[case] expected: &str) {
    let old = tombstone(Stage::Complete, &[]);
    let mut new = old.clone();
    json_patch::merge(&mut new, &change);
    for user in ["payments-dev", "admin"] {
        let update = request(Operation::Update, user, Some(&old), Some(&new));
        assert_eq!(World::default().refusals(&update), [expected], "{user}");
    }
    let note = json!({"metadata": {"annotations": {"note": "x"}}});
    let mut noted = old.clone();
    json_patch::merge(&mut noted, &note);
    let update = request(Operation::Update, "payments-dev", Some(&old), Some(&noted));
    assert_eq!(World::default().refusals(&update), [""; 0]);
}

#[test]
fn it_goes_only_when_the_database_is_back() {
    let old = tombstone(Stage::Complete, &[]);
    let delete = |world: &World, user: &str| {
        world.refusals(&request(Operation::Delete, user, Some(&old), None))
    };
    for user in ["payments-dev", "admin"] {
        assert_eq!(delete(&World::default(), user), [LABEL]);
    }
    // The deletion was undone.
    assert_eq!(delete(&live(), "payments-dev"), [""; 0]);
    assert_eq!(delete(&live(), "billing-dev"), [OWNED]);
    // It came back.
    let buried = World {
        tombstones: vec![old.clone()],
        ..World::default()
    };
    let (restored, _) = buried.admit(&create("payments-dev", &orders().cluster()));
    let world = |cluster: Value| World {
        clusters: vec![cluster],
        ..World::default()
    };
    assert_eq!(delete(&world(restored.clone()), "payments-dev"), [""; 0]);
    // A Cluster that is being deleted would take the record along; another one does not carry it.
    let mut leaving = restored.clone();
    leaving["metadata"]["deletionTimestamp"] = "2026-11-21T09:59:00Z".into();
    assert_eq!(delete(&world(leaving), "payments-dev"), [LABEL]);
    let mut fresh = restored;
    set_annotation(&mut fresh, annotation::HISTORY, r#"{"rows":[]}"#);
    assert_eq!(delete(&world(fresh), "payments-dev"), [LABEL]);
}

#[test]
fn one_that_cannot_be_read_is_an_administrators() {
    let mut old = tombstone(Stage::Complete, &[]);
    set_annotation(&mut old, annotation::TOMBSTONE, "nonsense");
    let delete = |user| request(Operation::Delete, user, Some(&old), None);
    assert_eq!(
        World::default().refusals(&delete("payments-dev")),
        [CONTENTS]
    );
    assert_eq!(World::default().refusals(&delete("admin")), [""; 0]);
}
