//! What an explanation says: one cause, what shows it, what to do.

use serde::Serialize;

use crate::output::pasteable;

/// What keeps a database from being ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Cause {
    /// Nothing: it is ready.
    None,
    /// Its Cluster was removed behind our back.
    ClusterMissing,
    /// Admission or RBAC refused a write of an operation, or a pod.
    Denial,
    /// A quota of the namespace is used up.
    Quota,
    /// An image cannot be pulled.
    Image,
    /// A volume cannot be made, bound, mounted, grown, or is full.
    Volume,
    /// No node can take a pod.
    Scheduling,
    /// A Job that fills a volume has failed.
    Job,
    /// `PostgreSQL` does not come up, or not again.
    Instance,
    /// The pooler does not serve.
    Pooler,
    /// The app Secret is gone.
    Credentials,
    /// It was changed behind the back of admission.
    Drift,
    /// It was told to stop.
    Hibernation,
    /// Its instances were told to stop.
    Fencing,
    /// It is being deleted.
    Deletion,
    /// An operation was cut off.
    Unfinished,
    /// CNPG has given up.
    Operator,
    /// CNPG's operator does not work.
    OperatorAway,
    /// daap's webhook does not answer.
    WebhookAway,
    /// Nothing is known to be wrong: it takes its time.
    Progress,
    /// It was deleted.
    Deleted,
}

/// One thing that shows the cause, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evidence {
    /// As in `Pod/daap-orders-1`.
    pub(crate) object: String,
    /// Where of it, as in `container postgres` and `event FailedScheduling`.
    pub(crate) place: String,
    /// What it says there.
    pub(crate) quote: String,
    /// When it was seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_seen: Option<String>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<i64>,
}

impl Evidence {
    pub(super) fn new(
        object: impl Into<String>,
        place: impl Into<String>,
        quote: impl AsRef<str>,
    ) -> Self {
        Self {
            object: object.into(),
            place: place.into(),
            // Container runtimes and the operator break their lines.
            quote: quote
                .as_ref()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            last_seen: None,
            count: None,
        }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Remedy {
    /// In a sentence.
    pub(crate) text: String,
    /// What to type, in this order. `<…>` is for the reader to fill in.
    pub(crate) commands: Vec<String>,
}

impl Remedy {
    pub(super) fn new(text: impl Into<String>, commands: impl IntoIterator<Item = String>) -> Self {
        Self {
            text: text.into(),
            commands: { commands.into_iter() }
                .map(|command| pasteable(&command).into_owned())
                .collect(),
        }
    }
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    /// What it is.
    pub(crate) cause: Cause,
    /// In a sentence.
    pub(crate) verdict: String,
    /// What shows it.
    pub(crate) evidence: Vec<Evidence>,
    /// What to do.
    pub(crate) remedy: Remedy,
}
