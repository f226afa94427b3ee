//! What is packed is what is unpacked, and how it is written.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,3}", "\\PC{0,9}"]
}

fn maybe<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(of)
}

fn row() -> impl Strategy<Value = Row> {
    let nanoseconds = prop_oneof![
        (1_790_000_000_000i128..1_790_000_100_000).prop_map(|at| at * NANOSECONDS),
        Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond(),
    ];
    let set = (
        maybe(text()),
        maybe(text()),
        maybe(any::<i64>()),
        maybe(text()),
    );
    let version = prop_oneof![0..9u64, any::<u64>()];
    let action = prop::sample::select(Action::ALL.to_vec());
    (version, nanoseconds, text(), maybe(text()), action, set).prop_map(
        |(version, nanoseconds, by, reason, action, set)| Row {
            version,
            from: Timestamp::from_nanosecond(nanoseconds).unwrap(),
            by,
            reason,
            action,
            set: Changes {
                owner_team: set.0,
                purpose: set.1,
                instances: set.2,
                storage: set.3,
            },
        },
    )
}

proptest! {
    #[test]
    fn any_rows_are_unpacked_as_they_were(rows in prop::collection::vec(row(), 0..12), version: u64) {
        let (packed, count) = pack(&rows, version);
        prop_assert_eq!(count, rows.len());
        prop_assert_eq!(unpack(&packed, version).unwrap(), rows);
    }

    #[test]
    fn what_two_texts_share_is_left_out(before in "[aéè~]{0,5}", text in "[aéè~]{0,5}") {
        let shared = Shared::between(&before, &text);
        prop_assert_eq!(shared.with(&before, shared.rest(&text)), Some(text));
    }

    #[test]
    fn nothing_panics_on_any_text(packed in "([-0-9a-z~.NVBARTPSI;]|\\PC){0,60}") {
        if let Ok(rows) = unpack(&packed, 0) {
            prop_assert_eq!(unpack(&pack(&rows, 0).0, 0).unwrap(), rows);
        }
    }
}

#[test]
fn an_action_is_found_at_its_place() {
    for (place, action) in Action::ALL.into_iter().enumerate() {
        assert_eq!(action as usize, place);
    }
}

/// What is stored once has to be read for ever.
#[test]
fn it_is_written_as_it_always_was() {
    let text = "mwq4b280B.00ada.A0T.00payments.P.00a shop v1~12.S.001Gi.I1;259tuR.00SHOP-17: sale.I2;ffk0B.01grac.R.01SHOP-18: sal.I1;5R4B0;";
    let rows = unpack(text, 0).unwrap();
    assert_eq!(
        serde_json::to_value(&rows).unwrap(),
        json!([
            {"v": 1, "from": "2026-11-21T08:00:00Z", "by": "ada", "action": "created", "set": {
                "ownerTeam": "payments", "purpose": "a shop v1.2", "instances": 1, "storage": "1Gi"}},
            {"v": 2, "from": "2026-11-21T09:00:05.25Z", "by": "ada", "reason": "SHOP-17: sale",
                "action": "updated", "set": {"instances": 2}},
            {"v": 3, "from": "2026-11-21T09:12:05.25Z", "by": "grace", "reason": "SHOP-18: sale",
                "action": "updated", "set": {"instances": 1}},
            {"v": 4, "from": "2026-11-21T09:12:05.255Z", "by": "ada", "reason": "SHOP-17: sale",
                "action": "updated", "set": {}},
        ])
    );
    let (again, _) = pack(&rows, 0);
    assert_eq!(again, text.replace("5R4B0;", "5B0R4;"));
    let (reasons_alike, _) = pack(&vec![rows[1].clone(); 2], 1);
    assert!(reasons_alike.ends_with(";0V2R1I2;"), "{reasons_alike}");
    let mut next = rows[1].clone();
    (next.version, next.reason) = (3, Some("SHOP-18: sale".to_owned()));
    let (a_number_apart, _) = pack(&[rows[1].clone(), next], 1);
    assert!(a_number_apart.ends_with(";0R.668.I2;"), "{a_number_apart}");
}

#[rstest]
#[case::no_time("B0;")]
#[case::no_author("1;")]
#[case::no_such_text("1B.00a.R7;")]
#[case::no_such_action("1B.00a.A7;")]
#[case::no_such_letter("1B.00a.X1;")]
#[case::no_such_time("zzzzzzzzzzzzB.00a.;")]
#[case::no_number("1B.00a.I;")]
#[case::a_sign("+1B.00a.;")]
#[case::not_of_ascii("1B.00a.é1;")]
#[case::too_large("1B.00a.I1y2p0ij32e8e8;")]
#[case::no_end("1B.00a.")]
#[case::a_text_without_end("1B.00a;")]
#[case::a_text_that_shares_too_much("1B.01a.;")]
#[case::a_text_that_shares_nothing_said("1B..;")]
fn anything_else_is_refused(#[case] packed: &str) {
    let refused = unpack(packed, 0).unwrap_err();
    assert!(refused.contains("is no version"), "{refused}");
}

/// Some kilobytes that would become gigabytes are refused before they do.
#[test]
fn what_is_unpacked_is_bounded() {
    let long = "x".repeat(100_000);
    let of_one_text = format!("1B.00{long}.;{}", "1;".repeat(100_000));
    assert!(unpack(&of_one_text, 0).is_err());
    let texts = format!("1B.00{}.{};", "x".repeat(70), "R.zz.".repeat(100_000));
    assert!(unpack(&texts, 0).is_err());
    let one = unpack(&format!("1B.00{long}.;"), 0).unwrap();
    let many: Vec<Row> = one.iter().cycle().take(50).cloned().collect();
    let (packed, count) = pack(&many, 0);
    assert_eq!(count, 10, "no more than are read again");
    assert_eq!(unpack(&packed, 0).unwrap(), many[..count]);
}
