//! The steps of a database's life, as a person types them.

use serde_json::Value;

use crate::{
    ground::{confirm_version, field},
    place::{Place, run},
};

/// The database of every scenario.
pub(crate) const NAME: &str = "orders";
/// Its Cluster.
pub(crate) const CLUSTER: &str = "daap-orders";
impl Place {
    /// Creates the database and waits until it is ready.
    pub(crate) fn create(&self, more: &[&str]) -> Value {
        let words = creation();
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        let said = self.lasting(&words);
        assert_eq!(
            said.lines().next(),
            Some("database/orders created"),
            "{said}"
        );
        let database = self.json(&["get", NAME]);
        assert_eq!(database["status"]["state"], "ready", "{database:#}");
        // Nobody may read the operator's Deployment everywhere; what it makes says its version.
        let pod = self.object(&format!("pod/{}", self.primary()));
        confirm_version(&field(
            &pod,
            "/metadata/annotations/cnpg.io~1operatorVersion",
        ));
        database
    }

    /// Waits until the database is ready with so many instances.
    pub(crate) fn ready_with(&self, instances: u64) -> Value {
        self.eventually(&format!("ready with {instances} instances"), || {
            let database = self.quiet_json();
            let is_ready = database["status"]["state"] == "ready"
                && database["status"]["reason"].is_null()
                && database["status"]["readyInstances"] == instances;
            is_ready.then_some(database)
        })
    }

    fn quiet_json(&self) -> Value {
        let mut command = self.ground.plugin();
        let output = run(command.args(["get", NAME, "-o", "json", "-n", &self.namespace]));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// The instance that is the primary now.
    pub(crate) fn primary(&self) -> String {
        let cluster = self.object(&format!("clusters.postgresql.cnpg.io/{CLUSTER}"));
        field(&cluster, "/status/currentPrimary")
    }

    /// Runs SQL through the pooler; what it returns.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let words = [
            "connect",
            NAME,
            "--",
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
        ];
        self.done(&words).trim().to_owned()
    }

    /// Runs SQL until it returns this: a pooler needs a moment to follow its primary.
    pub(crate) fn sql_becomes(&self, statement: &str, wanted: &str) {
        let words = [
            "connect",
            NAME,
            "-n",
            &self.namespace,
            "--",
            "-XqAt",
            "-c",
            statement,
        ];
        self.eventually(&format!("{statement} says {wanted}"), || {
            let output = run(self.ground.plugin().args(words));
            let said = String::from_utf8_lossy(&output.stdout);
            (output.status.success() && said.trim() == wanted).then_some(())
        });
    }

    pub(crate) fn password(&self) -> String {
        let words = ["credentials", NAME, "--show-password"];
        field(&self.json(&words), "/password")
    }

    /// Deletes the database, whose data is kept.
    pub(crate) fn delete(&self) {
        let said = self.lasting(&["delete", NAME, "--yes"]);
        assert!(said.contains("database/orders deleted"), "{said}");
    }

    /// Brings the database back.
    pub(crate) fn restore(&self, more: &[&str]) -> Value {
        let said = self.lasting(&[&["restore", NAME], more].concat());
        assert_eq!(
            said.lines().next(),
            Some("database/orders restored"),
            "{said}"
        );
        let database = self.json(&["get", NAME]);
        assert_eq!(database["status"]["state"], "ready", "{database:#}");
        database
    }

    /// The deleted database of this id, as the list of deleted ones has it.
    pub(crate) fn deleted(&self, id: &Value) -> Value {
        let list = self.json(&["list", "--deleted"]);
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let mut found = items.into_iter().filter(|item| item["record"]["id"] == *id);
        let database = found.next().expect("it is in the list of deleted ones");
        assert!(found.next().is_none(), "there is one record: {list:#}");
        database
    }
}

/// The words of a creation, which the same words finish.
pub(crate) fn creation() -> Vec<String> {
    let storage = std::env::var("DAAP_E2E_STORAGE")
        .ok()
        .filter(|size| !size.is_empty());
    let storage = storage.unwrap_or_else(|| "1Gi".to_owned());
    let words = daap_tests::place::creation(NAME).map(str::to_owned);
    words
        .into_iter()
        .chain(["--storage".to_owned(), storage])
        .collect()
}
