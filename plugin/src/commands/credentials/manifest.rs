//! What binds a workload to a database, as a Kubernetes manifest: everything by reference, so that it
//! may lie in a repository.

use daap_crds::names::DatabaseName;
use serde_json::{Value, json};

use crate::database::{Access, Connection};
use crate::failure::Failure;
use crate::output::yaml;

/// Field manager of the example: `kubectl apply` adds to a workload what it names, and no more.
const MANAGER: &str = "daap-binding";
/// Stands for a workload that nobody named.
const SOMEBODY: &str = "my-app";

/// What a database is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Workload {
    kind: Kind,
    name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
    CronJob,
}

impl Kind {
    const ALL: [(Self, &'static str, [&'static str; 3]); 4] = [
        (
            Self::Deployment,
            "Deployment",
            ["deployment", "deployments", "deploy"],
        ),
        (
            Self::StatefulSet,
            "StatefulSet",
            ["statefulset", "statefulsets", "sts"],
        ),
        (
            Self::DaemonSet,
            "DaemonSet",
            ["daemonset", "daemonsets", "ds"],
        ),
        (Self::CronJob, "CronJob", ["cronjob", "cronjobs", "cj"]),
    ];

    fn parse(word: &str) -> Option<Self> {
        let word = word.to_lowercase();
        let word = word.split('.').next().unwrap_or_default();
        Self::ALL
            .iter()
            .find(|(_, _, words)| words.contains(&word))
            .map(|(kind, ..)| *kind)
    }

    fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("", |(_, name, _)| name)
    }
}

impl Workload {
    /// Reads `deployment/shop`.
    ///
    /// # Errors
    /// It is of another form, or of a kind whose pods cannot be changed.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no workload; write it as deployment/NAME, statefulset/NAME, daemonset/NAME or cronjob/NAME"
            )
        };
        let (kind, name) = text.split_once('/').ok_or_else(wrong)?;
        let kind = Kind::parse(kind).ok_or_else(wrong)?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(wrong());
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }
}

/// A binding.
pub(super) struct Binding<'a> {
    name: &'a DatabaseName,
    namespace: &'a str,
    connection: &'a Connection,
    workload: Option<Workload>,
    container: Option<String>,
}

impl<'a> Binding<'a> {
    pub(super) fn new(
        name: &'a DatabaseName,
        access: &'a Access,
        workload: Option<Workload>,
        container: Option<String>,
    ) -> Self {
        Self {
            name,
            namespace: access.namespace(),
            connection: access.connection(),
            workload,
            container,
        }
    }

    /// The manifest, with a word on how it is used before it.
    pub(super) fn text(self) -> Result<String, Failure> {
        let (name, namespace) = (self.name, self.namespace);
        let named = self.workload.is_some();
        let workload = self.workload.clone().unwrap_or(Workload {
            kind: Kind::Deployment,
            name: SOMEBODY.into(),
        });
        let reference = format!("{}/{}", workload.kind.name().to_lowercase(), workload.name);
        let choose = if named {
            String::new()
        } else {
            "# Name yours: --for KIND/NAME [--container NAME].\n".to_owned()
        };
        Ok(format!(
            "# Binds {reference} to database {name}: its login from Secret {}, the certificate\n\
             # authority, without its key, from Secret {}. It holds no password.\n\
             {choose}\
             # Copy it into your manifest, or add it to the workload that runs:\n\
             #   kubectl daap credentials {name} -n {namespace} -o manifest --for {reference} |\n\
             #     kubectl apply --server-side --field-manager={MANAGER} -f -\n\
             # Variables are read when a container starts: restart it after a rotation.\n\
             {}",
            name.app_secret(),
            name.ca_secret(),
            yaml(&self.manifest(&workload))?
        ))
    }

    fn manifest(&self, workload: &Workload) -> Value {
        let pods = json!({"template": {"spec": self.pod(workload)}});
        let (api, spec) = match workload.kind {
            Kind::CronJob => ("batch/v1", json!({"jobTemplate": {"spec": pods}})),
            _ => ("apps/v1", pods),
        };
        json!({
            "apiVersion": api,
            "kind": workload.kind.name(),
            "metadata": {"name": workload.name, "namespace": self.namespace},
            "spec": spec,
        })
    }

    fn pod(&self, workload: &Workload) -> Value {
        let volume = format!("daap-{}-ca", self.name);
        // A volume's name is a DNS label.
        let volume = if volume.len() > 63 {
            "daap-ca".to_owned()
        } else {
            volume
        };
        let folder = format!("/etc/daap/{}", self.name);
        let authority = format!("{folder}/ca.crt");
        let Connection {
            host,
            port,
            ssl_mode,
            ..
        } = self.connection;
        let secret = self.name.app_secret();
        let from_secret = |name: &str, key: &str| json!({"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}});
        let plain = |name: &str, value: &str| json!({"name": name, "value": value});
        // What CNPG and `rotate` make as passwords needs no escape in a URL.
        let url = format!(
            "postgresql://$(PGUSER):$(PGPASSWORD)@{host}:{port}/$(PGDATABASE)?sslmode={ssl_mode}&sslrootcert={authority}"
        );
        json!({
            "containers": [{
                "name": self.container.as_deref().unwrap_or(&workload.name),
                "env": [
                    plain("PGHOST", host),
                    plain("PGPORT", &port.to_string()),
                    from_secret("PGDATABASE", "dbname"),
                    from_secret("PGUSER", "username"),
                    from_secret("PGPASSWORD", "password"),
                    plain("PGSSLMODE", ssl_mode),
                    plain("PGSSLROOTCERT", &authority),
                    plain("DATABASE_URL", &url),
                ],
                "volumeMounts": [{"name": volume, "mountPath": folder, "readOnly": true}],
            }],
            "volumes": [{
                "name": volume,
                // The same Secret holds the authority's key.
                "secret": {"secretName": self.name.ca_secret(), "items": [{"key": "ca.crt", "path": "ca.crt"}]},
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn text(workload: Option<&str>) -> String {
        let name = DatabaseName::parse("orders").unwrap();
        let connection = Connection::new(
            "daap-orders-pooler.apps.svc".into(),
            "app".into(),
            "app".into(),
        );
        let binding = Binding {
            name: &name,
            namespace: "apps",
            connection: &connection,
            workload: workload.map(|text| Workload::parse(text).unwrap()),
            container: None,
        };
        binding.text().unwrap()
    }

    #[test]
    fn a_workload_gets_the_login_by_reference() {
        insta::assert_snapshot!(text(Some("deploy/shop")));
    }

    #[test]
    fn a_cron_jobs_pods_lie_deeper() {
        let manifest: Value = serde_saphyr::from_str(&text(Some("cronjob/nightly"))).unwrap();
        let container = "/spec/jobTemplate/spec/template/spec/containers/0/name";
        assert_eq!(
            manifest.pointer(container).and_then(Value::as_str),
            Some("nightly")
        );
        assert!(text(None).contains("--for KIND/NAME"));
    }

    #[rstest]
    #[case("shop")]
    #[case("pod/shop")]
    #[case("deployment/")]
    #[case("deployment/a/b")]
    fn rejects(#[case] workload: &str) {
        assert!(Workload::parse(workload).is_err());
    }
}
