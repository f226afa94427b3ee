//! The programs that a sandbox consists of, and how each is started.

use std::{fmt, fs, io, net::TcpListener, path::PathBuf, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{certificates::Authority, identity::User, layout::Layout, process::Tied};

/// A program of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// etcd, without fsync: its data goes with the sandbox.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager, with the garbage collector and the namespace controller.
    ControllerManager,
    /// daap-webhook.
    Webhook,
}

/// The controllers that daap depends on. Workload controllers would compete with the stand-in.
const CONTROLLERS: [&str; 7] = [
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    // Take off the finalizers that admission puts on every volume and claim.
    "persistentvolumeclaim-protection-controller",
    "persistentvolume-protection-controller",
];

impl Component {
    /// All, in the order in which they are started.
    pub(super) const ALL: [Self; 4] = [
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Webhook,
    ];

    /// Name in orders and of the log file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "api-server",
            Self::ControllerManager => "controller-manager",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Component {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| anyhow::anyhow!("no component is called {name:?}"))
    }
}

/// Everything that the command lines of the programs depend on.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) layout: Layout,
    /// Folder with the control plane's programs.
    pub(super) assets: PathBuf,
    /// The webhook's program.
    pub(super) webhook: PathBuf,
    pub(super) authority: Arc<Authority>,
    pub(super) api_port: u16,
    pub(super) webhook_port: u16,
    /// Whether requests are written down.
    pub(super) audit: bool,
}

/// Metadata is enough: who did what to which resource, in the words of RBAC.
pub(super) fn audit_policy() -> String {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "users": [User::Harness.name()]},
            {"level": "None"},
        ],
    });
    policy.to_string()
}

impl Plan {
    /// Address of the API server.
    pub(super) fn server(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_port)
    }

    /// The command that starts a component.
    pub(super) fn program(&self, component: Component) -> io::Result<Tied> {
        let program = match component {
            Component::Etcd => self.etcd()?,
            Component::ApiServer => self.api_server(),
            Component::ControllerManager => self.controller_manager(),
            Component::Webhook => self.webhook(),
        };
        program.log_to(self.layout.log(component.name()))
    }

    fn etcd(&self) -> io::Result<Tied> {
        // A killed etcd leaves its sockets, and does not take them over.
        for socket in ["client.sock", "peer.sock"] {
            match fs::remove_file(self.layout.etcd().join(socket)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // Sockets relative to the folder: a path to a socket has at most 107 bytes.
        Ok(Tied::new(self.assets.join("etcd"))
            .current_dir(self.layout.etcd())
            .args([
                "--data-dir=data",
                "--unsafe-no-fsync",
                // As much as etcd recommends at most: its own 2 GB are full at tens of thousands of databases.
                "--quota-backend-bytes=8589934592",
                "--listen-client-urls=unix://client.sock",
                "--listen-peer-urls=unix://peer.sock",
                // Nobody asks for it, but it has to have the form host:port.
                "--advertise-client-urls=http://localhost:1",
                // The only member elects itself: why wait a second for others.
                "--heartbeat-interval=10",
                "--election-timeout=100",
                "--log-level=warn",
            ]))
    }

    fn api_server(&self) -> Tied {
        let pki = |file| self.layout.pki(file).display().to_string();
        Tied::new(self.assets.join("kube-apiserver"))
            .current_dir(self.layout.etcd())
            // Memory is there, processors are few: a fifth less of their time. But not all of it: tens of
            // thousands of databases in it would be some GB, five times.
            .env("GOGC", "400")
            .env("GOMEMLIMIT", "12GiB")
            .args([
                "--etcd-servers=unix://client.sock",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                // Loopback addresses are not valid in the endpoints of the Service `kubernetes`.
                "--endpoint-reconciler-type=none",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--authorization-mode=RBAC",
                // Pods of the stand-in name no service account and mount no token.
                "--disable-admission-plugins=ServiceAccount",
                "--service-account-issuer=https://kubernetes.default.svc",
            ])
            .args(self.audit_flags())
            .arg(format!("--secure-port={}", self.api_port))
            .arg(format!("--client-ca-file={}", pki("ca.crt")))
            .arg(format!("--tls-cert-file={}", pki("api-server.crt")))
            .arg(format!("--tls-private-key-file={}", pki("api-server.key")))
            .arg(format!(
                "--service-account-signing-key-file={}",
                pki("tokens.key")
            ))
            .arg(format!("--service-account-key-file={}", pki("tokens.pub")))
    }

    fn audit_flags(&self) -> Vec<String> {
        if !self.audit {
            return Vec::new();
        }
        vec![
            format!(
                "--audit-policy-file={}",
                self.layout.audit_policy().display()
            ),
            format!("--audit-log-path={}", self.layout.log("audit").display()),
            // What was answered is written.
            "--audit-log-mode=blocking".to_owned(),
        ]
    }

    fn controller_manager(&self) -> Tied {
        let kubeconfig = self.layout.kubeconfig_of(User::ControllerManager);
        let pki = |file| self.layout.pki(file).display().to_string();
        Tied::new(self.assets.join("kube-controller-manager"))
            .args([
                // So that the collector is `system:serviceaccount:kube-system:generic-garbage-collector`.
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
            ])
            .arg(format!("--controllers={}", CONTROLLERS.join(",")))
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .arg(format!("--root-ca-file={}", pki("ca.crt")))
            .arg(format!(
                "--service-account-private-key-file={}",
                pki("tokens.key")
            ))
    }

    fn webhook(&self) -> Tied {
        Tied::new(&self.webhook)
            .env("KUBECONFIG", self.layout.kubeconfig_of(User::Webhook))
            .arg("serve")
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", self.webhook_port))
            .args(["--metrics-listen", "127.0.0.1:0"])
            .arg("--tls-cert")
            .arg(self.layout.pki("webhook.crt"))
            .arg("--tls-key")
            .arg(self.layout.pki("webhook.key"))
            .arg("--policy")
            .arg(self.layout.policy())
    }
}

/// A loopback port that nobody listens on now. Someone may take it before we do.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
