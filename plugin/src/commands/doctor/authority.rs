//! The authority by which the API server knows the webhook: `caBundle`.

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use x509_parser::pem::Pem;

/// What is renewed in time is renewed long before.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 14);

/// How an authority stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Authority {
    /// It holds until then.
    Holds(Timestamp),
    /// It holds, and not for long.
    EndsSoon(Timestamp),
    /// Every certificate in it has ended, the last one then.
    Ended(Timestamp),
    /// It begins only then.
    NotYet(Timestamp),
    /// There is none.
    Missing,
    /// It is no certificate.
    Unreadable(String),
}

/// Judges the certificates of a `caBundle`. While authorities overlap there are several, and the one
/// that ends last counts.
pub(super) fn judge(bundle: Option<&str>, now: Timestamp) -> Authority {
    let Some(bundle) = bundle.filter(|bundle| !bundle.is_empty()) else {
        return Authority::Missing;
    };
    let pem = match base64::engine::general_purpose::STANDARD.decode(bundle) {
        Ok(pem) => pem,
        Err(error) => return Authority::Unreadable(error.to_string()),
    };
    let (mut ends, mut begins) = (Vec::new(), Vec::new());
    for block in Pem::iter_from_buffer(&pem) {
        match times(block) {
            Ok((from, until)) if from > now => begins.push((from, until)),
            Ok((_, until)) => ends.push(until),
            Err(error) => return Authority::Unreadable(error),
        }
    }
    match (ends.iter().max(), begins.iter().min()) {
        (Some(until), _) if *until > now + SOON => Authority::Holds(*until),
        // The next one begins in time.
        (Some(until), Some((from, then))) if *until > now && from <= until => {
            Authority::Holds(*then)
        }
        (Some(until), _) if *until > now => Authority::EndsSoon(*until),
        (_, Some((from, _))) => Authority::NotYet(*from),
        (Some(until), None) => Authority::Ended(*until),
        (None, None) => Authority::Unreadable("it has no certificate in PEM".to_owned()),
    }
}

fn times(
    block: Result<Pem, x509_parser::error::PEMError>,
) -> Result<(Timestamp, Timestamp), String> {
    let block = block.map_err(|error| error.to_string())?;
    let certificate = block.parse_x509().map_err(|error| error.to_string())?;
    let validity = certificate.validity();
    let read = |seconds| Timestamp::from_second(seconds).map_err(|error| error.to_string());
    Ok((
        read(validity.not_before.timestamp())?,
        read(validity.not_after.timestamp())?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of nobody; good for a hundred years.
    const PEM: &str = include_str!("../../../../tests/suites/certificates/other-ca.pem");

    #[test]
    fn what_there_is_until_when() {
        let bundle = base64::engine::general_purpose::STANDARD.encode(PEM);
        let at = |time: &str| judge(Some(&bundle), time.parse().unwrap());
        let Authority::Holds(until) = at("2027-01-01T00:00:00Z") else {
            panic!("it is good then")
        };
        assert!(matches!(at("2000-01-01T00:00:00Z"), Authority::NotYet(_)));
        let day = SignedDuration::from_hours(24);
        assert_eq!(
            judge(Some(&bundle), until - day),
            Authority::EndsSoon(until)
        );
        assert_eq!(judge(Some(&bundle), until + day), Authority::Ended(until));
        let now = Timestamp::now();
        assert_eq!(judge(None, now), Authority::Missing);
        assert!(matches!(
            judge(Some("bm90aGluZw=="), now),
            Authority::Unreadable(_)
        ));
        assert!(matches!(judge(Some("%"), now), Authority::Unreadable(_)));
    }
}
