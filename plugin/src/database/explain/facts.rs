//! What an explanation is made from: everything that was read, and nothing that is asked later.

use std::collections::BTreeMap;

use daap_crds::contract::{annotation, cnpg};
use daap_crds::names::DatabaseName;
use daap_crds::object::View;
use daap_crds::pending::Pending;
use jiff::Timestamp;
use serde_json::Value;

use super::Evidence;
use crate::database::Database;
use crate::database::events::{count, message, object, time};
use crate::database::pod;
use crate::database::tree::Seen;
use crate::output::quoted;

/// What a write that changes nothing met on its way through admission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Probe {
    /// Every webhook answered.
    Answered,
    /// CNPG's did not, and so its operator does not run.
    OperatorAway(String),
    /// Ours did not.
    WebhookAway(String),
    /// Another one did not, or the caller may not write.
    #[default]
    Unknown,
}

/// What was read of one database.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) name: DatabaseName,
    pub(crate) namespace: String,
    pub(crate) database: Database,
    pub(crate) pods: Seen<Vec<Value>>,
    pub(crate) volumes: Seen<Vec<Value>>,
    /// Warnings about the database's objects, the newest last.
    pub(crate) warnings: Seen<Vec<Value>>,
    /// The end of the logs of containers that failed, by the name of their pod.
    pub(crate) logs: BTreeMap<String, String>,
    /// The operator's Deployment, for callers who may see it.
    pub(crate) operator: Option<Value>,
    pub(crate) probe: Probe,
    pub(crate) now: Timestamp,
}

impl Facts {
    pub(super) fn cluster(&self) -> View<'_> {
        self.database.view()
    }

    pub(super) fn cluster_object(&self) -> String {
        format!("Cluster/{}", self.name.cluster())
    }

    pub(super) fn pending(&self) -> Option<Pending> {
        Pending::parse(self.cluster().annotation(annotation::PENDING)?)
    }

    /// The pods that are not on their way out and have not done what they were for.
    pub(super) fn pods(&self) -> impl Iterator<Item = View<'_>> {
        let pods = self.pods.iter().flatten().map(View);
        pods.filter(|pod| !pod.is_being_deleted() && !pod::has_succeeded(*pod))
    }

    /// Those that run `PostgreSQL`, or fill a volume for it.
    pub(super) fn instance_pods(&self) -> impl Iterator<Item = View<'_>> {
        self.pods().filter(|pod| pod::is_instance(*pod))
    }

    pub(super) fn pooler_pods(&self) -> impl Iterator<Item = View<'_>> {
        let pooler = self.name.pooler();
        self.pods()
            .filter(move |pod| pod.label(cnpg::POOLER_NAME) == Some(&pooler))
    }

    pub(super) fn claims(&self) -> impl Iterator<Item = View<'_>> {
        self.volumes.iter().flatten().map(View)
    }

    /// Warnings since the Cluster was made: an earlier database may have had the name.
    pub(super) fn warnings(&self) -> impl DoubleEndedIterator<Item = View<'_>> {
        let since = instant(self.cluster().text("/metadata/creationTimestamp"));
        let warnings = self.warnings.iter().flatten().map(View);
        warnings
            .filter(|event| event.text("/type") == Some("Warning"))
            .filter(move |event| instant(time(*event)).is_none_or(|at| Some(at) >= since))
    }

    /// The newest warning about an object that `is` about what is asked.
    pub(super) fn warning<'a>(
        &'a self,
        about: View<'_>,
        kind: &str,
        is: impl Fn(View<'_>) -> bool,
    ) -> Option<View<'a>> {
        self.warnings().rev().find(|event| {
            event.text("/involvedObject/kind") == Some(kind)
                && event.text("/involvedObject/name") == Some(about.name())
                // Of this object, and not of an earlier one of its name.
                && event
                    .text("/involvedObject/uid")
                    .is_none_or(|uid| uid == about.uid())
                && is(*event)
        })
    }

    /// Whether it has ever served: what never has holds nothing.
    pub(super) fn has_run(&self) -> bool {
        let ready = |claim: View<'_>| claim.annotation(cnpg::PVC_STATUS) == Some("ready");
        self.cluster().text("/status/currentPrimary").is_some() || self.claims().any(ready)
    }

    /// Seconds since then.
    pub(super) fn seconds_since(&self, since: Option<&str>) -> Option<i64> {
        Some(self.now.duration_since(instant(since)?).as_secs())
    }

    /// `kubectl daap {verb} {name} {flags} -n {namespace}`
    pub(super) fn daap(&self, verb: &str, flags: &str) -> String {
        let words = format!("kubectl daap {verb} {} {flags}", self.name);
        self.here(words.trim_end())
    }

    /// The command, in our namespace.
    pub(super) fn here(&self, command: &str) -> String {
        format!("{command} -n {}", self.namespace)
    }

    /// What writes a merge patch to the Cluster.
    pub(super) fn patch_cluster(&self, patch: &str) -> String {
        self.here(&format!(
            "kubectl patch clusters.{} {} --type merge -p {}",
            cnpg::GROUP,
            self.name.cluster(),
            quoted(patch)
        ))
    }

    /// What sets or removes (`key-`) an annotation of the Cluster.
    pub(super) fn annotate_cluster(&self, annotation: &str) -> String {
        self.here(&format!(
            "kubectl annotate clusters.{} {} {annotation} --overwrite",
            cnpg::GROUP,
            self.name.cluster()
        ))
    }

    /// The creation, as the record says it, to be typed again.
    pub(super) fn create_again(&self, flags: &str) -> String {
        let cluster = self.cluster();
        let purpose = cluster.annotation(annotation::PURPOSE).unwrap_or_default();
        let words = format!(
            "--owner-team {} --purpose {} {flags}",
            self.database.team(),
            quoted(purpose)
        );
        self.daap("create", words.trim_end())
    }

    /// What leads from a database that has never run to one that has: there is nothing to lose, and
    /// CNPG makes the Job that fills its volume only once.
    pub(super) fn begin_anew(&self, flags: &str) -> [String; 2] {
        [
            self.daap("delete", "--force --purge"),
            self.create_again(flags),
        ]
    }

    /// What an event says.
    pub(super) fn quote_event(event: View<'_>) -> Evidence {
        let place = format!("event {}", event.text("/reason").unwrap_or_default());
        Evidence {
            last_seen: time(event).map(str::to_owned),
            count: Some(count(event)).filter(|count| *count > 1),
            ..Evidence::new(object(event), place, message(event))
        }
    }
}

pub(super) fn instant(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

/// As in `Pod/daap-orders-1`.
pub(super) fn pod_object(pod: View<'_>) -> String {
    format!("Pod/{}", pod.name())
}
