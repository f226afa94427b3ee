use daap_crds::contract::annotation;
use daap_crds::history::{Action, History, Then, Tracked, keeps_every_version, verify_object};
use daap_crds::object::View;
use serde_json::json;

/// An annotation `daap.dev/history`: no panic, however it is read; what is read and written again
/// is the same; one version more is one more, and of a history that verifies leaves one that does.
pub fn history(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let object = json!({"metadata": {"annotations": {annotation::HISTORY: text}}});
    let _ = verify_object(View(&object));
    let _ = keeps_every_version(View(&object), View(&object));
    let Ok(history) = History::parse(text) else {
        return;
    };
    assert_eq!(History::parse(&history.to_annotation()).unwrap(), history);
    let versions = history.versions();
    let current = versions.iter().filter(|version| version.is_current);
    assert_eq!(current.count(), usize::from(!versions.is_empty()));
    for version in &versions {
        assert_ne!(history.at(version.effective_from), Then::Nothing);
    }
    grows(&history);
}

fn grows(history: &History) {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let record = Tracked {
        owner_team: "payments".into(),
        ..history.current()
    };
    let from = history.next_instant(at);
    let next = history.with(Action::Updated, from, "ada", None, &record);
    assert_eq!(next.version(), history.version().saturating_add(1));
    assert_eq!(next.current(), record);
    // One row cannot be folded, and a stranger's may be of any size.
    assert!(next.rows.len() == 1 || next.to_annotation().len() <= 32 * 1024);
    let was_good = history.verify(&history.current()).is_empty();
    let has_room = history.latest().is_none_or(|latest| from > latest) && next.version() < u64::MAX;
    if was_good && has_room {
        assert_eq!(next.verify(&record), []);
    }
}
