//! What a replica remembers: who signed what it serves, and since when others are trusted.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

use super::authority::Authority;
use super::bundles::Carried;
use super::lease::Claim;
use super::lifetimes::Lifetimes;
use super::stored::Stored;

/// What one replica remembers between two looks.
pub(super) struct Memory {
    pub(super) claim: Claim,
    /// The CA that signed what is served, and until when that is good.
    pub(super) signed: Option<(Arc<Authority>, Timestamp)>,
    /// The CA that was seen in every configuration, and since when.
    carried: Option<(CertificateDer<'static>, Instant)>,
    pub(super) error: Option<String>,
}

impl Memory {
    pub(super) fn new(claim: Claim) -> Self {
        Self {
            claim,
            signed: None,
            carried: None,
            error: None,
        }
    }

    /// Since when every configuration carries the current CA.
    pub(super) fn notice(&mut self, stored: &Stored, seen: Option<&Vec<Carried>>) {
        let current = &stored.current.certificate;
        let carried = seen.is_some_and(|seen| seen.iter().all(|one| one.carries(current)));
        match &self.carried {
            Some((known, _)) if carried && known == current => {}
            _ => self.carried = carried.then(|| (current.clone(), Instant::now())),
        }
    }

    /// Whether another leaf has to be served, signed by the current CA.
    pub(super) fn is_due(
        &self,
        current: &Authority,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> bool {
        let Some((authority, until)) = &self.signed else {
            return true;
        };
        if *until <= now {
            return true;
        }
        let is_old = lifetimes.renewed_from(*until) <= now;
        if authority.certificate == current.certificate {
            // Near its own end a CA signs nothing that lives longer.
            return is_old && *until < current.validity.until;
        }
        // What is served is good still: another CA is used when everybody trusts it. Who has to
        // renew does not wait for as long, because the stages did already.
        let since = self.carried.as_ref().map(|(_, since)| since.elapsed());
        since.is_some_and(|since| is_old || since >= lifetimes.propagation)
    }
}
