//! Versions of this program and of the API server.

use daap_crds::object::View;

use super::finding::Finding;
use crate::kubernetes::Kubernetes;

/// The oldest minor of Kubernetes 1 whose admission does all that the rules need.
const OLDEST_MINOR: u32 = 31;

pub(super) fn client() -> Finding {
    let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    Finding::passed(
        "client",
        format!(
            "kubectl-daap {} on {os}/{architecture}",
            env!("CARGO_PKG_VERSION")
        ),
    )
}

pub(super) async fn check(k8s: &Kubernetes) -> Finding {
    const CHECK: &str = "api-server";
    let version = match k8s.raw("/version").await {
        Ok(version) => version,
        Err(failure) => return Finding::of_failure(CHECK, &failure),
    };
    let version = View(&version).text("/gitVersion").unwrap_or("unknown");
    match minor(version) {
        Some(minor) if minor < OLDEST_MINOR => Finding::failed(
            CHECK,
            format!("Kubernetes {version} is older than 1.{OLDEST_MINOR}"),
            "upgrade the cluster, or choose another with --context",
        ),
        Some(_) => Finding::passed(CHECK, format!("Kubernetes {version}")),
        None => Finding::warning(
            CHECK,
            format!("'{version}' is no version that can be read"),
            format!("make sure that it is Kubernetes 1.{OLDEST_MINOR} or newer"),
        ),
    }
}

/// The second number of `v1.33.2+k3s1`.
pub(super) fn minor(version: &str) -> Option<u32> {
    let version = version.strip_prefix('v').unwrap_or(version);
    version
        .strip_prefix("1.")?
        .split(['.', '+', '-'])
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_read_as_distributions_write_them() {
        assert_eq!(minor("v1.36.3"), Some(36));
        assert_eq!(minor("v1.31.0+k3s1"), Some(31));
        assert_eq!(minor("1.30-gke.1"), Some(30));
        assert_eq!(minor("v2.0.0"), None);
        assert_eq!(minor("unknown"), None);
    }
}
