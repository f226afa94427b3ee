//! The serving certificate, read from files and swapped while connections are served.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why a certificate cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read, or is no PEM.
    #[error("failed to read {0}: {1}")]
    Unreadable(PathBuf, #[source] rustls_pki_types::pem::Error),
    /// The chain is empty, or the key does not belong to it.
    #[error("failed to serve {0}: {1}")]
    Unusable(PathBuf, #[source] rustls::Error),
}

/// A certificate chain and its key, in files that somebody else rotates.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, CertificateError> {
        let current = ArcSwap::from_pointee(read(&certificate, &key)?);
        Ok(Self {
            certificate,
            key,
            current,
        })
    }

    /// Reads both files again; what is served changes only when they are good. Returns whether it
    /// changed.
    ///
    /// # Errors
    /// See [`Certificates::open`]; the last good pair stays.
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let read = read(&self.certificate, &self.key)?;
        let changed = read.cert != self.current.load().cert;
        if changed {
            self.current.store(Arc::new(read));
        }
        Ok(changed)
    }

    /// TLS as the API server speaks it to webhooks: HTTP/1.1 over TLS 1.2 or newer.
    ///
    /// # Errors
    /// Never with the provider that is built in.
    pub fn tls(self: &Arc<Self>) -> Result<ServerConfig, rustls::Error> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        // With HTTP/2 on offer a connection that stays silent after its handshake is kept open.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| CertificateError::Unreadable(certificate.to_owned(), error))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| CertificateError::Unreadable(key.to_owned(), error))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider())
        .map_err(|error| CertificateError::Unusable(certificate.to_owned(), error))
}
