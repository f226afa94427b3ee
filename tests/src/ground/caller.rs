//! Who writes, and requests in their names: the harness impersonates them.

use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use serde_json::Value;

/// A user as the API server sees one.
#[derive(Clone, Debug)]
pub struct Caller {
    /// User name.
    pub user: String,
    /// Groups; the API server adds `system:authenticated`.
    pub groups: Vec<String>,
}

impl Caller {
    /// Somebody, and the group of that team.
    #[must_use]
    pub fn user(user: &str, team: Option<&str>) -> Self {
        Self {
            user: user.to_owned(),
            groups: team.map(str::to_owned).into_iter().collect(),
        }
    }

    /// A service account; CNPG calls that of an instance like its Cluster.
    #[must_use]
    pub fn account(namespace: &str, name: &str) -> Self {
        Self {
            user: format!("system:serviceaccount:{namespace}:{name}"),
            groups: vec![
                "system:serviceaccounts".into(),
                format!("system:serviceaccounts:{namespace}"),
            ],
        }
    }

    /// Sends a request in this caller's name; the status and what was answered.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("Impersonate-User", &self.user)
            .header("Content-Type", content_type);
        for group in &self.groups {
            request = request.header("Impersonate-Group", group);
        }
        let bytes = body.map(Value::to_string).unwrap_or_default().into_bytes();
        let response = client.send(request.body(Body::from(bytes)).unwrap()).await;
        let response = response.unwrap_or_else(|error| panic!("{path}: {error}"));
        let status = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }
}
