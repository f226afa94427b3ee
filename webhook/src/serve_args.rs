//! The arguments of `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgGroup;

use crate::args::LogFormat;
use crate::certificates::own::duration;

/// What `serve` needs.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("certificates").required(true)))]
pub(crate) struct ServeArgs {
    /// Address and port to listen on, for the API server (TLS).
    #[arg(long, default_value = "0.0.0.0:8443", value_name = "ADDR:PORT")]
    pub(crate) listen: SocketAddr,
    /// Address and port of /metrics, /healthz and /readyz (plain).
    #[arg(long, default_value = "0.0.0.0:8080", value_name = "ADDR:PORT")]
    pub(crate) metrics_listen: SocketAddr,
    /// Certificate chain (PEM); read again when it changes.
    #[arg(
        long,
        value_name = "FILE",
        group = "certificates",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM); read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Make certificates instead of reading them: a CA in the Secret daap-webhook-ca that all
    /// replicas share, published as caBundle in both webhook configurations.
    #[arg(long, group = "certificates")]
    pub(crate) own_certificates: bool,
    #[command(flatten)]
    pub(crate) own: OwnArgs,
    /// The platform team's policy (YAML); read again when it changes.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// Seconds that requests are still served after SIGTERM: the API server keeps its connections
    /// to a pod that is ending.
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub(crate) shutdown_delay: u64,
    /// Form of the log on stderr.
    #[arg(long, value_enum, default_value_t = LogFormat::Json)]
    pub(crate) log_format: LogFormat,
}

/// What certificates of our own are like.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With --own-certificates")]
pub(crate) struct OwnArgs {
    /// Namespace of the Secret and the Lease; the pod's own otherwise.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Name of this replica, on the Lease.
    #[arg(long, env = "POD_NAME", value_name = "NAME")]
    pub(crate) pod_name: Option<String>,
    /// Name (or address) that the certificate is for; may be repeated. Those of the Service
    /// daap-webhook otherwise.
    #[arg(long, value_name = "NAME")]
    pub(crate) dns_name: Vec<String>,
    /// How long the CA lives; it is succeeded in the last third.
    #[arg(long, default_value = "8760h", value_parser = duration, value_name = "DURATION")]
    pub(crate) ca_lifetime: Duration,
    /// How long a serving certificate lives; it is renewed in the last third.
    #[arg(long, default_value = "24h", value_parser = duration, value_name = "DURATION")]
    pub(crate) leaf_lifetime: Duration,
    /// How long every API server has carried a new CA before it signs.
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "DURATION")]
    pub(crate) ca_propagation: Duration,
    /// How long the Lease stands when its holder is gone.
    #[arg(long, default_value = "15s", value_parser = duration, value_name = "DURATION")]
    pub(crate) lease_duration: Duration,
}
