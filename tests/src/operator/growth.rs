//! Growth of volumes, where their class allows it.

use kube::ResourceExt as _;
use serde_json::json;

use super::{cluster::Pass, error::chain, view::is_for_wal};

/// Asks for more storage where the Cluster does; false when the API server refuses.
///
/// The real operator stops here too when the class cannot grow: the phase stays what it was, and no
/// instance is started any more.
pub(super) async fn grow_claims(pass: &Pass) -> bool {
    let spec = &pass.cluster.spec;
    for claim in pass.view.all_claims() {
        let storage = if is_for_wal(claim) {
            spec.wal_storage.as_ref()
        } else {
            Some(&spec.storage)
        };
        let Some(wanted) = storage.and_then(|storage| storage.size.as_deref()) else {
            continue;
        };
        let resources = claim.spec.as_ref().and_then(|spec| spec.resources.as_ref());
        let asked = resources.and_then(|resources| resources.requests.as_ref()?.get("storage"));
        let asked = asked.map_or("0", |quantity| quantity.0.as_str());
        if bytes(wanted) <= bytes(asked) {
            continue;
        }
        let patch = json!({ "spec": { "resources": { "requests": { "storage": wanted } } } });
        if let Err(error) = pass.change_claim(&claim.name_any(), patch).await {
            tracing::warn!(claim = %claim.name_any(), "could not be resized: {}", chain(&error));
            return false;
        }
    }
    true
}

/// A quantity in bytes; zero when it is none.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes of volumes, compared only"
)]
fn bytes(quantity: &str) -> u128 {
    let digits = quantity
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(digits);
    let power = |base: f64, units: &str| {
        units
            .find(unit.trim_end_matches('i'))
            .and_then(|n| i32::try_from(n).ok())
            .map(|n| base.powi(n + 1))
    };
    let factor = match unit {
        "" => Some(1.0),
        _ if unit.ends_with('i') => power(1024.0, "KMGTPE"),
        _ => power(1000.0, "kMGTPE"),
    };
    (number.parse::<f64>().unwrap_or_default() * factor.unwrap_or_default()) as u128
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn quantities_compare_by_size() {
        assert!(bytes("1Gi") > bytes("1G"));
        assert!(bytes("2Gi") > bytes("2047Mi"));
        assert_eq!(bytes("1024Mi"), bytes("1Gi"));
        assert_eq!(bytes("1.5Gi"), bytes("1536Mi"));
    }
}
