//! What the sandbox takes from the project's `manifests/`, so that the suites run on the rules that
//! are shipped.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{apply::Document, programs::checkout};

/// Namespace of objects that name none.
const SYSTEM_NAMESPACE: &str = "daap-system";

/// The documents of `manifests/base`.
#[derive(Debug)]
pub(super) struct Manifests(Vec<Value>);

impl Manifests {
    /// Reads what the kustomization of `manifests/base` lists.
    pub(super) fn read() -> Result<Self> {
        let folder = checkout().join("manifests/base");
        let files: Vec<PathBuf> = resources(&folder)?
            .iter()
            .map(|name| folder.join(name))
            .collect();
        let mut documents = Vec::new();
        for file in files {
            let read = || -> Result<Vec<Value>> {
                Ok(serde_saphyr::from_multiple(&fs::read_to_string(&file)?)?)
            };
            let found = read().with_context(|| format!("failed to read {}", file.display()))?;
            documents.extend(found);
        }
        for document in &mut documents {
            if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
                // Of a kind without namespaces it is not looked at.
                metadata
                    .entry("namespace")
                    .or_insert_with(|| SYSTEM_NAMESPACE.into());
            }
        }
        Ok(Self(documents))
    }

    /// Has another policy than the one that is shipped.
    pub(super) fn set_policy(&mut self, policy: &str) {
        for document in &mut self.0 {
            if let Some(text) = document.pointer_mut("/data/policy.yaml") {
                *text = policy.into();
            }
        }
    }

    /// The policy, which the plugin reads where the webhook has it from.
    pub(super) fn policy(&self) -> Option<&str> {
        let of_kind = |document: &&Value| is(document, "ConfigMap");
        self.0
            .iter()
            .filter(of_kind)
            .find_map(|map| map.pointer("/data/policy.yaml")?.as_str())
    }

    /// Everything but what judges writes.
    pub(super) fn ordinary(&self) -> Vec<Document> {
        self.select(|document| !is_configuration(document) && !is_policy(document))
    }

    /// What the API server judges by itself.
    pub(super) fn policies(&self) -> Vec<Document> {
        self.select(is_policy)
    }

    /// The webhook configurations, with the webhook at a port of this machine instead of behind a
    /// Service.
    pub(super) fn configurations(&self, port: u16, authority: &str) -> Vec<Document> {
        let mut configurations: Vec<Value> = Vec::new();
        for found in self.0.iter().filter(|found| is_configuration(found)) {
            let mut configuration = found.clone();
            let webhooks = configuration.get_mut("webhooks");
            for webhook in webhooks.and_then(Value::as_array_mut).into_iter().flatten() {
                let path = webhook.pointer("/clientConfig/service/path");
                let path = path.and_then(Value::as_str).unwrap_or("/").to_owned();
                webhook["clientConfig"] = json!({
                    "url": format!("https://127.0.0.1:{port}{path}"),
                    "caBundle": BASE64_STANDARD.encode(authority),
                });
            }
            configurations.push(configuration);
        }
        configurations.iter().filter_map(Document::of).collect()
    }

    fn select(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Document> {
        let wanted = self.0.iter().filter(|document| wanted(document));
        wanted.filter_map(Document::of).collect()
    }
}

/// The files that a kustomization lists.
fn resources(folder: &Path) -> Result<Vec<String>> {
    let file = folder.join("kustomization.yaml");
    let read = || -> Result<Vec<String>> {
        let kustomization: Value = serde_saphyr::from_str(&fs::read_to_string(&file)?)?;
        let listed = kustomization.get("resources").and_then(Value::as_array);
        let names = listed.into_iter().flatten().filter_map(Value::as_str);
        Ok(names.map(str::to_owned).collect())
    };
    read().with_context(|| format!("failed to read {}", file.display()))
}

fn is(document: &Value, kind: &str) -> bool {
    document.get("kind").and_then(Value::as_str) == Some(kind)
}

fn is_configuration(document: &Value) -> bool {
    is(document, "MutatingWebhookConfiguration") || is(document, "ValidatingWebhookConfiguration")
}

fn is_policy(document: &Value) -> bool {
    is(document, "ValidatingAdmissionPolicy") || is(document, "ValidatingAdmissionPolicyBinding")
}
