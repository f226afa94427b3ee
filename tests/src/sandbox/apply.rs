//! Server-side apply of documents whatever their kind.

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use serde_json::Value;

/// Name under which the harness owns the fields that it applies.
const FIELD_MANAGER: &str = "daap-sandbox";
/// Requests under way at once.
const CONCURRENCY: usize = 16;

/// A document and where it is applied to.
#[derive(Debug)]
pub(super) struct Document {
    path: String,
    /// YAML or JSON.
    body: Vec<u8>,
}

impl Document {
    /// `None` for a kind that has no meaning in a sandbox: nothing runs its Deployment.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str);
        let name = text("/metadata/name")?;
        let version = match text("/apiVersion")? {
            "v1" => "api/v1".to_owned(),
            grouped => format!("apis/{grouped}"),
        };
        let (plural, namespaced) = resource(text("/kind")?)?;
        let namespace = match text("/metadata/namespace") {
            Some(namespace) if namespaced => format!("namespaces/{namespace}/"),
            _ => String::new(),
        };
        Some(Self {
            path: format!("/{version}/{namespace}{plural}/{name}"),
            body: value.to_string().into_bytes(),
        })
    }

    /// A `CustomResourceDefinition` as it stands in a file: CNPG's are 1.2 MB, which the API
    /// server reads faster than we would.
    pub(super) fn crd(name: &str, yaml: &str) -> Self {
        Self {
            path: format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"),
            body: yaml.as_bytes().to_vec(),
        }
    }

    /// Applies this document, taking over fields from whoever has them.
    pub(super) async fn apply(&self, client: &Client) -> Result<Value> {
        let uri = format!("{}?fieldManager={FIELD_MANAGER}&force=true", self.path);
        let request = http::Request::patch(uri)
            .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
            .body(self.body.clone())?;
        let applied = client.request(request).await;
        applied.with_context(|| format!("failed to apply {}", self.path))
    }
}

/// Applies these documents, several at a time.
pub(super) async fn apply_all(client: &Client, documents: &[Document]) -> Result<()> {
    stream::iter(documents)
        .map(|document| document.apply(client))
        .buffer_unordered(CONCURRENCY)
        .try_for_each(|_| async { Ok(()) })
        .await
}

fn resource(kind: &str) -> Option<(&'static str, bool)> {
    Some(match kind {
        "Namespace" => ("namespaces", false),
        "Node" => ("nodes", false),
        "StorageClass" => ("storageclasses", false),
        "ServiceAccount" => ("serviceaccounts", true),
        "ConfigMap" => ("configmaps", true),
        "Role" => ("roles", true),
        "RoleBinding" => ("rolebindings", true),
        "ClusterRole" => ("clusterroles", false),
        "ClusterRoleBinding" => ("clusterrolebindings", false),
        "CustomResourceDefinition" => ("customresourcedefinitions", false),
        "MutatingWebhookConfiguration" => ("mutatingwebhookconfigurations", false),
        "ValidatingWebhookConfiguration" => ("validatingwebhookconfigurations", false),
        "ValidatingAdmissionPolicy" => ("validatingadmissionpolicies", false),
        "ValidatingAdmissionPolicyBinding" => ("validatingadmissionpolicybindings", false),
        _ => return None,
    })
}
