//! `kubectl daap version`

use clap::{Args, ValueEnum};
use daap_crds::contract::{cnpg, platform};
use daap_crds::object::View;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Class, Failure};
use crate::kubernetes::{Kind, Kubernetes};
use crate::output::{json as to_json, lines, stderr_line, stdout, yaml};

const EXAMPLES: &str = "\
Examples:
  kubectl daap version
  kubectl daap version --client
  kubectl daap version -o json";

/// Arguments of `version`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VersionArgs {
    /// Only the client's; nothing is asked
    #[arg(long)]
    client: bool,
    /// How to print
    #[arg(
        short = 'o',
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_default_value = true
    )]
    output: Shape,
}

/// How versions are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// Lines
    #[value(hide = true)]
    Text,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// Shows versions; fails where the server cannot be reached, as kubectl does.
pub(crate) async fn run(context: &Context, args: VersionArgs) -> Result<(), Failure> {
    let VersionArgs { client, output } = args;
    let mut versions =
        json!({"clientVersion": {"version": env!("CARGO_PKG_VERSION"), "platform": platform()}});
    let failure = if client {
        None
    } else {
        match server(context).await {
            Ok(found) => {
                json_patch::merge(&mut versions, &found);
                None
            }
            Err(failure) => Some(failure),
        }
    };
    stdout(&match output {
        Shape::Json => to_json(&versions)?,
        Shape::Yaml => yaml(&versions)?,
        Shape::Text => text(&versions),
    })?;
    match failure {
        None => Ok(()),
        Some(failure) => Err(failure),
    }
}

fn platform() -> String {
    format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH)
}

async fn server(context: &Context) -> Result<Value, Failure> {
    let k8s = context.kubernetes().await?;
    let version = k8s.raw("/version").await?;
    let operator = operator(k8s).await?;
    let webhook = webhook(k8s).await?;
    Ok(json!({
        "serverVersion": {"version": View(&version).text("/gitVersion").unwrap_or("unknown")},
        "cloudnativePG": operator,
        "webhook": webhook,
    }))
}

async fn operator(k8s: &Kubernetes) -> Result<Value, Failure> {
    let served = match k8s.raw(&format!("/apis/{}", cnpg::GROUP)).await {
        Ok(_) => true,
        Err(failure) if matches!(failure.classification(), Class::NotServed | Class::NotFound) => {
            false
        }
        Err(failure) => return Err(failure),
    };
    let version = match k8s.list_in(Kind::Deployment, None, cnpg::OPERATOR).await {
        Ok(found) => { found.first() }
            .and_then(|deployment| image_tag(View(deployment)))
            .map(str::to_owned),
        Err(failure) if failure.classification() == Class::Forbidden => None,
        Err(failure) => return Err(failure),
    };
    Ok(json!({"installed": served, "version": version.unwrap_or_else(|| "unknown".into())}))
}

/// What stands behind the colon of the image that a Deployment runs.
pub(super) fn image_tag(deployment: View<'_>) -> Option<&str> {
    let image = deployment.text("/spec/template/spec/containers/0/image")?;
    image.rsplit_once(':').map(|(_, tag)| tag)
}

async fn webhook(k8s: &Kubernetes) -> Result<Value, Failure> {
    Ok(match webhook_is_installed(k8s).await? {
        Some(installed) => json!({"installed": installed}),
        None => json!({"installed": "unknown"}),
    })
}

/// Whether daap's webhook is installed; none where the caller may not know, who is told so.
pub(super) async fn webhook_is_installed(k8s: &Kubernetes) -> Result<Option<bool>, Failure> {
    match k8s.get(Kind::ValidatingWebhook, platform::WEBHOOK).await {
        Ok(found) => Ok(Some(found.is_some())),
        Err(failure) if failure.classification() == Class::Forbidden => {
            stderr_line("Warning: no permission to see whether the admission webhook is installed");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

fn text(versions: &Value) -> String {
    let view = View(versions);
    let client = view.text("/clientVersion/version").unwrap_or_default();
    let mut found = vec![format!("Client Version: {client}")];
    if let Some(server) = view.text("/serverVersion/version") {
        let installed = |pointer| match view.at(pointer) {
            Some(Value::Bool(true)) => "installed",
            Some(Value::Bool(false)) => "not installed",
            _ => "unknown",
        };
        let operator = view
            .text("/cloudnativePG/version")
            .filter(|version| *version != "unknown")
            .unwrap_or_else(|| installed("/cloudnativePG/installed"));
        found.push(format!("Server Version: {server}"));
        found.push(format!("CloudNativePG: {operator}"));
        found.push(format!(
            "Admission Webhook: {}",
            installed("/webhook/installed")
        ));
    }
    lines(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_says_what_is_known() {
        let versions = json!({
            "clientVersion": {"version": "0.1.0"}, "serverVersion": {"version": "v1.36.3"},
            "cloudnativePG": {"installed": true, "version": "1.30.0"}, "webhook": {"installed": "unknown"}
        });
        assert_eq!(
            text(&versions),
            "Client Version: 0.1.0\nServer Version: v1.36.3\nCloudNativePG: 1.30.0\nAdmission Webhook: unknown\n"
        );
    }
}
