//! kubectl's own flags, with its meanings.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::output::quoted;

/// Which cluster, as whom, and how long to wait for an answer.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Kubernetes flags")]
pub(crate) struct KubernetesFlags {
    /// Namespace; the context's where none is given
    #[arg(short = 'n', long, global = true, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "CONTEXT")]
    pub(crate) context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, global = true, value_name = "CLUSTER", hide_short_help = true)]
    pub(crate) cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, global = true, value_name = "USER", hide_short_help = true)]
    pub(crate) user: Option<String>,
    /// Path of the kubeconfig, instead of KUBECONFIG and ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// User to impersonate
    #[arg(
        long = "as",
        global = true,
        value_name = "USER",
        hide_short_help = true
    )]
    pub(crate) as_user: Option<String>,
    /// Group to impersonate; can be repeated
    #[arg(
        long = "as-group",
        global = true,
        value_name = "GROUP",
        hide_short_help = true
    )]
    pub(crate) as_group: Vec<String>,
    /// Uid to impersonate
    #[arg(
        long = "as-uid",
        global = true,
        value_name = "UID",
        hide_short_help = true
    )]
    pub(crate) as_uid: Option<String>,
    /// Address of the API server
    #[arg(
        short = 's',
        long,
        global = true,
        value_name = "URL",
        hide_short_help = true
    )]
    pub(crate) server: Option<String>,
    /// Bearer token
    #[arg(long, global = true, value_name = "TOKEN", hide_short_help = true)]
    pub(crate) token: Option<String>,
    /// Certificate authority of the API server
    #[arg(
        long = "certificate-authority",
        global = true,
        value_name = "FILE",
        hide_short_help = true
    )]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// Client certificate
    #[arg(
        long = "client-certificate",
        global = true,
        value_name = "FILE",
        hide_short_help = true
    )]
    pub(crate) client_certificate: Option<PathBuf>,
    /// Key of the client certificate
    #[arg(
        long = "client-key",
        global = true,
        value_name = "FILE",
        hide_short_help = true
    )]
    pub(crate) client_key: Option<PathBuf>,
    /// Name that the API server's certificate has to have
    #[arg(
        long = "tls-server-name",
        global = true,
        value_name = "NAME",
        hide_short_help = true
    )]
    pub(crate) tls_server_name: Option<String>,
    /// Do not verify the API server's certificate (insecure)
    #[arg(
        long = "insecure-skip-tls-verify",
        global = true,
        hide_short_help = true
    )]
    pub(crate) insecure_skip_tls_verify: bool,
    /// How long to wait for one answer of the API server, as 30s; 0 means for ever
    #[arg(long = "request-timeout", global = true, value_name = "DURATION", value_parser = super::duration::parse, hide_short_help = true)]
    pub(crate) request_timeout: Option<Duration>,
    /// Log to stderr what is done: 1 little, 6 requests, 9 everything
    #[arg(
        short = 'v',
        long = "v",
        global = true,
        value_name = "LEVEL",
        default_value_t = 0,
        hide_default_value = true,
        hide_short_help = true
    )]
    pub(crate) verbosity: u8,
}

impl KubernetesFlags {
    /// Those that a command needs to be about the same cluster, as the same user, as they are typed.
    /// The namespace is not among them, which commands name anyway, and a token never is printed.
    pub(crate) fn typed_again(&self) -> String {
        let Self {
            namespace: _,
            context,
            cluster,
            user,
            kubeconfig,
            as_user,
            as_group,
            as_uid,
            server,
            token: _,
            certificate_authority,
            client_certificate,
            client_key,
            tls_server_name,
            insecure_skip_tls_verify,
            request_timeout: _,
            verbosity: _,
        } = self;
        let path = |path: &Option<PathBuf>| {
            let path = path.as_ref()?;
            Some(path.to_string_lossy().into_owned())
        };
        let given = [
            ("--context", context.clone()),
            ("--cluster", cluster.clone()),
            ("--user", user.clone()),
            ("--kubeconfig", path(kubeconfig)),
            ("--as", as_user.clone()),
            ("--as-uid", as_uid.clone()),
            ("--server", server.clone()),
            ("--certificate-authority", path(certificate_authority)),
            ("--client-certificate", path(client_certificate)),
            ("--client-key", path(client_key)),
            ("--tls-server-name", tls_server_name.clone()),
        ];
        let groups = as_group.iter().map(|group| ("--as-group", group.clone()));
        let given = given
            .into_iter()
            .filter_map(|(flag, value)| Some((flag, value?)));
        let mut words: Vec<String> = given
            .chain(groups)
            .map(|(flag, value)| format!("{flag} {}", quoted(&value)))
            .collect();
        if *insecure_skip_tls_verify {
            words.push("--insecure-skip-tls-verify".to_owned());
        }
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_where_and_as_whom_is_typed_again() {
        let flags = KubernetesFlags {
            namespace: Some("apps".into()),
            context: Some("team a".into()),
            as_user: Some("ada".into()),
            as_group: vec!["a".into(), "b".into()],
            token: Some("secret".into()),
            ..KubernetesFlags::default()
        };
        assert_eq!(
            flags.typed_again(),
            "--context 'team a' --as ada --as-group a --as-group b"
        );
        assert_eq!(KubernetesFlags::default().typed_again(), "");
    }
}
