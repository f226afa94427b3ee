//! Kubeconfig files, and clients made from them.

use std::path::Path;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::json;

use super::{
    certificates::{Authority, Pair},
    folder::write_private,
    identity::{NAMESPACE, User},
    layout::Layout,
};

/// Writes the published kubeconfig and one for each user alone.
pub(super) fn write_all(layout: &Layout, server: &str, authority: &Authority) -> Result<()> {
    let mut everyone = Vec::new();
    for user in User::ALL {
        let pair = authority.client(user.name(), user.groups())?;
        everyone.push((user, pair));
    }
    let authority = authority.certificate();
    for entry in &everyone {
        write(&layout.kubeconfig_of(entry.0), server, &authority, &[entry])?;
    }
    let published: Vec<_> = User::PUBLISHED
        .iter()
        .filter_map(|user| everyone.iter().find(|entry| entry.0 == *user))
        .collect();
    write(&layout.kubeconfig(), server, &authority, &published)
}

/// Writes a kubeconfig with a context for each of these users; the first one's is the current.
fn write(file: &Path, server: &str, authority: &str, users: &[&(User, Pair)]) -> Result<()> {
    let encode = |text: &str| BASE64_STANDARD.encode(text);
    let contexts = users.iter().map(|(user, _)| {
        let name = user.context();
        json!({
            "name": name,
            "context": { "cluster": "daap-sandbox", "user": name, "namespace": NAMESPACE },
        })
    });
    let credentials = users.iter().map(|(user, pair)| {
        json!({
            "name": user.context(),
            "user": {
                "client-certificate-data": encode(&pair.certificate),
                "client-key-data": encode(&pair.key),
            },
        })
    });
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "daap-sandbox",
            "cluster": { "server": server, "certificate-authority-data": encode(authority) },
        }],
        "users": credentials.collect::<Vec<_>>(),
        "contexts": contexts.collect::<Vec<_>>(),
        "current-context": users.first().map(|(user, _)| user.context()),
    });
    // JSON is YAML, without YAML's traps.
    write_private(file, &serde_json::to_string_pretty(&config)?)
}

/// A client for this kubeconfig. It does not retry: a suite wants to see the first answer.
pub(super) async fn client(file: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(file)
        .with_context(|| format!("failed to read the kubeconfig {}", file.display()))?;
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
