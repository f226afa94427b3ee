//! What tests are held to and the project does not contain: CNPG's own manifest, and recordings of
//! the real operator. They lie beside the checkout, or where variables say.
//!
//! # Caveats
//! Where they are not at hand, tests try less and say so. With `DAAP_REFERENCE=required`, as in CI,
//! that is a failure instead.
#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it did not try"
)]

use std::env;
use std::path::{Path, PathBuf};

/// Environment variable that makes what is missing a failure: `required`.
const VARIABLE: &str = "DAAP_REFERENCE";

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The manifest that CNPG releases, with its CRDs and webhooks: a file.
    Manifest,
    /// What the real operator wrote: a folder.
    Recordings,
}

/// It is required, and not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(String);

impl std::fmt::Display for Missing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

impl Reference {
    /// Environment variable with its path.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Manifest => "DAAP_CNPG_CRDS",
            Self::Recordings => "DAAP_CNPG_RECORDINGS",
        }
    }

    fn beside_the_checkout(self) -> &'static str {
        match self {
            Self::Manifest => "../shared/cnpg/cnpg-1.30.0.yaml",
            Self::Recordings => "../shared/cnpg/recordings",
        }
    }

    /// Where it is; none where it is not at hand.
    ///
    /// # Errors
    /// It is required, or named, and not at hand.
    pub fn find(self) -> Result<Option<PathBuf>, Missing> {
        let named = env::var_os(self.variable()).filter(|path| !path.is_empty());
        // Who names one wants it.
        let is_required =
            named.is_some() || env::var_os(VARIABLE).is_some_and(|said| said == "required");
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let path = named.map_or_else(|| checkout.join(self.beside_the_checkout()), PathBuf::from);
        self.found(path, is_required)
    }

    fn found(self, path: PathBuf, is_required: bool) -> Result<Option<PathBuf>, Missing> {
        if path.exists() {
            return Ok(Some(path));
        }
        if is_required {
            return Err(Missing(format!(
                "there is no {}, which {VARIABLE} or {} asks for",
                path.display(),
                self.variable()
            )));
        }
        Ok(None)
    }

    /// Where it is; none where it is not at hand, which is said.
    ///
    /// # Panics
    /// It is required, and not at hand.
    #[must_use]
    pub fn at_hand(self) -> Option<PathBuf> {
        let found = self.find().unwrap_or_else(|missing| panic!("{missing}"));
        if found.is_none() {
            eprintln!(
                "nothing tried: {} names what is not at hand",
                self.variable()
            );
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_and_missing_is_said() {
        let away = || PathBuf::from("/nowhere/recordings");
        assert_eq!(Reference::Recordings.found(away(), false), Ok(None));
        let missing = Reference::Recordings.found(away(), true);
        let said = missing.map_err(|missing| missing.to_string());
        assert!(
            said.as_ref()
                .is_err_and(|said| said.contains("/nowhere/recordings")),
            "{said:?}"
        );
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let found = Reference::Manifest.found(here.clone(), true);
        assert_eq!(found, Ok(Some(here)));
    }
}
