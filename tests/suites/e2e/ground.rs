//! Where the suite runs: on the cluster that a kubeconfig names, or on a sandbox.

use std::{
    env,
    ffi::OsString,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use daap_tests::sandbox::{Sandbox, User};
use serde_json::Value;
use tokio::sync::OnceCell;

/// The oldest CNPG that the plugin is made for.
const OLDEST: (u32, u32) = (1, 28);
/// The operator's Deployment, however it was installed.
const OPERATOR: &str = "app.kubernetes.io/name=cloudnative-pg";
/// Label of our namespaces, so that those of a run that was killed can be found.
pub(crate) const OURS: &str = "app.kubernetes.io/part-of=daap-e2e";

/// A cluster.
pub(crate) enum Ground {
    /// A control plane of our own, with the stand-in operator and our webhook.
    Sandbox(&'static Sandbox),
    /// One that is there already.
    Cluster {
        /// Its kubeconfig, whose current context counts.
        kubeconfig: OsString,
        /// `PATH` in which kubectl finds the plugin that was built.
        path: OsString,
    },
}

impl Ground {
    /// The ground of this run; the first who asks finds out whether it can be used.
    pub(crate) async fn get() -> &'static Self {
        static GROUND: OnceCell<Ground> = OnceCell::const_new();
        GROUND
            .get_or_init(async || match env::var_os("DAAP_E2E_KUBECONFIG") {
                Some(kubeconfig) if !kubeconfig.is_empty() => Self::cluster(kubeconfig),
                _ => Self::Sandbox(Sandbox::shared().await),
            })
            .await
    }

    fn cluster(kubeconfig: OsString) -> Self {
        let built = built();
        let folder = built.parent().unwrap().to_owned();
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths([folder].into_iter().chain(env::split_paths(&inherited)));
        let ground = Self::Cluster {
            kubeconfig,
            path: path.unwrap(),
        };
        let served = ground.ask(&["get", "--raw", "/apis/postgresql.cnpg.io/v1"]);
        assert!(
            served.status.success(),
            "the cluster does not serve CloudNativePG's types, or does not answer: {}",
            text(&served)
        );
        let webhook = "validatingwebhookconfiguration/admission.daap.dev";
        let webhook = ground.ask(&["get", webhook, "-o", "name"]);
        let (with, version) = (webhook.status.success(), ground.operator());
        eprintln!(
            "on the cluster of {}: CloudNativePG {}, {} daap's webhook",
            ground.address(),
            version
                .as_deref()
                .unwrap_or("of a version that its databases will tell"),
            if with { "with" } else { "without" },
        );
        if let Some(version) = version {
            confirm_version(&version);
        }
        ground
    }

    fn address(&self) -> String {
        let server = [
            "config",
            "view",
            "--minify",
            "-o",
            "jsonpath={.clusters[0].cluster.server}",
        ];
        String::from_utf8_lossy(&self.ask(&server).stdout).into_owned()
    }

    /// The operator's version by its image, where its Deployment may be read.
    fn operator(&self) -> Option<String> {
        let image = "jsonpath={.items[0].spec.template.spec.containers[0].image}";
        let output = self.ask(&["get", "deployments", "-A", "-l", OPERATOR, "-o", image]);
        let image = String::from_utf8(output.stdout).ok()?;
        let (_, tag) = image.split('@').next()?.rsplit_once(':')?;
        version(tag).map(|_| tag.to_owned())
    }

    fn ask(&self, words: &[&str]) -> Output {
        self.kubectl().args(words).output().unwrap()
    }

    /// kubectl, as somebody who may do everything.
    pub(crate) fn kubectl(&self) -> Command {
        match self {
            Self::Sandbox(sandbox) => sandbox.kubectl(User::Admin),
            Self::Cluster { kubeconfig, path } => {
                let mut command = Command::new("kubectl");
                command.env("KUBECONFIG", kubeconfig).env("PATH", path);
                command
            }
        }
    }

    /// `kubectl daap`, as a developer of the team `payments` where there are such people.
    pub(crate) fn plugin(&self) -> Command {
        match self {
            Self::Sandbox(sandbox) => sandbox.plugin(User::PaymentsDev),
            Self::Cluster { .. } => {
                let mut command = self.kubectl();
                command.arg("daap");
                command
            }
        }
    }

    /// Makes a namespace that the developer may use.
    pub(crate) async fn make_namespace(&self, name: &str) {
        if let Self::Sandbox(sandbox) = self {
            sandbox.fresh_namespace(name).await;
        } else {
            let made = self.ask(&["create", "namespace", name]);
            assert!(made.status.success(), "{}", text(&made));
        }
        let labelled = self.ask(&["label", "namespace", name, OURS]);
        assert!(labelled.status.success(), "{}", text(&labelled));
    }

    /// How long any one step may take: a real cluster has to pull images and find volumes.
    pub(crate) fn patience(&self) -> Duration {
        let asked = env::var("DAAP_E2E_TIMEOUT")
            .ok()
            .filter(|text| !text.is_empty());
        let usual = match self {
            Self::Sandbox(_) => Duration::from_secs(90),
            Self::Cluster { .. } => Duration::from_mins(10),
        };
        asked.map_or(usual, |seconds| {
            let seconds = seconds.parse();
            Duration::from_secs(seconds.expect("DAAP_E2E_TIMEOUT is a number of seconds"))
        })
    }

    /// How often a condition is looked at.
    pub(crate) fn pause(&self) -> Duration {
        match self {
            Self::Sandbox(_) => Duration::from_millis(200),
            Self::Cluster { .. } => Duration::from_secs(1),
        }
    }
}

/// Says no to an operator that is too old, by the version that it writes on what it makes.
pub(crate) fn confirm_version(found: &str) {
    let (major, minor) = OLDEST;
    assert!(
        version(found).is_some_and(|version| version >= OLDEST),
        "CloudNativePG {found} is older than {major}.{minor}, the oldest that the plugin is made for"
    );
}

fn version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The plugin that was built with this suite, or the one that `KUBECTL_DAAP` names.
fn built() -> PathBuf {
    let named = env::var_os("KUBECTL_DAAP").filter(|path| !path.is_empty());
    // Suites run from target/debug/deps, programs from target/debug.
    let beside = || {
        env::current_exe()
            .unwrap()
            .ancestors()
            .nth(2)
            .unwrap()
            .join("kubectl-daap")
    };
    let plugin = named.map_or_else(beside, |path| std::path::absolute(path).unwrap());
    assert!(
        plugin.is_file(),
        "{} is not built: make build",
        plugin.display()
    );
    plugin
}

/// Everything that a program said.
pub(crate) fn text(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).trim().to_owned()
}

/// A field of JSON as text, empty where there is none.
pub(crate) fn field(value: &Value, pointer: &str) -> String {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}
