//! Whether a handshake with this webhook works, tried as the API server would: over its own
//! listener, with the certificate that is served now.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use crate::certificates::Certificates;
use crate::served_chain::ServedChain;

/// Below the time-out of a probe (1 s where it says nothing).
const LIMIT: Duration = Duration::from_millis(800);
/// Whoever reaches the port may ask as often as he likes: there is one handshake in this time.
const KEPT_FOR: Duration = Duration::from_millis(500);

/// Why no request should be sent here.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unready {
    #[error("no certificate is served yet")]
    NoCertificate,
    #[error("{0} does not carry our CA yet")]
    Unpublished(String),
    #[error("a handshake with the own listener failed: {0}")]
    Handshake(String),
    #[error("a handshake with the own listener took longer than {} ms", LIMIT.as_millis())]
    TooSlow,
}

/// The certificates in a `caBundle`, and whose it is.
pub(crate) type Bundle = (String, Vec<CertificateDer<'static>>);

/// Whom a client trusts that connects to us.
pub(crate) trait Trust: Send + Sync {
    /// The bundle of each webhook configuration, or why there is none; no bundle at all where
    /// somebody else publishes: then what is served is trusted as it is.
    fn bundles(&self) -> Result<Vec<Bundle>, Unready>;
}

/// Files that somebody else rotates, and publishes.
pub(crate) struct OfOthers;

impl Trust for OfOthers {
    fn bundles(&self) -> Result<Vec<Bundle>, Unready> {
        Ok(Vec::new())
    }
}

/// Tries handshakes.
pub(crate) struct Readiness {
    address: SocketAddr,
    name: ServerName<'static>,
    certificates: Arc<Certificates>,
    trust: Arc<dyn Trust>,
    last: Mutex<Option<(Instant, Result<(), Unready>)>>,
}

impl Readiness {
    /// Of the listener at `address`, which is asked for `name`.
    pub(crate) fn new(
        address: SocketAddr,
        name: ServerName<'static>,
        certificates: Arc<Certificates>,
        trust: Arc<dyn Trust>,
    ) -> Self {
        Self {
            address: reachable(address),
            name,
            certificates,
            trust,
            last: Mutex::default(),
        }
    }

    /// Whether requests can be sent here.
    pub(crate) async fn check(&self) -> Result<(), Unready> {
        let mut last = self.last.lock().await;
        if let Some((at, result)) = &*last
            && at.elapsed() < KEPT_FOR
        {
            return result.clone();
        }
        let result = timeout(LIMIT, self.handshakes()).await;
        let result = result.unwrap_or(Err(Unready::TooSlow));
        *last = Some((Instant::now(), result.clone()));
        result
    }

    async fn handshakes(&self) -> Result<(), Unready> {
        let served = self.certificates.current().ok_or(Unready::NoCertificate)?;
        let bundles = self.trust.bundles()?;
        if bundles.is_empty() {
            return self.handshake(Arc::new(ServedChain::of(&served))).await;
        }
        for (_configuration, bundle) in bundles {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(bundle);
            let provider = Arc::new(ring::default_provider());
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| Unready::Handshake(error.to_string()))?;
            self.handshake(verifier).await?;
        }
        Ok(())
    }

    async fn handshake(&self, verifier: Arc<dyn ServerCertVerifier>) -> Result<(), Unready> {
        let failed = |error: &dyn std::fmt::Display| Unready::Handshake(error.to_string());
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await;
        let stream = stream.map_err(|error| failed(&error))?;
        let connector = TlsConnector::from(Arc::new(config));
        let connected = connector.connect(self.name.clone(), stream).await;
        connected.map(drop).map_err(|error| failed(&error))
    }
}

/// Who listens on every address is reached over loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_listened_on_is_reached_over_loopback() {
        for (listens, reached) in [
            ("0.0.0.0:8443", "127.0.0.1:8443"),
            ("[::]:8443", "[::1]:8443"),
            ("10.1.2.3:8443", "10.1.2.3:8443"),
        ] {
            let reached: SocketAddr = reached.parse().unwrap();
            assert_eq!(reachable(listens.parse().unwrap()), reached);
        }
    }
}
