//! A certificate and its key in files, as a Secret volume shows them.

use std::path::PathBuf;

use rustls::crypto::ring;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::CertificateError;

/// Where they are.
#[derive(Debug)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key }
    }

    pub(super) fn read(&self) -> Result<CertifiedKey, CertificateError> {
        let Self { certificate, key } = self;
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| CertificateError::Unreadable(certificate.clone(), error))?;
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| CertificateError::Unreadable(key.clone(), error))?;
        CertifiedKey::from_der(chain, private, &ring::default_provider())
            .map_err(|error| CertificateError::Unusable(certificate.clone(), error))
    }
}
