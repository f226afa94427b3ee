//! One write of a sequence, and what the API server made of it.

use std::fmt;

use http::Method;
use serde_json::Value;

use daap_tests::ground::Caller;
use daap_tests::ground::Ground;
use daap_tests::ground::Kind;

/// How something is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Create,
    Update,
    JsonPatch,
    MergePatch,
    Apply,
    Delete,
    DeleteCollection,
    Scale,
    Status,
}

impl Verb {
    pub(crate) const ALL: [Self; 9] = [
        Self::Create,
        Self::Update,
        Self::JsonPatch,
        Self::MergePatch,
        Self::Apply,
        Self::Delete,
        Self::DeleteCollection,
        Self::Scale,
        Self::Status,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::JsonPatch => "json patch",
            Self::MergePatch => "merge patch",
            Self::Apply => "apply",
            Self::Delete => "delete",
            Self::DeleteCollection => "delete collection",
            Self::Scale => "scale",
            Self::Status => "status",
        }
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) caller: Caller,
    pub(crate) verb: Verb,
    pub(crate) kind: Kind,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: &'static str,
    pub(crate) body: Value,
}

impl fmt::Display for Write {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, path) = (self.verb.word(), &self.path);
        write!(
            formatter,
            "{}: {verb} {path} {}",
            self.caller.user, self.body
        )
    }
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Done,
    /// By the webhook or one of the policies.
    Denied,
    /// By the schema, before admission or instead of it.
    Invalid,
    /// Nothing is there, or something is already, or it has changed meanwhile.
    Elsewhere,
    Other,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [
        Self::Done,
        Self::Denied,
        Self::Invalid,
        Self::Elsewhere,
        Self::Other,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::Elsewhere => "not there",
            Self::Other => "other",
        }
    }

    fn of(status: u16, answer: &Value) -> Self {
        let said = answer["message"].as_str().unwrap_or_default();
        match status {
            200..300 => Self::Done,
            _ if said.contains("admission.daap.dev")
                || said.contains("ValidatingAdmissionPolicy") =>
            {
                Self::Denied
            }
            400 | 415 | 422 => Self::Invalid,
            // What a server-side apply says of what is not in the schema.
            500 if said.contains("failed to create typed patch object")
                || said.contains("failed to convert new object") =>
            {
                Self::Invalid
            }
            404 | 405 | 409 => Self::Elsewhere,
            _ => Self::Other,
        }
    }
}

impl Write {
    /// Sends it; the outcome, and what was said where that is none that is expected.
    pub(crate) async fn send(&self, ground: &Ground) -> (Outcome, Option<String>) {
        let body = (!self.body.is_null()).then_some(&self.body);
        let (status, answer) = self
            .caller
            .send(
                &ground.client,
                self.method.clone(),
                &self.path,
                self.content_type,
                body,
            )
            .await;
        let outcome = Outcome::of(status, &answer);
        let said = answer["message"].as_str().unwrap_or_default();
        // An answer of ours that is none of a rule is a fault of ours.
        let fault = said.contains("failed calling webhook")
            || said.contains("report this with the uid")
            || said.contains("no decision in time");
        let odd = outcome == Outcome::Other || fault;
        (outcome, odd.then(|| format!("{status} {said}")))
    }
}
