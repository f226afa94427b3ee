//! Credential plugins (`exec` of a kubeconfig's user).
//!
//! kube runs the plugin three times for each client: a login page would open three times. So it is
//! run once here, and what it says is put where kube finds static credentials.

use std::process::Stdio;

use base64::Engine as _;
use kube::config::{Config, ExecConfig, ExecInteractiveMode};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::failure::Failure;

/// What a plugin prints: `client.authentication.k8s.io` `ExecCredential`.
#[derive(Deserialize)]
struct ExecCredential {
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin of the user, if there is one.
pub(super) async fn run_plugin_once(config: &mut Config) -> Result<(), Failure> {
    let Some(exec) = config.auth_info.exec.take() else {
        return Ok(());
    };
    let name = exec.command.clone().unwrap_or_default();
    let hint = || {
        exec.install_hint
            .clone()
            .unwrap_or_else(|| format!("run it by hand to see why: {name}"))
    };
    let output = command(&exec, config).output().await.map_err(|error| {
        Failure::new(format!(
            "failed to run the credential plugin {name}: {error}"
        ))
        .hint(hint())
    })?;
    if !output.status.success() {
        return Err(Failure::new(format!(
            "the credential plugin {name} failed: {}",
            output.status
        ))
        .hint(hint()));
    }
    // What it printed is a secret: no message quotes it.
    let credential: ExecCredential = serde_json::from_slice(&output.stdout).map_err(|_| {
        Failure::new(format!(
            "the credential plugin {name} printed no ExecCredential"
        ))
        .hint(hint())
    })?;
    let Some(status) = credential.status else {
        return Err(
            Failure::new(format!("the credential plugin {name} gave no credentials")).hint(hint()),
        );
    };
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    if let Some(token) = status.token {
        config.auth_info.token = Some(SecretString::from(token));
    }
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data)
    {
        config.auth_info.client_certificate_data = Some(encode(certificate));
        config.auth_info.client_key_data = Some(SecretString::from(encode(key)));
    }
    Ok(())
}

fn command(exec: &ExecConfig, config: &Config) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(exec.command.as_deref().unwrap_or_default());
    command.args(exec.args.as_deref().unwrap_or_default());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    for variable in exec.drop_env.iter().flatten() {
        command.env_remove(variable);
    }
    let interactive = exec.interactive_mode != Some(ExecInteractiveMode::Never)
        && std::io::IsTerminal::is_terminal(&std::io::stdin());
    let mut spec = json!({"interactive": interactive});
    if exec.provide_cluster_info
        && let Some(spec) = spec.as_object_mut()
    {
        let mut cluster = serde_json::to_value(&exec.cluster).unwrap_or_default();
        if cluster.is_null() {
            cluster = json!({"server": config.cluster_url.to_string()});
        }
        spec.insert("cluster".into(), cluster);
    }
    let info = json!({
        "apiVersion": exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        "kind": "ExecCredential",
        "spec": spec,
    });
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command
        .stdin(if interactive {
            Stdio::inherit()
        } else {
            Stdio::null()
        })
        .stderr(Stdio::inherit());
    command
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn config(script: &str) -> Config {
        let mut config = Config::new("https://example.test".parse().unwrap());
        config.auth_info.exec = Some(ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            ..ExecConfig::default()
        });
        config
    }

    #[tokio::test]
    async fn a_token_is_taken_over() {
        let mut config = config(r#"echo '{"status": {"token": "abc"}}'"#);
        run_plugin_once(&mut config).await.unwrap();
        assert_eq!(config.auth_info.token.unwrap().expose_secret(), "abc");
        assert!(config.auth_info.exec.is_none());
    }

    #[tokio::test]
    async fn failures_are_told_without_what_was_printed() {
        for script in [
            "echo secret-token",
            "echo secret-token; exit 3",
            "echo '{}'",
        ] {
            let failure = run_plugin_once(&mut config(script)).await.unwrap_err();
            assert!(!failure.render().contains("secret-token\""), "{failure}");
            assert!(
                failure.to_string().contains("credential plugin sh"),
                "{failure}"
            );
        }
    }
}
