//! The CRDs: the project's own, or CNPG's where they are wanted and at hand.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use daap_crds::contract::cnpg;
use daap_reference::Reference;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, api::ListParams};
use serde_json::{Value, json};

use super::{
    apply::{Document, apply_all},
    wait::wait_for,
};

/// How long the API server may take to serve a new kind.
const LIMIT: Duration = Duration::from_secs(45);
/// Aggregated discovery: everything in one document.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Applies the CRDs and waits until they are served. Returns a warning when the real ones were
/// wanted and are not at hand.
pub(super) async fn install(client: &Client, real: bool) -> Result<Option<String>> {
    let file = if real {
        Reference::Manifest.find()?
    } else {
        None
    };
    let warning = (real && file.is_none()).then(|| {
        let variable = Reference::Manifest.variable();
        format!(
            "CNPG's own CRDs are not at hand ({variable} names their file): using the project's"
        )
    });
    let definitions = match file {
        Some(file) => read(&file)?,
        None => own()?,
    };
    let documents: Vec<Document> = definitions
        .iter()
        .map(|(name, yaml)| Document::crd(name, yaml))
        .collect();
    apply_all(client, &documents).await?;
    wait_until_served(client).await?;
    Ok(warning)
}

/// Waits until every CRD is served, and found in the documents that kubectl and the garbage
/// collector look in: these lag behind the condition `Established`, and behind a restart.
pub(super) async fn wait_until_served(client: &Client) -> Result<()> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definitions = api.list_metadata(&ListParams::default()).await?;
    let names: Vec<String> = definitions
        .into_iter()
        .filter_map(|definition| definition.metadata.name)
        .collect();
    wait_for("the CRDs are served", LIMIT, async || {
        let found = discovered(client).await?;
        let all = names.iter().all(|name| found.contains(name));
        Ok((all && is_described(client).await?).then_some(()))
    })
    .await
}

/// Names, in the form of a CRD's, of all resources that discovery shows.
async fn discovered(client: &Client) -> Result<Vec<String>> {
    let request = http::Request::get("/apis")
        .header(http::header::ACCEPT, DISCOVERY)
        .body(Vec::new())?;
    let groups: Value = client.request(request).await?;
    let names = elements(&groups, "/items").flat_map(|group| {
        let name = group.pointer("/metadata/name").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        elements(group, "/versions")
            .flat_map(|version| elements(version, "/resources"))
            .filter_map(|resource| resource.get("resource")?.as_str())
            .map(move |resource| format!("{resource}.{name}"))
    });
    Ok(names.collect())
}

/// Whether there is a schema of CNPG's group, which `kubectl explain` and `apply` ask for.
async fn is_described(client: &Client) -> Result<bool> {
    let request = http::Request::get("/openapi/v3").body(Vec::new())?;
    let schemas: Value = client.request(request).await?;
    let group = format!("apis/{}/v1", cnpg::GROUP);
    Ok(schemas.get("paths").and_then(|p| p.get(group)).is_some())
}

fn elements<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn own() -> Result<Vec<(String, String)>> {
    let crds = daap_crds::manifest::crds();
    let mut definitions = Vec::new();
    for crd in crds {
        let name = crd.metadata.name.clone().unwrap_or_default();
        let mut value = serde_json::to_value(crd)?;
        value["apiVersion"] = json!("apiextensions.k8s.io/v1");
        value["kind"] = json!("CustomResourceDefinition");
        definitions.push((name, value.to_string()));
    }
    Ok(definitions)
}

/// The CRDs of a manifest, each with its name. Its other documents belong to the operator, which
/// does not run here.
fn read(file: &PathBuf) -> Result<Vec<(String, String)>> {
    let manifest = fs::read_to_string(file)
        .with_context(|| format!("failed to read CNPG's CRDs from {}", file.display()))?;
    let definitions = manifest
        .split("\n---")
        .filter(|document| {
            document
                .lines()
                .any(|l| l == "kind: CustomResourceDefinition")
        })
        .filter_map(|document| {
            let name = document.lines().find_map(|l| l.strip_prefix("  name: "))?;
            Some((name.trim().to_owned(), document.to_owned()))
        })
        .collect();
    Ok(definitions)
}
