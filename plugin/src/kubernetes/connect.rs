//! From kubeconfig and flags to a client.

use std::path::Path;
use std::time::Duration;

use http::Uri;
use kube::client::ClientBuilder;
use kube::config::{Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use secrecy::SecretString;
use tower::buffer::BufferLayer;
use tower::retry::RetryLayer;
use tower::util::MapResponseLayer;

use super::error::chain;
use super::{Kubernetes, credentials, retry, warnings};
use crate::cli::KubernetesFlags;
use crate::failure::Failure;

/// How long one request may take where `--request-timeout` says nothing. kubectl waits for ever,
/// which a lost network turns into a hang.
const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A server that is up accepts a connection within this time, also over a VPN.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that wait between the layers; a command has a handful at once.
const BUFFERED_REQUESTS: usize = 64;

/// Makes the client. Nothing is sent yet.
pub(crate) async fn connect(flags: &KubernetesFlags) -> Result<Kubernetes, Failure> {
    let mut config = load(flags).await?;
    override_by_flags(&mut config, flags)?;
    credentials::run_plugin_once(&mut config).await?;
    config.default_retry = false;
    config.connect_timeout = Some(match flags.request_timeout {
        Some(timeout) if !timeout.is_zero() => timeout.min(CONNECT_TIMEOUT),
        _ => CONNECT_TIMEOUT,
    });
    let timeout = match flags.request_timeout {
        Some(Duration::ZERO) => None,
        Some(timeout) => Some(timeout),
        None => Some(DEFAULT_REQUEST_TIMEOUT),
    };
    let server = config.cluster_url.to_string();
    let server = server.trim_end_matches('/').to_owned();
    let namespace = flags
        .namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let as_user = config.auth_info.impersonate.clone();
    let builder = ClientBuilder::try_from(config).map_err(|error| {
        Failure::new(format!(
            "failed to set up the client of {server}: {}",
            chain(&error)
        ))
        .hint("check the user and the cluster of your context: `kubectl config view --minify`")
    })?;
    let client = builder
        .with_layer(&BufferLayer::new(BUFFERED_REQUESTS))
        .with_layer(&RetryLayer::new(retry::Reads::default()))
        .with_layer(&MapResponseLayer::new(warnings::show))
        .build();
    Ok(Kubernetes::new(client, namespace, server, timeout).known_as(as_user))
}

async fn load(flags: &KubernetesFlags) -> Result<Config, Failure> {
    let kubeconfig = match &flags.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match kubeconfig {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => return without_kubeconfig(flags, &error),
    };
    let chosen = flags.context.is_some()
        || kubeconfig
            .current_context
            .as_ref()
            .is_some_and(|name| !name.is_empty());
    if !chosen && flags.server.is_some() {
        return from_server_flag(flags);
    }
    let options = KubeConfigOptions {
        context: flags.context.clone(),
        cluster: flags.cluster.clone(),
        user: flags.user.clone(),
    };
    if let Some(user) = &flags.user
        && !kubeconfig
            .auth_infos
            .iter()
            .any(|known| &known.name == user)
    {
        // kube takes an unknown user for an anonymous one.
        return Err(
            Failure::new(format!("user '{user}' is not in the kubeconfig"))
                .hint("list what is there: kubectl config get-users"),
        );
    }
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable(&error))
}

/// No kubeconfig: `--server`, else the service account of the pod that this runs in.
fn without_kubeconfig(flags: &KubernetesFlags, error: &KubeconfigError) -> Result<Config, Failure> {
    let missing = match error {
        KubeconfigError::ReadConfig(source, _) => source.kind() == std::io::ErrorKind::NotFound,
        KubeconfigError::FindPath => true,
        _ => false,
    };
    if !missing {
        return Err(unusable(error));
    }
    if flags.server.is_some() {
        return from_server_flag(flags);
    }
    if let Some(path) = &flags.kubeconfig {
        return Err(
            Failure::new(format!("kubeconfig {} does not exist", path.display()))
                .hint("correct --kubeconfig"),
        );
    }
    Config::incluster().map_err(|_| {
        Failure::new(
            "no kubeconfig: neither KUBECONFIG nor ~/.kube/config names a file that exists",
        )
        .hint("export KUBECONFIG=FILE or give --kubeconfig FILE")
    })
}

fn from_server_flag(flags: &KubernetesFlags) -> Result<Config, Failure> {
    let uri = server_uri(flags.server.as_deref().unwrap_or_default())?;
    Ok(Config::new(uri))
}

fn server_uri(server: &str) -> Result<Uri, Failure> {
    server
        .parse::<Uri>()
        .ok()
        .filter(|uri| uri.scheme().is_some())
        .ok_or_else(|| {
            Failure::usage(format!("--server '{server}' is no address"))
                .hint("write it as https://HOST:PORT")
        })
}

fn unusable(error: &KubeconfigError) -> Failure {
    match error {
        KubeconfigError::CurrentContextNotSet => {
            Failure::new("the kubeconfig has no current context")
                .hint("choose one with --context or `kubectl config use-context`")
        }
        KubeconfigError::LoadContext(name) if name.is_empty() => {
            Failure::new("the kubeconfig has no current context")
                .hint("choose one with --context or `kubectl config use-context`")
        }
        KubeconfigError::LoadContext(name) => {
            Failure::new(format!("context '{name}' is not in the kubeconfig"))
                .hint("list what is there: kubectl config get-contexts")
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            Failure::new(format!("cluster '{name}' is not in the kubeconfig"))
                .hint("list what is there: kubectl config get-clusters")
        }
        // Without the snippet that the parser shows: a kubeconfig holds credentials.
        KubeconfigError::Parse(_) => {
            Failure::new("the kubeconfig is no valid YAML of a kubeconfig")
                .hint("check it with `kubectl config view`")
        }
        other => Failure::new(format!("failed to use the kubeconfig: {}", chain(other)))
            .hint("check it with `kubectl config view --minify`"),
    }
}

fn override_by_flags(config: &mut Config, flags: &KubernetesFlags) -> Result<(), Failure> {
    if let Some(server) = &flags.server {
        config.cluster_url = server_uri(server)?;
    }
    if let Some(token) = &flags.token {
        config.auth_info.token = Some(SecretString::from(token.clone()));
        config.auth_info.exec = None;
        config.auth_info.auth_provider = None;
    }
    if let Some(path) = &flags.certificate_authority {
        config.root_cert_file = Some(readable(path, "--certificate-authority")?.into());
    }
    if let Some(path) = &flags.client_certificate {
        config.auth_info.client_certificate = Some(readable(path, "--client-certificate")?);
        config.auth_info.client_certificate_data = None;
    }
    if let Some(path) = &flags.client_key {
        config.auth_info.client_key = Some(readable(path, "--client-key")?);
        config.auth_info.client_key_data = None;
    }
    if flags.tls_server_name.is_some() {
        config.tls_server_name.clone_from(&flags.tls_server_name);
    }
    if flags.insecure_skip_tls_verify {
        config.accept_invalid_certs = true;
    }
    impersonate(config, flags)
}

fn impersonate(config: &mut Config, flags: &KubernetesFlags) -> Result<(), Failure> {
    if flags.as_user.is_none() && (!flags.as_group.is_empty() || flags.as_uid.is_some()) {
        return Err(Failure::usage("--as-group and --as-uid need --as")
            .hint("name the user to impersonate with --as"));
    }
    if let Some(user) = &flags.as_user {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups = Some(flags.as_group.clone());
        config.auth_info.impersonate_uid.clone_from(&flags.as_uid);
    }
    Ok(())
}

fn readable(path: &Path, flag: &str) -> Result<String, Failure> {
    std::fs::File::open(path).map_err(|error| {
        Failure::new(format!("failed to read {flag} {}: {error}", path.display()))
    })?;
    Ok(path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_need_a_user() {
        let mut config = Config::new("https://example.test".parse().unwrap());
        let flags = KubernetesFlags {
            as_group: vec!["developers".into()],
            ..KubernetesFlags::default()
        };
        assert!(override_by_flags(&mut config, &flags).is_err());
    }

    #[test]
    fn a_token_replaces_what_the_kubeconfig_has() {
        let mut config = Config::new("https://example.test".parse().unwrap());
        config.auth_info.exec = Some(kube::config::ExecConfig::default());
        let flags = KubernetesFlags {
            token: Some("secret".into()),
            server: Some("https://other.test:1".into()),
            ..KubernetesFlags::default()
        };
        override_by_flags(&mut config, &flags).unwrap();
        assert!(config.auth_info.exec.is_none());
        assert_eq!(config.cluster_url.host(), Some("other.test"));
        assert!(server_uri("nonsense").is_err());
    }

    #[tokio::test]
    async fn a_kubeconfig_that_is_not_there_is_named() {
        let flags = KubernetesFlags {
            kubeconfig: Some("/nonexistent/kubeconfig".into()),
            ..KubernetesFlags::default()
        };
        let failure = load(&flags).await.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "kubeconfig /nonexistent/kubeconfig does not exist"
        );
    }
}
