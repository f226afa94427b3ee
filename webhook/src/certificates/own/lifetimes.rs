//! How long certificates live, and what follows from that.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How often Secret, Lease and configurations are looked at. A `caBundle` that somebody overwrote
/// is back within that.
const LONGEST_POLL: Duration = Duration::from_secs(2);
const SHORTEST_POLL: Duration = Duration::from_millis(200);

/// What `--ca-lifetime`, `--leaf-lifetime` and `--ca-propagation` say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) ca: Duration,
    pub(crate) leaf: Duration,
    /// What an API server may take until it trusts a new `caBundle`.
    pub(crate) propagation: Duration,
}

impl Lifetimes {
    /// What is wrong with them, if anything.
    pub(crate) fn mistake(&self) -> Option<String> {
        let Self {
            ca,
            leaf,
            propagation,
        } = *self;
        let needed = leaf.saturating_add(propagation).saturating_mul(3);
        if leaf < Duration::from_secs(3) {
            return Some(format!(
                "--leaf-lifetime: {leaf:?} is too short: it is 3 s at least"
            ));
        }
        (ca < needed).then(|| {
            format!(
                "--ca-lifetime: {ca:?} is too short: it is three times --leaf-lifetime and \
                 --ca-propagation together at least ({needed:?}), so that a new CA is trusted, and \
                 the last leaf of the old one gone, before the old one ends"
            )
        })
    }

    /// The CA is succeeded in the last third of its life.
    pub(super) fn succeeded_from(&self, until: Timestamp) -> Timestamp {
        before(until, self.ca / 3)
    }

    /// The leaf is renewed in the last third of its life.
    pub(super) fn renewed_from(&self, until: Timestamp) -> Timestamp {
        before(until, self.leaf / 3)
    }

    /// From when on no leaf is alive that was signed before `promoted`.
    pub(super) fn forgotten_from(&self, promoted: Timestamp) -> Timestamp {
        after(promoted, self.leaf.saturating_add(self.propagation))
    }

    pub(super) fn poll(&self) -> Duration {
        (self.leaf / 20).clamp(SHORTEST_POLL, LONGEST_POLL)
    }
}

pub(super) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    let added = time.saturating_add(duration);
    added.unwrap_or(Timestamp::MAX)
}

fn before(time: Timestamp, duration: Duration) -> Timestamp {
    let subtracted = time.saturating_sub(duration);
    subtracted.unwrap_or(Timestamp::MIN)
}

/// A duration as people write it: `8760h`, `24h`, `90s`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wanted = "a duration is written as 8760h, 24h or 90s";
    let parsed: SignedDuration = text.parse().map_err(|_| wanted.to_owned())?;
    Duration::try_from(parsed).map_err(|_| wanted.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("8760h"), Ok(Duration::from_hours(8760)));
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        for bad in ["", "7", "-5s", "1 fortnight"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_ca_lives_longer_than_what_it_signs() {
        let lifetimes = |ca, leaf, propagation| Lifetimes {
            ca: Duration::from_secs(ca),
            leaf: Duration::from_secs(leaf),
            propagation: Duration::from_secs(propagation),
        };
        assert_eq!(lifetimes(36, 10, 2).mistake(), None);
        assert!(lifetimes(35, 10, 2).mistake().is_some());
        assert!(lifetimes(3600, 2, 2).mistake().is_some());
    }
}
