//! A certificate authority, and the leaves that it signs.

use std::time::Duration;

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

use super::lifetimes::after;
use crate::certificates::validity::{self, Validity};

/// Clocks of nodes differ: what is signed is good from a while ago.
const SKEW: Duration = Duration::from_hours(1);

/// Why there is no authority, or no leaf.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    #[error("failed to sign: {0}")]
    Unsigned(#[from] rcgen::Error),
    #[error("failed to serve what was signed: {0}")]
    Unusable(#[from] rustls::Error),
    #[error("the certificate is no PEM: {0}")]
    NoPem(#[from] rustls_pki_types::pem::Error),
    #[error("it is no certificate of a CA")]
    NoAuthority,
    #[error("the key is not the certificate's")]
    OtherKey,
    #[error("a time is out of range")]
    NoTime,
}

/// A CA with its key.
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) validity: Validity,
    key: KeyPair,
}

/// What is served, and until when.
pub(crate) struct Leaf {
    pub(crate) certified: CertifiedKey,
    pub(crate) until: Timestamp,
}

impl Authority {
    /// A new one, with a key of its own.
    pub(crate) fn new(now: Timestamp, lifetime: Duration) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        // A name of its own, so that whoever trusts two of us knows which one signed.
        let tail: String = key
            .public_key_raw()
            .iter()
            .rev()
            .take(6)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        params.distinguished_name = called(&format!("daap-webhook-ca {tail}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        lives(&mut params, now, after(now, lifetime))?;
        let certificate = params.self_signed(&key)?.der().clone();
        Self::of(certificate, key)
    }

    /// As it is stored.
    pub(crate) fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, AuthorityError> {
        let certificate = CertificateDer::from_pem_slice(certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key)?;
        Self::of(certificate, KeyPair::try_from(&key)?)
    }

    fn of(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self, AuthorityError> {
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|_| AuthorityError::NoAuthority)?;
        if !parsed.is_ca() {
            return Err(AuthorityError::NoAuthority);
        }
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(AuthorityError::OtherKey);
        }
        let validity = validity::of(&certificate).ok_or(AuthorityError::NoAuthority)?;
        Ok(Self {
            certificate,
            validity,
            key,
        })
    }

    /// The private key, for the Secret.
    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// A certificate for a server of these names (or addresses), which does not outlive the CA.
    pub(crate) fn sign(
        &self,
        names: &[String],
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<Leaf, AuthorityError> {
        let until = after(now, lifetime).min(self.validity.until);
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = called("daap-webhook");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        lives(&mut params, now, until)?;
        let key = KeyPair::generate()?;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &self.key)?;
        let certificate = params.signed_by(&key, &issuer)?.der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| rustls::Error::General(error.into()))?;
        Ok(Leaf {
            certified: CertifiedKey::from_der(vec![certificate], key, &ring::default_provider())?,
            until,
        })
    }
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn lives(
    params: &mut CertificateParams,
    now: Timestamp,
    until: Timestamp,
) -> Result<(), AuthorityError> {
    let time = |at: Timestamp| {
        OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(|_| AuthorityError::NoTime)
    };
    let from = now
        .saturating_sub(SKEW)
        .map_err(|_| AuthorityError::NoTime)?;
    params.not_before = time(from)?;
    params.not_after = time(until)?;
    Ok(())
}
