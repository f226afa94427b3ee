//! Whether the API server asks the webhook already.

use std::time::Duration;

use anyhow::{Result, bail};
use kube::Client;
use serde_json::{Value, json};

use super::{identity::NAMESPACE, wait::wait_for};

/// How long the API server may take to notice new configurations.
const LIMIT: Duration = Duration::from_secs(45);
/// A Cluster that is never there.
const PROBE: &str = "daap-sandbox-probe";
/// How the API server reports what our webhook refuses.
const MESSAGE: &str = "admission webhook \"validate.admission.daap.dev\" denied the request";

/// Waits until a Cluster that breaks the rules is refused *by the webhook*.
pub(super) async fn wait_until_effective(client: &Client) -> Result<()> {
    wait_for("the webhook's rules are in force", LIMIT, async || {
        // Called `daap-…` and nothing else: no label says which database it is.
        match dry_run(client).await? {
            Err(kube::Error::Api(status)) if status.message.contains(MESSAGE) => Ok(Some(())),
            Err(error) => Err(error.into()),
            Ok(_) => bail!("a Cluster that breaks the rules is accepted"),
        }
    })
    .await
}

async fn dry_run(client: &Client) -> Result<Result<Value, kube::Error>> {
    let cluster = json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": { "name": PROBE },
        "spec": { "instances": 1, "storage": { "size": "1Gi" } },
    });
    // An apply, because the API server makes creations wait for 2 s in the first 2 s of a CRD.
    let path = format!("/apis/postgresql.cnpg.io/v1/namespaces/{NAMESPACE}/clusters/{PROBE}");
    let request = http::Request::patch(format!("{path}?dryRun=All&fieldManager=daap-sandbox"))
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .body(cluster.to_string().into_bytes())?;
    Ok(client.request(request).await)
}
