//! The serving certificate, swapped while connections are served.

mod files;
pub(crate) mod own;
pub(crate) mod validity;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use files::Files;
use validity::Validity;

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

/// The certificate chain and key that are served now: from files that somebody else rotates, or
/// signed by ourselves.
#[derive(Debug)]
pub struct Certificates {
    files: Option<Files>,
    /// None until the first is signed: then no handshake works.
    current: ArcSwapOption<CertifiedKey>,
}

impl Certificates {
    /// Reads both files.
    ///
    /// # Errors
    /// They cannot be read, or do not belong together.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, CertificateError> {
        let files = Files::new(certificate, key);
        let current = ArcSwapOption::from_pointee(files.read()?);
        Ok(Self {
            files: Some(files),
            current,
        })
    }

    /// Without files: what is served is given by [`Certificates::serve`].
    pub(crate) fn unsigned() -> Self {
        Self {
            files: None,
            current: ArcSwapOption::empty(),
        }
    }

    /// From the next handshake on.
    pub(crate) fn serve(&self, certificate: CertifiedKey) {
        self.current.store(Some(Arc::new(certificate)));
    }

    /// What a handshake gets now.
    pub(crate) fn current(&self) -> Option<Arc<CertifiedKey>> {
        self.current.load_full()
    }

    /// From when until when what is served is good.
    pub(crate) fn validity(&self) -> Option<Validity> {
        validity::of(self.current()?.cert.first()?)
    }

    /// Reads both files again; what is served changes only when they are good. Returns whether it
    /// changed.
    ///
    /// # Errors
    /// See [`Certificates::open`]; the last good pair stays.
    pub fn reload(&self) -> Result<bool, CertificateError> {
        let Some(files) = &self.files else {
            return Ok(false);
        };
        let read = files.read()?;
        let current = self.current();
        let changed = current.is_none_or(|current| current.cert != read.cert);
        if changed {
            self.serve(read);
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
        // Go's clients resume no session unless told to, and API server, kubelet and Prometheus are not.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}
