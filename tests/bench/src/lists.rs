//! An API server that has many databases and only lists them: what reading such a list takes is counted
//! without the API server's own work. Clusters come in pages, as it is asked for them.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::corpus::databases::{Databases, Stored};

/// What is answered for each kind.
#[derive(Debug, Default)]
struct Lists {
    clusters: Vec<Cluster>,
    poolers: String,
    deployments: String,
    secrets: String,
}

/// As an object, and as a row of a table.
#[derive(Debug)]
struct Cluster {
    object: String,
    row: String,
}

/// Serves lists of so many databases, in plain HTTP, for ever; `ready` is told where.
///
/// # Errors
/// The address cannot be listened on.
pub async fn serve_lists(
    address: SocketAddr,
    many: usize,
    ready: impl FnOnce(SocketAddr) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let databases = Databases::new("apps", None)?;
    let mut lists = Lists::default();
    for number in 0..many {
        let database = databases.numbered(number);
        lists.clusters.push(Cluster {
            object: whole(&database.cluster)?.to_string(),
            row: json!({"cells": [name(&database.cluster)?, "5m", 1, 1, "Cluster in healthy state", "1"]})
                .to_string(),
        });
        append(&mut lists.poolers, &whole(&database.pooler)?);
        let name = name(&database.deployment)?;
        append(
            &mut lists.deployments,
            &json!({"cells": [name, "1/1", 1, 1, "5m"]}),
        );
        for secret in &database.secrets {
            append(
                &mut lists.secrets,
                &json!({"cells": [self::name(secret)?, "Opaque", 2, "5m"]}),
            );
        }
    }
    let columns = |names: &[&str]| {
        let columns: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        format!("\"columnDefinitions\":{},\"rows\"", Value::Array(columns))
    };
    let list = |items: &str, field: &str| format!("{{\"metadata\":{{}},{field}:[{items}]}}");
    let deployments = columns(&["Name", "Ready", "Up-to-date", "Available", "Age"]);
    let served = Lists {
        clusters: lists.clusters,
        poolers: list(&lists.poolers, "\"items\""),
        deployments: list(&lists.deployments, &deployments),
        secrets: list(&lists.secrets, &columns(&["Name", "Type", "Data", "Age"])),
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("failed to listen on {address}"))?;
    ready(listener.local_addr()?)?;
    let router = Router::new().fallback(answer).with_state(Arc::new(served));
    Ok(axum::serve(listener, router).await?)
}

async fn answer(
    State(lists): State<Arc<Lists>>,
    Query(page): Query<Page>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let text = match uri.path().rsplit('/').next() {
        Some("clusters") => page.of(&lists.clusters, is_for_table(&headers)),
        Some("poolers") => lists.poolers.clone(),
        Some("deployments") => lists.deployments.clone(),
        Some("secrets") => lists.secrets.clone(),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, Bytes::from(text)).into_response()
}

fn is_for_table(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("as=Table"))
}

/// What of a list is asked for; from the front, and everything, where that is not said.
#[derive(Debug, Deserialize)]
struct Page {
    #[serde(default)]
    limit: usize,
    #[serde(default, rename = "continue")]
    from: usize,
}

impl Page {
    /// Of custom resources an API server says last where the rest begins, and of a table first.
    fn of(&self, clusters: &[Cluster], as_table: bool) -> String {
        let rest = clusters.get(self.from..).unwrap_or_default();
        let (page, next) = match rest.get(..self.limit) {
            Some(page) if self.limit > 0 && page.len() < rest.len() => {
                (page, (self.from + self.limit).to_string())
            }
            _ => (rest, String::new()),
        };
        let texts = |of: fn(&Cluster) -> &str| page.iter().map(of).collect::<Vec<_>>().join(",");
        let metadata = json!({"continue": next});
        if as_table {
            let rows = texts(|cluster| &cluster.row);
            format!("{{\"metadata\":{metadata},\"rows\":[{rows}]}}")
        } else {
            let items = texts(|cluster| &cluster.object);
            format!("{{\"items\":[{items}],\"metadata\":{metadata}}}")
        }
    }
}

fn append(list: &mut String, object: &Value) {
    let comma = if list.is_empty() { "" } else { "," };
    let _ = write!(list, "{comma}{object}");
}

/// The object with its status, and with who wrote which field.
fn whole(stored: &Stored) -> anyhow::Result<Value> {
    let mut object: Value = serde_json::from_str(&stored.object)?;
    let status = match &stored.status {
        Some(status) => serde_json::from_str::<Value>(status)?
            .get("status")
            .cloned(),
        None => None,
    };
    let uid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    crate::corpus::store(&mut object, uid, status.unwrap_or_default());
    Ok(object)
}

fn name(stored: &Stored) -> anyhow::Result<String> {
    let object: Value = serde_json::from_str(&stored.object)?;
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    Ok(name.context("it has a name")?.to_owned())
}
