//! The types of a krew manifest: `krew.googlecontainertools.github.com/v1alpha2`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A plugin. krew ignores what it does not know; here it is an error, because it is a mistake.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) name: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) version: String,
    #[serde(default)]
    pub(super) homepage: String,
    #[serde(default)]
    pub(super) short_description: String,
    #[serde(default)]
    pub(super) description: String,
    /// Shown after an installation.
    #[serde(default, rename = "caveats")]
    pub(super) _caveats: String,
    #[serde(default)]
    pub(super) platforms: Vec<Platform>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Platform {
    #[serde(default)]
    pub(super) uri: String,
    #[serde(default)]
    pub(super) sha256: String,
    #[serde(default)]
    pub(super) bin: String,
    pub(super) files: Option<Vec<FileOperation>>,
    pub(super) selector: Option<Selector>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileOperation {
    #[serde(default)]
    pub(super) from: String,
    #[serde(default)]
    pub(super) to: String,
}

/// Expressions are allowed by krew, and not used by us: they are refused as unknown.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Selector {
    pub(super) match_labels: Option<BTreeMap<String, String>>,
}

impl Platform {
    /// Whether it is for that machine.
    pub(super) fn is_for(&self, os: &str, arch: &str) -> bool {
        let Some(labels) = self
            .selector
            .as_ref()
            .and_then(|selector| selector.match_labels.as_ref())
        else {
            return false;
        };
        labels.iter().all(|(key, value)| match key.as_str() {
            "os" => value == os,
            "arch" => value == arch,
            _ => false,
        })
    }
}
