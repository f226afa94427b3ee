//! What the API server answers when it does not do what it is asked.

mod cause;
mod denial;
#[cfg(test)]
mod every_kind;
mod forbidden;

use kube::core::Status;

use cause::root_cause;
pub(crate) use cause::{chain, explain};
use denial::{complaints, denial, unanswered};
use forbidden::{Impersonation, Place, user};

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
    /// Whom the caller impersonates.
    pub(crate) as_user: Option<String>,
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
    /// 403 for `--as` and its like.
    #[error("{who} may not impersonate {whom}")]
    NoImpersonation { who: String, whom: Impersonation },
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
            403 if status.message.contains("forbidden: User ") => {
                let who = user(&status.message).to_owned();
                match Impersonation::refused(&status.message, request.as_user.as_deref()) {
                    Some(whom) => Self::NoImpersonation { who, whom },
                    None => Self::Forbidden {
                        who,
                        what: what(),
                        place: Place::of(&status.message, &request.namespace),
                    },
                }
            }
            400 | 403 | 413 | 422 => Self::Denied {
                message: denial(status),
                complaints: complaints(status, request),
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
            // Not as what RBAC refuses: nothing at all is allowed then, and nothing less is done.
            ApiError::NoImpersonation { who, whom } => Failure::new(message).hint(format!(
                "leave {} out, or let an administrator allow {who} the verb impersonate on {}",
                whom.flag(),
                whom.object()
            )),
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
pub(super) mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    pub(super) fn request() -> Request {
        Request {
            what: "create clusters.postgresql.cnpg.io \"daap-orders\"".into(),
            server: "https://example.test:6443".into(),
            namespace: "apps".into(),
            as_user: None,
        }
    }

    #[rstest]
    #[case(json!({"code": 401, "reason": "Unauthorized", "message": "Unauthorized"}), "do", Class::Fatal)]
    #[case(json!({"code": 403, "reason": "Forbidden", "message": "clusters is forbidden: User \"ada\" cannot create"}), "ada may not create", Class::Forbidden)]
    #[case(json!({"code": 403, "reason": "Forbidden", "message": "users \"ada\" is forbidden: User \"bob\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"}), "bob may not impersonate user 'ada'", Class::Fatal)]
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
}
