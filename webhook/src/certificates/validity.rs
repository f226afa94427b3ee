//! From when until when a certificate is good.

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;

/// The two times of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Validity {
    pub(crate) fn holds(self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// None where it is no certificate.
pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let times = parsed.validity();
    Some(Validity {
        from: Timestamp::from_second(times.not_before.timestamp()).ok()?,
        until: Timestamp::from_second(times.not_after.timestamp()).ok()?,
    })
}
