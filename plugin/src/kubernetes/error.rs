//! What the API server answers when it does not do what it is asked.

#[cfg(test)]
mod every_kind;

use std::fmt;

use kube::core::Status;
use kube::core::response::StatusCause;

use crate::failure::{Away, Class, Complaint, Failure};

/// What was asked, for the message.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// As in `create clusters.postgresql.cnpg.io "daap-orders"`.
    pub(crate) what: String,
    /// Address of the API server.
    pub(crate) server: String,
    /// Namespace of the request, empty for all.
    pub(crate) namespace: String,
}

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// No connection, or it broke.
    #[error("cannot reach the API server {server}: {cause}")]
    Unreachable { server: String, cause: String },
    /// No answer in time.
    #[error("the API server {server} did not answer within {seconds} s (failed to {what})")]
    Timeout {
        server: String,
        what: String,
        seconds: u64,
    },
    /// 401
    #[error("the API server {0} does not accept the credentials: they are wrong or have expired")]
    Unauthorized(String),
    /// The group is not served.
    #[error("this cluster has no CloudNativePG: {0} serves no postgresql.cnpg.io/v1")]
    NoCnpg(String),
    /// 404 for the namespace.
    #[error("namespace '{0}' does not exist")]
    NoNamespace(String),
    /// 403 by RBAC.
    #[error("{who} may not {what}{place}")]
    Forbidden {
        who: String,
        what: String,
        place: Place,
    },
    /// Admission said no, or the API server's own validation.
    #[error("{message}")]
    Denied {
        message: String,
        complaints: Vec<Complaint>,
    },
    /// 409 because the object changed meanwhile.
    #[error("failed to {0}: it was changed by somebody else meanwhile")]
    Conflict(String),
    /// 409 because the object exists.
    #[error("failed to {0}: it exists already")]
    AlreadyExists(String),
    /// 410: the list's continuation is too old.
    #[error("the rest of the list is no longer available: too much has changed since it was begun")]
    Expired,
    /// 429, 5xx: may pass.
    #[error("failed to {what}: {message}")]
    Unavailable {
        what: String,
        message: String,
        away: Option<Away>,
    },
    /// Anything else.
    #[error("failed to {what}: {message}")]
    Other { what: String, message: String },
    /// 404 for the object.
    #[error("failed to {0}: it does not exist")]
    NotFound(String),
}

impl ApiError {
    /// Says what an error of kube's client means for `request`.
    pub(crate) fn from_kube(error: &kube::Error, request: &Request) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(status, request),
            kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => {
                Self::Unreachable {
                    server: request.server.clone(),
                    cause: root_cause(error),
                }
            }
            kube::Error::Auth(_) => Self::Other {
                what: "get credentials".into(),
                message: chain(error),
            },
            other => Self::Other {
                what: request.what.clone(),
                message: chain(other),
            },
        }
    }

    fn from_status(status: &Status, request: &Request) -> Self {
        let what = || request.what.clone();
        let message = || status.message.trim().to_owned();
        match status.code {
            401 => Self::Unauthorized(request.server.clone()),
            403 if status.message.contains(" is forbidden: User ") => Self::Forbidden {
                who: user(&status.message).to_owned(),
                what: what(),
                place: Place::of(&status.message, &request.namespace),
            },
            400 | 403 | 413 | 422 => Self::Denied {
                message: denial(status),
                complaints: complaints(status),
            },
            404 => Self::not_found(status, request),
            409 if status.is_already_exists() => Self::AlreadyExists(what()),
            409 => Self::Conflict(what()),
            410 => Self::Expired,
            429 | 500 | 502 | 503 | 504 => {
                let (away, text) = unanswered(&status.message).unzip();
                Self::Unavailable {
                    what: what(),
                    message: text.unwrap_or_else(message),
                    away: away.flatten(),
                }
            }
            _ => Self::Other {
                what: what(),
                message: message(),
            },
        }
    }

    fn not_found(status: &Status, request: &Request) -> Self {
        let kind = status.details.as_ref().map(|details| details.kind.as_str());
        match kind {
            Some("namespaces") => Self::NoNamespace(request.namespace.clone()),
            Some(kind) if !kind.is_empty() => Self::NotFound(request.what.clone()),
            // A group that is not served is answered in plain text, without details.
            _ if request.what.contains("postgresql.cnpg.io") => {
                Self::NoCnpg(request.server.clone())
            }
            _ => Self::NotFound(request.what.clone()),
        }
    }
}

/// The user that RBAC's message names.
fn user(message: &str) -> &str {
    message
        .split_once("User \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("the user of this context", |(user, _)| user)
}

/// Where somebody may not do something.
#[derive(Debug)]
pub(crate) enum Place {
    /// One namespace.
    Namespace(String),
    /// All of them at once.
    AllNamespaces,
    /// The kind lies in none.
    Cluster,
}

impl Place {
    fn of(message: &str, namespace: &str) -> Self {
        // As RBAC says it of a kind without namespaces, and of all namespaces.
        let whole_cluster = message.contains(" at the cluster scope");
        match namespace {
            "" => Self::AllNamespaces,
            _ if whole_cluster => Self::Cluster,
            namespace => Self::Namespace(namespace.to_owned()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => write!(formatter, " in namespace {namespace}"),
            Self::AllNamespaces => formatter.write_str(" in all namespaces"),
            Self::Cluster => Ok(()),
        }
    }
}

/// What a policy's refusal is told from its reason by.
const POLICY_DENIED: &str = " denied request: ";

/// The denial without the words that the API server puts before it.
fn denial(status: &Status) -> String {
    let message = status.message.trim();
    let by_webhook = message
        .split_once("admission webhook \"")
        .and_then(|(_, rest)| rest.split_once("\" denied the request: "));
    let by_policy = message
        .split_once("ValidatingAdmissionPolicy '")
        .and_then(|(_, rest)| {
            let (policy, _) = rest.split_once('\'')?;
            Some((policy, rest.split_once(POLICY_DENIED)?.1))
        });
    match by_webhook.or(by_policy) {
        Some((who, reason)) => format!("refused by {who}: {reason}"),
        None => message.to_owned(),
    }
}

/// What the API server says of a webhook that it could not ask, with whose it is: for CNPG's, every
/// write of a database fails while its operator is away.
fn unanswered(message: &str) -> Option<(Option<Away>, String)> {
    let (_, rest) = message.split_once("failed calling webhook \"")?;
    let (webhook, cause) = rest.split_once("\": ")?;
    // Before the cause stands the address that only the API server can reach.
    let cause = cause.split_once("\": ").map_or(cause, |(_, cause)| cause);
    let (away, whose) = if webhook.ends_with(".cnpg.io") {
        (
            Some(Away::Operator),
            "CloudNativePG's operator does not answer: ",
        )
    } else if webhook.ends_with(".daap.dev") {
        (Some(Away::Webhook), "daap's webhook does not answer: ")
    } else {
        (None, "")
    };
    let text = format!(
        "{whose}failed calling webhook \"{webhook}\": {}",
        cause.trim()
    );
    Some((away, text))
}

fn complaints(status: &Status) -> Vec<Complaint> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.filter_map(complaint).collect()
}

/// A policy cannot name the field that it complains of: ours begin their message with it.
fn complaint(cause: &StatusCause) -> Option<Complaint> {
    if !cause.field.is_empty() {
        return Some(Complaint::of_cause(&cause.field, &cause.message));
    }
    let (_, reason) = cause.message.split_once(POLICY_DENIED)?;
    let (field, text) = reason.split_once(": ")?;
    let is_field = field.starts_with("metadata.") || field.starts_with("spec.");
    is_field.then(|| Complaint::of_cause(field, text))
}

/// What an error of kube's client says, without the debugging output that it puts behind it.
pub(crate) fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.trim().to_owned(),
        other => chain(other),
    }
}

/// An error with everything that caused it, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}

/// The innermost cause: `Connection refused (os error 111)` rather than `client error (Connect)`.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.to_string() {
        // What tokio says of a connection that nobody accepted in time.
        text if text == "deadline has elapsed" => "no connection in time".to_owned(),
        // rustls explains itself with a link to its manual.
        text if text.contains("close_notify") => "the connection was closed".to_owned(),
        text => text,
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let message = error.to_string();
        match error {
            ApiError::Unreachable { .. } => Failure::new(message).transient().hint(
                "check the server of your context (`kubectl config view --minify`), your network and VPN",
            ),
            ApiError::Timeout { .. } => Failure::new(message)
                .transient()
                .hint("try again, or allow more with --request-timeout"),
            ApiError::Unauthorized(_) => Failure::new(message)
                .hint("log in to the cluster again, or choose other credentials with --context or --user"),
            ApiError::NoCnpg(_) => Failure::new(message).class(Class::NotServed).hint(
                "choose another cluster with --context, or ask your platform team to install CloudNativePG",
            ),
            ApiError::NoNamespace(namespace) => Failure::new(message).class(Class::Hard).hint(format!(
                "choose another with -n, or create it: kubectl create namespace {namespace}"
            )),
            ApiError::Forbidden { place, .. } => Failure::new(message)
                .class(Class::Forbidden)
                .hint(match place {
                    Place::AllNamespaces => "ask your platform team for it, or leave -A out and name a namespace with -n".to_owned(),
                    Place::Cluster => "ask your platform team for it".to_owned(),
                    Place::Namespace(namespace) => format!("ask your platform team for the ClusterRole daap-user in namespace {namespace}"),
                }),
            ApiError::Denied { message, complaints } => Failure::denied(message, complaints),
            ApiError::Conflict(_) => Failure::new(message).class(Class::Conflict).hint("run the command again"),
            ApiError::AlreadyExists(_) => Failure::new(message).class(Class::Exists),
            ApiError::NotFound(_) => Failure::new(message).class(Class::NotFound),
            ApiError::Expired => Failure::new(message).hint("list again from the start"),
            ApiError::Unavailable { away, .. } => Failure::new(message)
                .transient()
                .without(away)
                .hint("try again"),
            ApiError::Other { .. } => Failure::new(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn request() -> Request {
        Request {
            what: "create clusters.postgresql.cnpg.io \"daap-orders\"".into(),
            server: "https://example.test:6443".into(),
            namespace: "apps".into(),
        }
    }

    #[rstest]
    #[case(json!({"code": 401, "reason": "Unauthorized", "message": "Unauthorized"}), "do", Class::Fatal)]
    #[case(json!({"code": 403, "reason": "Forbidden", "message": "clusters is forbidden: User \"ada\" cannot create"}), "ada may not create", Class::Forbidden)]
    #[case(json!({"code": 403, "reason": "Forbidden", "message": "exceeded quota: small"}), "exceeded quota", Class::Hard)]
    #[case(json!({"code": 404, "reason": "Failed to parse error data", "message": "404 page not found"}), "no CloudNativePG", Class::NotServed)]
    #[case(json!({"code": 404, "reason": "NotFound", "details": {"kind": "namespaces", "name": "apps"}}), "namespace 'apps' does not exist", Class::Hard)]
    #[case(json!({"code": 404, "reason": "NotFound", "details": {"kind": "clusters", "name": "x"}}), "does not exist", Class::NotFound)]
    #[case(json!({"code": 409, "reason": "AlreadyExists"}), "exists already", Class::Exists)]
    #[case(json!({"code": 409, "reason": "Conflict"}), "changed by somebody else", Class::Conflict)]
    #[case(json!({"code": 500, "reason": "InternalError", "message": "failed calling webhook"}), "failed calling webhook", Class::Transient)]
    fn each_answer_has_its_message(
        #[case] status: serde_json::Value,
        #[case] message: &str,
        #[case] class: Class,
    ) {
        let status: Status = serde_json::from_value(status).unwrap();
        let failure = Failure::from(ApiError::from_status(&status, &request()));
        assert!(failure.to_string().contains(message), "{failure}");
        assert_eq!(failure.classification(), class);
    }

    #[rstest]
    #[case(
        r#"Internal error occurred: failed calling webhook "mcluster.cnpg.io": failed to call webhook: Post "https://cnpg-webhook-service.cnpg-system.svc:443/mutate-postgresql-cnpg-io-v1-cluster?timeout=10s": dial tcp 10.96.178.153:443: connect: connection refused"#,
        r#"CloudNativePG's operator does not answer: failed calling webhook "mcluster.cnpg.io": dial tcp 10.96.178.153:443: connect: connection refused"#
    )]
    #[case(
        r#"Internal error occurred: failed calling webhook "validate.admission.daap.dev": expected webhook response of admission.k8s.io/v1, got /, Kind="#,
        r#"daap's webhook does not answer: failed calling webhook "validate.admission.daap.dev": expected webhook response of admission.k8s.io/v1, got /, Kind="#
    )]
    #[case(
        r#"failed calling webhook "x.example": no endpoints available for service "x""#,
        r#"failed calling webhook "x.example": no endpoints available for service "x""#
    )]
    fn a_webhook_that_is_away_is_somebodys(#[case] message: &str, #[case] expected: &str) {
        let status = json!({"code": 500, "reason": "InternalError", "message": message});
        let status: Status = serde_json::from_value(status).unwrap();
        let failure = Failure::from(ApiError::from_status(&status, &request()));
        assert_eq!(
            failure.to_string(),
            format!("failed to create clusters.postgresql.cnpg.io \"daap-orders\": {expected}")
        );
        assert_eq!(failure.classification(), Class::Transient);
    }

    #[test]
    fn a_denial_keeps_every_cause() {
        let status: Status = serde_json::from_value(json!({
            "code": 422, "reason": "Invalid",
            "message": "admission webhook \"validate.admission.daap.dev\" denied the request: two things",
            "details": {"causes": [
                {"field": "spec.storage.size", "message": "spec.storage.size: 2Ti is above 1Ti [limits]; ask for less"},
                {"field": "metadata.labels[daap.dev/owner-team]", "message": "no such team"}
            ]}
        }))
        .unwrap();
        let failure = Failure::from(ApiError::from_status(&status, &request()));
        insta::assert_snapshot!(failure.render(), @r"
        error: refused by validate.admission.daap.dev: two things
          --storage: 2Ti is above 1Ti [limits]; ask for less
          --owner-team: no such team
        ");
    }

    #[test]
    fn a_policy_is_read_like_the_webhook() {
        let denied = |reason: &str| {
            let by = "ValidatingAdmissionPolicy 'daap-ownership' with binding 'daap-ownership' denied request";
            let status: Status = serde_json::from_value(json!({
                "code": 403, "reason": "Forbidden",
                "message": format!("clusters.postgresql.cnpg.io \"daap-orders\" is forbidden: {by}: {reason}"),
                "details": {"causes": [{"message": format!("{by}: {reason}")}]}
            }))
            .unwrap();
            Failure::from(ApiError::from_status(&status, &request()))
                .context("database/orders not changed")
                .render()
        };
        insta::assert_snapshot!(
            denied("metadata.labels[daap.dev/owner-team]: team 'billing' owns it [ownership]; ask team 'billing'"),
            @r"
        error: database/orders not changed
          --owner-team: team 'billing' owns it [ownership]; ask team 'billing'
        "
        );
        insta::assert_snapshot!(
            denied("no databases today"),
            @"error: database/orders not changed: refused by daap-ownership: no databases today"
        );
    }
}
