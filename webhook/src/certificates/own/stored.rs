//! What the Secret holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::authority::{Authority, AuthorityError};

const CURRENT: (&str, &str) = ("ca.crt", "ca.key");
const NEXT: (&str, &str) = ("next.crt", "next.key");
const RETIRED: &str = "retired.crt";
const PUBLISHED_AT: &str = "published-at";
const PROMOTED_AT: &str = "promoted-at";

/// Keys of a Secret.
pub(crate) type Data = BTreeMap<String, ByteString>;

/// The CA that signs, and those that are trusted beside it.
#[derive(Clone)]
pub(crate) struct Stored {
    /// Signs.
    pub(crate) current: Arc<Authority>,
    /// Will sign, once it is trusted everywhere.
    pub(crate) next: Option<Arc<Authority>>,
    /// Signed once: trusted while something that they signed may be alive.
    pub(crate) retired: Vec<CertificateDer<'static>>,
    /// Since when every configuration carries the next one.
    pub(crate) published_at: Option<Timestamp>,
    /// Since when the current one signs.
    pub(crate) promoted_at: Option<Timestamp>,
}

/// Why a Secret is not what we wrote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoredError {
    #[error("it has no {0}")]
    Missing(&'static str),
    #[error("{0}: {1}")]
    Unusable(&'static str, #[source] AuthorityError),
}

impl Stored {
    /// Reads it. What is only trusted, or only a time, may be lost without harm: the stages begin
    /// again.
    pub(crate) fn read(data: &Data) -> Result<Self, StoredError> {
        let time = |key: &str| {
            let text = String::from_utf8(data.get(key)?.0.clone()).ok()?;
            text.parse().ok()
        };
        let retired = data.get(RETIRED).map(|pem| certificates(&pem.0));
        Ok(Self {
            current: authority(data, CURRENT)?,
            next: authority(data, NEXT).ok(),
            retired: retired.unwrap_or_default(),
            published_at: time(PUBLISHED_AT),
            promoted_at: time(PROMOTED_AT),
        })
    }

    pub(crate) fn write(&self) -> Data {
        let Self {
            current,
            next,
            retired,
            published_at,
            promoted_at,
        } = self;
        let mut data = Data::new();
        let mut put = |key: &str, value: String| {
            data.insert(key.to_owned(), ByteString(value.into_bytes()));
        };
        put(CURRENT.0, pem([&current.certificate]));
        put(CURRENT.1, current.key_pem());
        if let Some(next) = next {
            put(NEXT.0, pem([&next.certificate]));
            put(NEXT.1, next.key_pem());
        }
        if !retired.is_empty() {
            put(RETIRED, pem(retired));
        }
        if let Some(at) = published_at {
            put(PUBLISHED_AT, at.to_string());
        }
        if let Some(at) = promoted_at {
            put(PROMOTED_AT, at.to_string());
        }
        data
    }

    /// What every `caBundle` has to carry.
    pub(crate) fn trusted(&self) -> Vec<CertificateDer<'static>> {
        let next = self.next.iter().map(|next| next.certificate.clone());
        std::iter::once(self.current.certificate.clone())
            .chain(next)
            .chain(self.retired.iter().cloned())
            .collect()
    }
}

fn authority(
    data: &Data,
    (certificate, key): (&'static str, &'static str),
) -> Result<Arc<Authority>, StoredError> {
    let get = |name: &'static str| data.get(name).ok_or(StoredError::Missing(name));
    let read = Authority::from_pem(&get(certificate)?.0, &get(key)?.0);
    let read = read.map_err(|error| StoredError::Unusable(certificate, error))?;
    Ok(Arc::new(read))
}

/// The certificates that can be read in a PEM text.
pub(crate) fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}

/// The PEM text of certificates.
pub(crate) fn pem<'a>(
    certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>,
) -> String {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        for (at, character) in BASE64_STANDARD.encode(certificate).chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                text.push('\n');
            }
            text.push(character);
        }
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn made() -> Arc<Authority> {
        let authority = Authority::new(Timestamp::now(), Duration::from_hours(1));
        Arc::new(authority.unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        let stored = Stored {
            current: made(),
            next: Some(made()),
            retired: vec![made().certificate.clone(), made().certificate.clone()],
            published_at: Some(Timestamp::now()),
            promoted_at: None,
        };
        let read = Stored::read(&stored.write()).unwrap();
        assert_eq!(read.trusted(), stored.trusted());
        assert_eq!(read.trusted().len(), 4);
        assert_eq!(read.published_at, stored.published_at);
        assert_eq!(read.promoted_at, None);
    }

    #[test]
    fn what_nobody_can_sign_with_is_refused() {
        let stored = Stored {
            current: made(),
            next: None,
            retired: Vec::new(),
            published_at: None,
            promoted_at: None,
        };
        let with = |key: &str, value: &str| {
            let mut data = stored.write();
            data.insert(key.into(), ByteString(value.into()));
            Stored::read(&data).err().map(|error| error.to_string())
        };
        let other = made();
        assert!(
            with("ca.key", &other.key_pem())
                .unwrap()
                .contains("not the certificate's")
        );
        assert!(with("ca.crt", "nonsense").unwrap().contains("ca.crt"));
        assert_eq!(
            with("next.crt", "nonsense"),
            None,
            "a next one is made again"
        );
        let leaf = other.sign(
            &["localhost".into()],
            Timestamp::now(),
            Duration::from_mins(1),
        );
        let leaf = pem(&leaf.unwrap().certified.cert);
        assert!(
            with("ca.crt", &leaf)
                .unwrap()
                .contains("no certificate of a CA")
        );
        assert!(Stored::read(&Data::new()).is_err());
    }
}
