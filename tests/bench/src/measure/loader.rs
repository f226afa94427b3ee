//! Writes many databases at once, through the API server.

use std::time::Instant;

use anyhow::Context;
use daap_bench::corpus::databases::{Databases, Stored};
use futures::{StreamExt, TryStreamExt, stream};
use http::Method;
use kube::Client;
use serde_json::Value;

use super::sandbox::{MERGE, NAMESPACE, path, send};
use crate::tell;

/// Databases that are written at the same time.
const AT_ONCE: usize = 24;
const JSON: &str = "application/json";

/// Writes the databases with these numbers, each with all that belongs to it.
pub(super) async fn load(
    client: &Client,
    databases: &Databases,
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<()> {
    let (began, many) = (Instant::now(), numbers.len());
    let written = stream::iter(numbers).map(|number| write(client, databases, number));
    written
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await?;
    tell(&format!(
        "{many} databases written in {:.0} s",
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

async fn write(client: &Client, databases: &Databases, number: usize) -> anyhow::Result<()> {
    let database = databases.numbered(number);
    let cluster = database.cluster.object.clone();
    let cluster = put(client, &path("clusters"), cluster, &database.cluster).await?;
    let uid = cluster.pointer("/metadata/uid").and_then(Value::as_str);
    let pooler = { database.pooler }.owned_by(uid.context("a stored object has a uid")?);
    put(
        client,
        &path("poolers"),
        pooler,
        &Stored {
            object: String::new(),
            status: None,
        },
    )
    .await?;
    let deployments = format!("/apis/apps/v1/namespaces/{NAMESPACE}/deployments");
    let deployment = database.deployment.object.clone();
    put(client, &deployments, deployment, &database.deployment).await?;
    let secrets = format!("/api/v1/namespaces/{NAMESPACE}/secrets");
    for secret in database.secrets {
        put(client, &secrets, secret.object.clone(), &secret).await?;
    }
    Ok(())
}

/// Creates an object, and writes its status.
async fn put(
    client: &Client,
    collection: &str,
    object: String,
    stored: &Stored,
) -> anyhow::Result<Value> {
    let created = send(client, Method::POST, collection, JSON, object).await?;
    if let Some(status) = stored.status.clone() {
        let name = created.pointer("/metadata/name").and_then(Value::as_str);
        let path = format!("{collection}/{}/status", name.unwrap_or_default());
        send(client, Method::PATCH, &path, MERGE, status).await?;
    }
    Ok(created)
}
