//! What a sandbox consists of.

use serde::{Deserialize, Serialize};

/// What a sandbox consists of; the default is everything, on the project's own CRDs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each part is there or not, whatever the others are"
)]
pub struct SandboxOptions {
    /// Start the webhook and install its configurations.
    pub webhook: bool,
    /// Run the stand-in for the CNPG operator.
    pub operator: bool,
    /// Use CNPG's real CRDs where they are at hand (`daap-reference`), the project's own otherwise.
    pub real_crds: bool,
    /// The policy (YAML) instead of the one in `manifests/`.
    pub policy: Option<String>,
    /// Have the API server write down every request of [`super::User::Harness`], and of whom it
    /// impersonates: the log `audit`.
    pub audit: bool,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            webhook: true,
            operator: true,
            real_crds: false,
            policy: None,
            audit: false,
        }
    }
}

impl SandboxOptions {
    /// Only the control plane, the CRDs and the users.
    #[must_use]
    pub fn bare() -> Self {
        Self {
            webhook: false,
            operator: false,
            ..Self::default()
        }
    }
}
