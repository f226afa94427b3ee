//! A database in a namespace of its own, and what is asked of it.

use std::{process::Stdio, time::Duration};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use daap_tests::sandbox::{Sandbox, SandboxOptions, User, wait_for};
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, WatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};
use tokio::{sync::OnceCell, time::timeout};

/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);
/// When a client is given up: `PgBouncer` lets one wait for 120 s for a server.
const HANGS: Duration = Duration::from_secs(30);
/// Phase of a Cluster that is as it is wanted.
pub(crate) const HEALTHY: &str = "Cluster in healthy state";
/// What is in the table of [`Database::with_rows`], on one line.
pub(crate) const ROWS: &str = "SELECT string_agg(id::text, ',' ORDER BY id) FROM orders";
/// Answers `done` once it is told to: see [`Database::keep_busy`].
pub(crate) const BUSY: &str = "SELECT busy()";

/// A Cluster and its Pooler.
pub(crate) struct Database {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) cluster: String,
}

/// The sandbox of this suite: with the operator, without the webhook.
pub(crate) async fn sandbox() -> &'static Sandbox {
    static SHARED: OnceCell<Sandbox> = OnceCell::const_new();
    let options = SandboxOptions {
        webhook: false,
        real_crds: true,
        ..SandboxOptions::default()
    };
    let started = SHARED
        .get_or_try_init(|| Sandbox::start_with(options))
        .await;
    started.unwrap_or_else(|error| panic!("failed to start the sandbox: {error:#}"))
}

impl Database {
    /// A name in a fresh namespace; nothing is made yet.
    pub(crate) async fn named(namespace: &str, cluster: &str) -> Self {
        let sandbox = sandbox().await;
        sandbox.fresh_namespace(namespace).await;
        let database = Self {
            client: sandbox.client(User::Harness).await,
            namespace: namespace.to_owned(),
            cluster: cluster.to_owned(),
        };
        // For a moment after a CRD came the API server says that its storage is initialising.
        let served = wait_for("custom resources are served", LIMIT, async || {
            for plural in ["clusters", "poolers"] {
                let api = database.api(plural);
                api.list(&ListParams::default()).await?;
                drop(api.watch(&WatchParams::default(), "0").await?);
            }
            Ok(Some(()))
        });
        served.await.unwrap();
        database
    }

    /// A database that is ready.
    pub(crate) async fn ready(namespace: &str, instances: u8) -> Self {
        let database = Self::named(namespace, "daap-orders").await;
        database.apply(instances).await;
        database.wait_ready(instances).await;
        database
    }

    /// A database that is ready, with a table and two rows in it.
    pub(crate) async fn with_rows(namespace: &str, instances: u8) -> Self {
        let database = Self::ready(namespace, instances).await;
        database
            .sql_soon("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2)")
            .await;
        database
    }

    /// Applies Cluster and Pooler.
    pub(crate) async fn apply(&self, instances: u8) {
        self.apply_cluster(&self.cluster_manifest(instances)).await;
        self.apply_pooler().await;
    }

    pub(crate) async fn apply_cluster(&self, manifest: &Value) {
        self.apply_one("clusters", &self.cluster, manifest).await;
    }

    pub(crate) async fn apply_pooler(&self) {
        self.apply_one("poolers", &self.pooler(), &self.pooler_manifest())
            .await;
    }

    async fn apply_one(&self, plural: &str, name: &str, manifest: &Value) {
        let params = PatchParams::apply("suite").force();
        self.api(plural)
            .patch(name, &params, &Patch::Apply(manifest))
            .await
            .unwrap();
    }

    pub(crate) fn pooler(&self) -> String {
        format!("{}-pooler", self.cluster)
    }

    /// The Cluster as daap writes it.
    pub(crate) fn cluster_manifest(&self, instances: u8) -> Value {
        let (pooler, namespace) = (self.pooler(), &self.namespace);
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
            "metadata": {
                "name": self.cluster,
                "labels": { "daap.dev/name": "orders", "daap.dev/owner-team": "payments" },
                "annotations": { "daap.dev/purpose": "Order store" },
            },
            "spec": {
                "instances": instances,
                "imageName": "sandbox.local/postgresql:17.6",
                "storage": { "size": "1Gi" },
                "inheritedMetadata": {
                    "labels": { "daap.dev/name": "orders" },
                    "annotations": { "daap.dev/id": "6b0b8d3e" },
                },
                "certificates": { "serverAltDNSNames": [
                    pooler.clone(), format!("{pooler}.{namespace}"), format!("{pooler}.{namespace}.svc"),
                    format!("{pooler}.{namespace}.svc.cluster.local"),
                ]},
            },
        })
    }

    fn pooler_manifest(&self) -> Value {
        json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Pooler",
            "metadata": { "name": self.pooler() },
            "spec": {
                "cluster": { "name": self.cluster }, "instances": 1, "type": "rw",
                "pgbouncer": { "poolMode": "transaction" },
                "template": { "spec": { "containers": [
                    { "name": "pgbouncer", "image": "sandbox.local/pgbouncer:1.24.1" },
                ]}},
            },
        })
    }

    /// Any kind that a database consists of, by its plural.
    pub(crate) fn api(&self, plural: &str) -> Api<DynamicObject> {
        let (group, kind) = match plural {
            "clusters" => ("postgresql.cnpg.io", "Cluster"),
            "poolers" => ("postgresql.cnpg.io", "Pooler"),
            "deployments" => ("apps", "Deployment"),
            "configmaps" => ("", "ConfigMap"),
            "events" => ("", "Event"),
            "persistentvolumeclaims" => ("", "PersistentVolumeClaim"),
            "pods" => ("", "Pod"),
            "secrets" => ("", "Secret"),
            "services" => ("", "Service"),
            other => panic!("unknown kind {other}"),
        };
        let kind = GroupVersionKind::gvk(group, "v1", kind);
        let kind = ApiResource::from_gvk_with_plural(&kind, plural);
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind)
    }

    /// An object as JSON, `null` when it is not there.
    pub(crate) async fn get(&self, plural: &str, name: &str) -> Value {
        let object = self.api(plural).get_opt(name).await.unwrap();
        object.map_or(Value::Null, |object| serde_json::to_value(object).unwrap())
    }

    pub(crate) async fn patch(&self, plural: &str, name: &str, patch: Value) {
        let patched = self
            .api(plural)
            .patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await;
        patched.unwrap();
    }

    pub(crate) async fn delete(&self, plural: &str, name: &str) {
        self.api(plural)
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    /// Waits until an object is as this says.
    pub(crate) async fn wait(
        &self,
        plural: &str,
        name: &str,
        what: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Value {
        let last = std::cell::RefCell::new(Value::Null);
        let seen = wait_for(what, LIMIT, async || {
            let object = self.get(plural, name).await;
            let reached = is(&object);
            last.replace(object.clone());
            Ok(reached.then_some(object))
        });
        seen.await
            .unwrap_or_else(|error| panic!("{error:#}; last: {:#}", last.borrow()["status"]))
    }

    pub(crate) async fn wait_cluster(&self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        self.wait("clusters", &self.cluster, what, |cluster| {
            is(&cluster["status"])
        })
        .await
    }

    pub(crate) async fn wait_ready(&self, instances: u8) {
        let healthy =
            |status: &Value| status["phase"] == HEALTHY && status["readyInstances"] == instances;
        self.wait_cluster("the cluster is healthy", healthy).await;
        let is_available = |deployment: &Value| deployment["status"]["availableReplicas"] == 1;
        self.wait(
            "deployments",
            &self.pooler(),
            "the pooler is available",
            is_available,
        )
        .await;
    }

    pub(crate) async fn wait_gone(&self, plural: &str, name: &str) {
        self.wait(plural, name, &format!("{name} is gone"), Value::is_null)
            .await;
    }

    pub(crate) async fn annotate(&self, key: &str, value: Value) {
        self.patch(
            "clusters",
            &self.cluster,
            json!({ "metadata": { "annotations": { key: value } } }),
        )
        .await;
    }

    /// Hibernates, without the Pooler, whose sessions would hold it up.
    pub(crate) async fn hibernate(&self) {
        self.annotate("cnpg.io/hibernation", "on".into()).await;
        let hibernated =
            |status: &Value| condition(status, "cnpg.io/hibernation") == ("True", "Hibernated");
        self.wait_cluster("the cluster is hibernated", hibernated)
            .await;
    }

    /// Takes the owner from an object, so that it outlives the Cluster.
    pub(crate) async fn detach(&self, plural: &str, name: &str) {
        self.patch(
            plural,
            name,
            json!({ "metadata": { "ownerReferences": null } }),
        )
        .await;
    }

    /// The folder of an instance's volume.
    pub(crate) async fn volume(&self, claim: &str) -> std::path::PathBuf {
        let claim = self.get("persistentvolumeclaims", claim).await;
        let volumes: Api<k8s_openapi::api::core::v1::PersistentVolume> =
            Api::all(self.client.clone());
        let name = claim["spec"]["volumeName"].as_str().unwrap();
        let volume = volumes.get(name).await.unwrap();
        volume.spec.unwrap().local.unwrap().path.into()
    }

    /// A value of a Secret.
    pub(crate) async fn secret(&self, name: &str, key: &str) -> String {
        let secret = self.get("secrets", name).await;
        let encoded = secret["data"][key].as_str().unwrap_or_default();
        String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap()
    }

    pub(crate) async fn password(&self) -> String {
        self.secret(&format!("{}-app", self.cluster), "password")
            .await
    }

    /// Runs SQL through the pooler with the password that the Secret has now.
    pub(crate) async fn sql(&self, sql: &str) -> Result<String> {
        self.sql_as(&self.password().await, sql).await
    }

    /// Runs SQL through the pooler, whose name is verified.
    pub(crate) async fn sql_as(&self, password: &str, sql: &str) -> Result<String> {
        let authority = self.secret(&format!("{}-ca", self.cluster), "ca.crt").await;
        self.sql_with(&authority, password, sql).await
    }

    /// As [`Self::sql_as`], trusting this authority and no other.
    pub(crate) async fn sql_with(
        &self,
        authority: &str,
        password: &str,
        sql: &str,
    ) -> Result<String> {
        let service = self.get("services", &self.pooler()).await;
        let address = &service["status"]["loadBalancer"]["ingress"][0]["ip"];
        let address = address
            .as_str()
            .context("the pooler's Service has no address")?;
        let ca = tempfile::NamedTempFile::new()?;
        std::fs::write(&ca, authority)?;
        let (pooler, namespace) = (self.pooler(), &self.namespace);
        let parameters = format!(
            "host={pooler}.{namespace}.svc.cluster.local hostaddr={address} port=5432 user=app dbname=app sslmode=verify-full sslrootcert={} connect_timeout=10",
            ca.path().display(),
        );
        let mut psql = tokio::process::Command::new("psql");
        psql.args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
            &parameters,
        ]);
        psql.env("PGPASSWORD", password)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(HANGS, psql.output()).await;
        let output = output.context("psql hangs, and was killed")??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql: {}", said.trim());
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Makes [`BUSY`] what keeps a client busy for as long as the file is there: how long a machine
    /// takes for what is to happen meanwhile, nobody knows.
    pub(crate) async fn keep_busy(&self, instance: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Only a superuser may look at files.
        let function = format!(
            "CREATE FUNCTION busy() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
               WHILE (pg_stat_file('{}', true)).size IS NOT NULL LOOP
                 PERFORM pg_sleep(0.05);
               END LOOP;
               RETURN 'done';
             END $$",
            file.path().display()
        );
        let made = self.inside(instance, "app", &function).await;
        assert!(made.is_some(), "the function is made");
        file
    }

    /// Returns once a client is busy.
    pub(crate) async fn until_busy(&self, instance: &str) {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE query = '{BUSY}'");
        let busy = wait_for("a client is busy", LIMIT, async || {
            let count = self.superuser(instance, &sql).await;
            Ok(count.is_some_and(|count| count == "1").then_some(()))
        });
        busy.await.unwrap();
    }

    /// What SQL returns inside of an instance, where one runs, also in a Job.
    pub(crate) async fn superuser(&self, instance: &str, sql: &str) -> Option<String> {
        self.inside(instance, "postgres", sql).await
    }

    async fn inside(&self, instance: &str, database: &str, sql: &str) -> Option<String> {
        let claim = self.get("persistentvolumeclaims", instance).await;
        claim["spec"]["volumeName"].as_str()?;
        let file = self.volume(instance).await.join("pgdata/postmaster.pid");
        let lines = std::fs::read_to_string(file).ok()?;
        // The fifth line is the folder of its socket.
        let folder = lines.lines().nth(4)?;
        let mut psql = tokio::process::Command::new("psql");
        psql.args(["-XqAt", "-h", folder, "-U", "postgres", "-d", database]);
        psql.args(["-c", sql]);
        let output = psql.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(said)
    }

    /// Runs SQL until it succeeds.
    pub(crate) async fn sql_soon(&self, sql: &str) -> String {
        let answer = wait_for(sql, LIMIT, async || self.sql(sql).await.map(Some)).await;
        answer.unwrap_or_else(|error| panic!("{error:#}"))
    }
}

/// Status and reason of a condition.
pub(crate) fn condition<'a>(status: &'a Value, type_: &str) -> (&'a str, &'a str) {
    let conditions = status["conditions"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == type_);
    let text = |field: &str| {
        found
            .and_then(|condition| condition[field].as_str())
            .unwrap_or_default()
    };
    (text("status"), text("reason"))
}
