//! The stages of a CA's life. Every replica signs with what the Secret calls current, and whoever
//! holds the Lease moves the Secret on, one stage at a time:
//!
//! 1. A next CA is made, and published beside the current one.
//! 2. Every configuration has carried it for the propagation time: it becomes the current one.
//! 3. No leaf of the one before can be alive: that one is trusted no more.
//!
//! A stage that is cut short is taken up by the next holder, because all of it lies in the Secret.

use std::sync::Arc;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use super::authority::{Authority, AuthorityError};
use super::lifetimes::{Lifetimes, after};
use super::stored::Stored;
use crate::certificates::validity;

/// What the Secret has to hold now, and why.
pub(super) struct Stage {
    pub(super) stored: Stored,
    pub(super) why: &'static str,
}

/// The first stage: there is no Secret, or none that can be used.
///
/// `known` is the CA that this replica signs with. It signs on while its successor is published, so
/// that nothing is refused; whoever deletes the Secret gets a new CA. `carried` is what the
/// configurations carry: replicas may still serve what was signed by those.
pub(super) fn begin(
    known: Option<&Arc<Authority>>,
    carried: Vec<CertificateDer<'static>>,
    now: Timestamp,
    lifetimes: &Lifetimes,
) -> Result<Stage, AuthorityError> {
    let new = Arc::new(Authority::new(now, lifetimes.ca)?);
    let known = known.filter(|known| known.validity.holds(now));
    let (current, next) = match known {
        Some(known) => (Arc::clone(known), Some(new)),
        None => (new, None),
    };
    let retired = carried
        .into_iter()
        .filter(|other| *other != current.certificate && holds(other, now))
        .collect();
    Ok(Stage {
        stored: Stored {
            current,
            next,
            retired,
            published_at: None,
            promoted_at: Some(now),
        },
        why: "a new CA is made: there was none that could be used",
    })
}

/// The next stage, if it is time for one. `carried` says whether every configuration carries a CA.
pub(super) fn advance(
    stored: &Stored,
    now: Timestamp,
    carried: impl Fn(&CertificateDer<'static>) -> bool,
    lifetimes: &Lifetimes,
) -> Result<Option<Stage>, AuthorityError> {
    let mut changed = stored.clone();
    let mut why = None;
    if !stored.current.validity.holds(now) {
        // Whatever it signed is good for nobody: there is nothing to wait for.
        let usable = changed.next.take().filter(|next| next.validity.holds(now));
        changed.current = match usable {
            Some(next) => next,
            None => Arc::new(Authority::new(now, lifetimes.ca)?),
        };
        changed.published_at = None;
        changed.promoted_at = Some(now);
        why = Some("another CA signs: the current one is not valid now");
    } else if let Some(reason) = succeed(&mut changed, now, carried, lifetimes)? {
        why = Some(reason);
    }
    if let Some(reason) = forget(&mut changed, now, lifetimes) {
        why = why.or(Some(reason));
    }
    Ok(why.map(|why| Stage {
        stored: changed,
        why,
    }))
}

fn succeed(
    stored: &mut Stored,
    now: Timestamp,
    carried: impl Fn(&CertificateDer<'static>) -> bool,
    lifetimes: &Lifetimes,
) -> Result<Option<&'static str>, AuthorityError> {
    let Some(next) = stored.next.clone() else {
        if now < lifetimes.succeeded_from(stored.current.validity.until) {
            return Ok(None);
        }
        stored.next = Some(Arc::new(Authority::new(now, lifetimes.ca)?));
        stored.published_at = None;
        return Ok(Some("the next CA is made, to be published"));
    };
    if !next.validity.holds(now) {
        stored.next = None;
        stored.published_at = None;
        return Ok(Some("the next CA is dropped: it is not valid now"));
    }
    Ok(match stored.published_at {
        // Somebody overwrote it: the wait begins again.
        Some(_) if !carried(&next.certificate) => {
            stored.published_at = None;
            Some("the next CA is not published any more")
        }
        None if !carried(&next.certificate) => None,
        Some(at) if at <= now => (after(at, lifetimes.propagation) <= now).then(|| {
            let before = std::mem::replace(&mut stored.current, next);
            stored.next = None;
            stored.published_at = None;
            stored.retired.push(before.certificate.clone());
            stored.promoted_at = Some(now);
            "the next CA signs: it is trusted everywhere"
        }),
        // Or the clock was put back.
        _ => {
            stored.published_at = Some(now);
            Some("the next CA is published")
        }
    })
}

fn forget(stored: &mut Stored, now: Timestamp, lifetimes: &Lifetimes) -> Option<&'static str> {
    let known = stored.retired.len();
    stored.retired.retain(|retired| holds(retired, now));
    match stored.promoted_at {
        _ if stored.retired.is_empty() => {}
        Some(at) if at <= now => {
            if lifetimes.forgotten_from(at) <= now {
                stored.retired.clear();
            }
        }
        _ => {
            stored.promoted_at = Some(now);
            return Some("when the CA before can be forgotten is reckoned anew");
        }
    }
    (stored.retired.len() < known).then_some("the CA before is forgotten: all it signed has ended")
}

fn holds(certificate: &CertificateDer<'_>, now: Timestamp) -> bool {
    validity::of(certificate).is_some_and(|validity| validity.holds(now))
}

#[cfg(test)]
mod tests;
