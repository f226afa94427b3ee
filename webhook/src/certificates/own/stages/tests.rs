//! Every stage, and what happens to a CA besides.

use std::time::Duration;

use super::*;

const LIFETIMES: Lifetimes = Lifetimes {
    ca: Duration::from_mins(150),
    leaf: Duration::from_secs(1000),
    propagation: Duration::from_secs(100),
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn first() -> Stored {
    begin(None, Vec::new(), at(0), &LIFETIMES).unwrap().stored
}

fn step(stored: &Stored, second: i64, carried: bool) -> Option<Stored> {
    let stage = advance(stored, at(second), |_| carried, &LIFETIMES);
    stage.unwrap().map(|stage| stage.stored)
}

#[test]
fn a_ca_is_succeeded_in_stages() {
    let stored = first();
    assert!(
        step(&stored, 5999, true).is_none(),
        "two thirds of its life"
    );
    let made = step(&stored, 6000, true).unwrap();
    let next = Arc::clone(made.next.as_ref().unwrap());
    assert_eq!(made.current.certificate, stored.current.certificate);
    assert_eq!(made.trusted().len(), 2, "both are published");
    assert!(
        step(&made, 6001, false).is_none(),
        "it waits to be published"
    );
    let published = step(&made, 6010, true).unwrap();
    assert_eq!(published.published_at, Some(at(6010)));
    assert!(
        step(&published, 6109, true).is_none(),
        "it waits to be noticed"
    );
    let promoted = step(&published, 6110, true).unwrap();
    assert_eq!(promoted.current.certificate, next.certificate);
    assert_eq!(
        promoted.retired,
        std::slice::from_ref(&stored.current.certificate)
    );
    assert!(promoted.next.is_none());
    assert!(
        step(&promoted, 7209, true).is_none(),
        "leaves of it may be alive"
    );
    let forgotten = step(&promoted, 7210, true).unwrap();
    assert_eq!(forgotten.trusted(), std::slice::from_ref(&next.certificate));
    assert!(step(&forgotten, 7211, true).is_none());
}

#[test]
fn a_bundle_that_is_overwritten_while_the_next_ca_waits_starts_the_wait_anew() {
    let made = step(&first(), 6000, true).unwrap();
    let published = step(&made, 6010, true).unwrap();
    let overwritten = step(&published, 6105, false).unwrap();
    assert_eq!(overwritten.published_at, None);
    let again = step(&overwritten, 6107, true).unwrap();
    assert!(step(&again, 6200, true).is_none());
    assert!(step(&again, 6207, true).unwrap().next.is_none());
}

#[test]
fn a_clock_past_the_end_makes_another_ca_sign_at_once() {
    let stored = first();
    let replaced = step(&stored, 9001, true).unwrap();
    assert_ne!(replaced.current.certificate, stored.current.certificate);
    assert!(replaced.current.validity.holds(at(9001)));
    let made = step(&stored, 8990, true).unwrap();
    let promoted = step(&made, 9001, false).unwrap();
    let next = made.next.unwrap();
    assert_eq!(
        promoted.current.certificate, next.certificate,
        "the next one, where it is good"
    );
}

#[test]
fn a_clock_that_is_put_back_stops_nothing() {
    let stored = first();
    let replaced = step(&stored, -4000, true).unwrap();
    assert!(replaced.current.validity.holds(at(-4000)), "not valid yet");
    let mut published = step(&step(&stored, 6000, true).unwrap(), 6010, true).unwrap();
    published.published_at = Some(at(90_000));
    let reckoned = step(&published, 6020, true).unwrap();
    assert_eq!(reckoned.published_at, Some(at(6020)));
    let mut promoted = step(&reckoned, 6120, true).unwrap();
    promoted.promoted_at = Some(at(90_000));
    assert_eq!(
        step(&promoted, 6130, true).unwrap().promoted_at,
        Some(at(6130))
    );
}

#[test]
fn a_lost_secret_begins_with_what_signs_now_and_what_is_carried() {
    let known = first().current;
    let other = first().current.certificate.clone();
    let ended = Authority::new(Timestamp::UNIX_EPOCH, Duration::from_secs(1)).unwrap();
    let carried = vec![known.certificate.clone(), other.clone(), ended.certificate];
    let begun = begin(Some(&known), carried.clone(), at(10), &LIFETIMES)
        .unwrap()
        .stored;
    assert_eq!(begun.current.certificate, known.certificate);
    assert!(
        begun.next.is_some(),
        "whoever deletes the Secret gets a new CA"
    );
    assert_eq!(begun.retired, std::slice::from_ref(&other));
    // Nobody remembers: leaves of what is carried may be served still.
    let begun = begin(None, carried, at(10), &LIFETIMES).unwrap().stored;
    assert!(begun.next.is_none());
    assert_eq!(begun.retired, [known.certificate.clone(), other]);
    assert!(step(&begun, 1109, true).is_none());
    assert!(step(&begun, 1110, true).unwrap().retired.is_empty());
}
