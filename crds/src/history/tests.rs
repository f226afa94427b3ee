//! Versions that follow one another, and what is stored of them.

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn record(purpose: &str) -> Tracked {
    Tracked {
        owner_team: "payments".into(),
        purpose: purpose.into(),
        instances: 1,
        storage: "1Gi".into(),
    }
}

fn history(purposes: &[&str]) -> History {
    let mut history = History::default();
    for (index, purpose) in purposes.iter().enumerate() {
        let action = if index == 0 {
            Action::Created
        } else {
            Action::Updated
        };
        let from = history.next_instant(at(i64::try_from(index).unwrap()));
        history = history.with(action, from, "ada", Some("because"), &record(purpose));
    }
    history
}

#[test]
fn a_row_holds_only_what_changed() {
    let history = history(&["one", "two"]);
    assert_eq!(history.rows[1].set.purpose.as_deref(), Some("two"));
    assert_eq!(history.rows[1].set.owner_team, None);
    assert_eq!(history.version(), 2);
    assert_eq!(history.current(), record("two"));
    assert_eq!(History::parse(&history.to_annotation()).unwrap(), history);
}

#[test]
fn versions_are_derived_whole_and_tile_time() {
    let versions = history(&["one", "two", "three"]).versions();
    assert_eq!(versions.len(), 3);
    assert_eq!(
        versions[0].effective_to,
        versions[1].effective_from.to_string()
    );
    assert_eq!(versions[2].effective_to, crate::contract::END_OF_TIME);
    assert!(versions[2].is_current && !versions[0].is_current);
    assert_eq!(versions[0].record, record("one"));
    assert_eq!(versions[2].record, record("three"));
}

#[test]
fn an_instant_lies_in_the_version_that_began_last() {
    let kept = history(&["one", "two"]);
    let found = |instant| match kept.at(instant) {
        Then::Version(version) => version.version,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(at(0)), 1);
    let just_before = at(1).checked_sub(SignedDuration::from_nanos(1)).unwrap();
    assert_eq!(found(just_before), 1);
    assert_eq!(found(at(1)), 2, "a version holds its beginning");
    assert_eq!(found(at(9_000)), 2);
    assert_eq!(kept.at(at(-1)), Then::NotYet { created: at(0) });
    assert_eq!(History::default().at(at(0)), Then::Nothing);
    let long = "x".repeat(250);
    let purposes: Vec<String> = (0..200).map(|index| format!("{long}{index}")).collect();
    let folded = history(&purposes.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(folded.at(at(3)), Then::Folded(_)));
    assert!(matches!(folded.at(at(199)), Then::Version(_)));
}

#[test]
fn two_versions_never_begin_at_the_same_instant() {
    let first = History::default().with(Action::Created, at(0), "ada", None, &record("a"));
    assert!(first.next_instant(at(0)) > at(0));
    assert!(first.next_instant(at(-5)) > at(0));
}

#[test]
fn a_long_history_is_folded_under_its_limit_and_stays_consistent() {
    let long = "x".repeat(250);
    let purposes: Vec<String> = (0..200).map(|index| format!("{long}{index}")).collect();
    let history = history(&purposes.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(history.to_annotation().len() <= LARGEST_ANNOTATION_BYTES);
    assert_eq!(history.version(), 200);
    let folded = history.folded.clone().unwrap();
    assert!(folded.versions > 0);
    assert_eq!(history.rows[0].version, folded.versions + 1);
    assert_eq!(history.current().purpose, purposes[199]);
    assert_eq!(history.verify(&history.current()), Vec::new());
}

#[test]
fn the_annotation_stays_nearly_full_when_it_is_folded() {
    let mut history = History::default();
    for change in 0..600_usize {
        // Names and purposes of all lengths: what is folded grows and shrinks.
        let record = record(&format!("{change}{}", "x".repeat(change * 37 % 251)));
        let by = "y".repeat(change * 11 % 60);
        let from = history.next_instant(at(0));
        history = history.with(Action::Updated, from, &by, None, &record);
        let size = history.to_annotation().len();
        assert!(size <= LARGEST_ANNOTATION_BYTES);
        assert!(history.folded.is_none() || size > LARGEST_ANNOTATION_BYTES / 8 * 7);
    }
    assert!(history.folded.is_some());
}

fn scaled(history: &History, times: usize) -> History {
    (0..times).fold(history.clone(), |history, time| {
        let mut record = record("orders of the shop");
        record.instances += i64::try_from(time % 3).unwrap();
        let an_hour_later = at(3_600 * i64::try_from(time).unwrap() + 17);
        let by = ["ada", "grace"][time / 5 % 2];
        let reason = format!("SHOP-{time:05}: more or fewer of them");
        history.with(Action::Updated, an_hour_later, by, Some(&reason), &record)
    })
}

#[test]
fn a_thousand_changes_are_kept_in_two_thirds_of_the_annotation() {
    let history = scaled(&history(&["one"]), 1_000);
    assert_eq!(history.folded, None);
    assert_eq!(history.versions().len(), 1_001);
    assert!(history.to_annotation().len() < LARGEST_ANNOTATION_BYTES / 3 * 2);
    assert_eq!(History::parse(&history.to_annotation()).unwrap(), history);
}

/// As the README says.
#[test]
fn two_thousand_versions_fit_and_six_hundred_with_reasons_of_their_own() {
    let rows = |count: usize, reason: &dyn Fn(usize) -> String| {
        let rows = (1..=count).map(|version| Row {
            version: u64::try_from(version).unwrap(),
            from: at(3_600 * i64::try_from(version).unwrap() + 17),
            by: ["ada", "grace"][version / 5 % 2].to_owned(),
            reason: Some(reason(version)),
            action: Action::Updated,
            set: Changes {
                instances: Some(i64::try_from(version % 3).unwrap()),
                ..Changes::default()
            },
        });
        History {
            folded: None,
            rows: rows.collect(),
        }
    };
    let alike = |version| format!("SHOP-{version:05}: more or fewer of them");
    // Of 35 characters, none of which it shares with the one before.
    let own = |version: usize| {
        let letter = char::from(b'a' + u8::try_from(version % 26).unwrap());
        let text = letter.to_string().repeat(15);
        format!("{text}{version:05}{text}")
    };
    for history in [rows(2_000, &alike), rows(600, &own)] {
        assert!(history.to_annotation().len() <= LARGEST_ANNOTATION_BYTES);
        assert_eq!(History::parse(&history.to_annotation()).unwrap(), history);
    }
}

#[test]
fn the_latest_versions_are_stored_as_they_are() {
    let few = scaled(&History::default(), LATEST);
    assert!(!few.to_annotation().contains("packed"));
    let stored: serde_json::Value = serde_json::from_str(&scaled(&few, 2).to_annotation()).unwrap();
    assert_eq!(stored["rows"].as_array().unwrap().len(), LATEST);
    assert_eq!(stored["rows"][LATEST - 1]["by"], "ada");
    assert_eq!(
        History::parse_latest(&stored.to_string()).unwrap(),
        scaled(&few, 2).rows.pop()
    );
    let packed = stored["packed"].as_str().unwrap();
    assert!(packed.contains("P.00orders of the shop."), "{packed}");
}

/// As they were written before rows were packed.
#[test]
fn any_number_of_versions_may_be_stored_as_they_are() {
    let history = scaled(&History::default(), 40);
    let unpacked = serde_json::json!({"rows": history.rows}).to_string();
    assert_eq!(History::parse(&unpacked).unwrap(), history);
}

#[test]
fn what_is_badly_packed_is_unreadable() {
    let refused = History::parse(r#"{"packed":"1B.00ada.;1B1;","rows":[]}"#).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "failed to read the history: what is packed is no version, or too large, at byte 13"
    );
}

proptest! {
    #[test]
    fn any_sequence_of_changes_tiles_time_with_one_current_row(
        changes in prop::collection::vec((0u8..4, "[a-z]{1,8}", -3i64..9), 1..40)
    ) {
        let mut history = History::default();
        let mut now = 0;
        let mut state = record("start");
        for (index, (field, value, pause)) in changes.iter().enumerate() {
            match field {
                0 => state.owner_team.clone_from(value),
                1 => state.purpose.clone_from(value),
                2 => state.instances += 1,
                _ => state.storage = format!("{}Gi", index + 2),
            }
            now += pause;
            let action = if index == 0 { Action::Created } else { Action::Updated };
            let from = history.next_instant(at(now));
            history = history.with(action, from, "ada", None, &state);
        }
        prop_assert_eq!(history.verify(&state), Vec::new());
        let versions = history.versions();
        prop_assert_eq!(versions.iter().filter(|version| version.is_current).count(), 1);
        for pair in versions.windows(2) {
            prop_assert_eq!(&pair[0].effective_to, &pair[1].effective_from.to_string());
        }
    }

    #[test]
    fn nothing_panics_on_any_annotation(text in "\\PC*") {
        if let Ok(history) = History::parse(&text) {
            let _ = (history.versions(), history.verify(&Tracked::default()));
        }
    }
}
