//! What holds after everything that happens.

use daap_crds::contract::{END_OF_TIME, annotation, label};
use daap_crds::history::{Action, History, verify_object};
use daap_crds::object::View;
use serde_json::Value;

use crate::deed::{Deed, What};
use crate::world::{World, id};

/// The largest that the annotation may be.
const LIMIT: usize = 32 * 1024;

pub(crate) fn assert_hold(world: &mut World, deed: &Deed) {
    let stored: Vec<Value> = world
        .cluster
        .iter()
        .chain(&world.tombstones)
        .cloned()
        .collect();
    if stored == world.held {
        return;
    }
    for object in world.cluster.iter().chain(&world.tombstones) {
        assert_is_a_history(object, deed);
    }
    // While both are there the Cluster tells: its tombstone is not final.
    let lives = world.cluster.as_ref().map(|cluster| id(cluster).to_owned());
    let final_ones = world
        .tombstones
        .iter()
        .filter(|map| Some(id(map)) != lives.as_deref());
    let tellers: Vec<Value> = world.cluster.iter().chain(final_ones).cloned().collect();
    assert_names_the_action(world, deed);
    for object in &tellers {
        assert_continues(world, object, deed);
    }
    for known in world.seen.keys() {
        assert!(
            tellers.iter().any(|object| id(object) == known),
            "{known} is gone without a trace after {deed:?}"
        );
    }
    world.held = stored;
}

fn parse(object: &Value) -> History {
    History::parse(View(object).annotation(annotation::HISTORY).unwrap()).unwrap()
}

fn assert_is_a_history(object: &Value, deed: &Deed) {
    let view = View(object);
    assert_eq!(verify_object(view), [], "after {deed:?}");
    let text = view.annotation(annotation::HISTORY).unwrap();
    assert!(text.len() <= LIMIT, "{} bytes after {deed:?}", text.len());
    let versions = parse(object).versions();
    for pair in versions.windows(2) {
        assert_eq!(pair[0].effective_to, pair[1].effective_from.to_string());
        assert!(pair[0].effective_from < pair[1].effective_from);
        assert_eq!(pair[1].version, pair[0].version + 1);
    }
    assert_eq!(versions[0].version, versions[0].stands_for);
    let current: Vec<_> = versions
        .iter()
        .filter(|version| version.is_current)
        .collect();
    assert_eq!(current.len(), 1, "after {deed:?}");
    let last = versions.last().unwrap();
    assert!(last.is_current);
    assert_eq!(last.effective_to, END_OF_TIME);
    let deleted = view.label(label::DELETED) == Some("true");
    assert_eq!(last.is_deleted, deleted, "after {deed:?}");
    assert_eq!(
        last.record.owner_team,
        view.label(label::OWNER_TEAM).unwrap()
    );
    assert_eq!(
        last.record.purpose,
        view.annotation(annotation::PURPOSE).unwrap()
    );
}

/// A version that a deed made says what made it.
fn assert_names_the_action(world: &World, deed: &Deed) {
    let Some(cluster) = &world.cluster else {
        return;
    };
    let Some(row) = parse(cluster).rows.last().cloned() else {
        return;
    };
    let seen = world.seen.get(id(cluster));
    if seen.is_some_and(|seen| seen.contains_key(&row.version)) {
        return;
    }
    let fitting: &[Action] = match deed.what {
        What::Create(_) => &[Action::Created],
        What::Restore => &[Action::Restored],
        // What was read may have been in the middle of a rollback.
        What::RollBack(_) | What::Replace(..) if row.action == Action::RolledBack => return,
        What::RollBack(_) => &[Action::Transferred],
        _ => &[Action::Updated, Action::Transferred],
    };
    assert!(fitting.contains(&row.action), "{row:?} after {deed:?}");
}

/// What was a version once stays that version.
fn assert_continues(world: &mut World, object: &Value, deed: &Deed) {
    let history = parse(object);
    let seen = world.seen.entry(id(object).to_owned()).or_default();
    for row in &history.rows {
        let known = seen.entry(row.version).or_insert_with(|| row.clone());
        assert_eq!(
            known, row,
            "version {} is another after {deed:?}",
            row.version
        );
    }
    let newest = seen.keys().next_back().copied().unwrap_or_default();
    assert_eq!(
        history.version(),
        newest,
        "a version was lost after {deed:?}"
    );
}
