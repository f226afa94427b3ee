//! An API server that has many databases and only lists them: what reading such a list takes is counted
//! without the API server's own work.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::corpus::databases::{Databases, Stored};

/// What is answered for each kind.
#[derive(Debug, Default)]
struct Lists {
    clusters: String,
    poolers: String,
    deployments: String,
    secrets: String,
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
        append(&mut lists.clusters, &whole(&database.cluster)?);
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
        clusters: list(&lists.clusters, "\"items\""),
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

async fn answer(State(lists): State<Arc<Lists>>, uri: Uri) -> Response {
    let text = match uri.path().rsplit('/').next() {
        Some("clusters") => &lists.clusters,
        Some("poolers") => &lists.poolers,
        Some("deployments") => &lists.deployments,
        Some("secrets") => &lists.secrets,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, Bytes::from(text.clone())).into_response()
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
