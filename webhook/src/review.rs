//! An AdmissionReview request, read from raw JSON so that no field of an object is lost.

use std::collections::BTreeMap;

use daap_crds::admission::{Caller, Operation, Resource, Write};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// Why a body is no review that can be decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReviewError {
    /// Without a uid no answer reaches the API server.
    #[error("the body is no AdmissionReview with a request.uid")]
    NoReview,
    /// The request lacks what every request has.
    #[error("failed to read the request: {0}")]
    Unreadable(#[source] serde_json::Error),
    /// Something that no rule of the webhook configuration should send here.
    #[error(
        "{operation} of {resource} is not decided here: the webhook configuration and this webhook disagree"
    )]
    Unexpected {
        /// The operation.
        operation: String,
        /// Group and resource.
        resource: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    resource: GroupVersionResource,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    operation: String,
    user_info: UserInfo,
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    old_object: Option<Value>,
}

#[derive(Deserialize)]
struct GroupVersionResource {
    group: String,
    resource: String,
}

#[derive(Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, Vec<String>>,
}

/// The uid of a review: read first, and echoed whatever else is wrong.
pub(crate) fn uid(review: &Value) -> Result<String, ReviewError> {
    review
        .pointer("/request/uid")
        .and_then(Value::as_str)
        .filter(|uid| !uid.is_empty())
        .map(str::to_owned)
        .ok_or(ReviewError::NoReview)
}

/// The write that a review is about.
pub(crate) fn write(mut review: Value, at: Timestamp) -> Result<Write, ReviewError> {
    let request = review
        .pointer_mut("/request")
        .map(Value::take)
        .ok_or(ReviewError::NoReview)?;
    let request: Request = serde_json::from_value(request).map_err(ReviewError::Unreadable)?;
    let unexpected = || {
        let sub = request.sub_resource.as_deref().unwrap_or_default();
        ReviewError::Unexpected {
            operation: request.operation.clone(),
            resource: format!(
                "{}/{} {sub}",
                request.resource.group, request.resource.resource
            ),
        }
    };
    let sub_resource = { request.sub_resource.as_deref() }.filter(|sub| !sub.is_empty());
    let plural = &request.resource.resource;
    let named = sub_resource.map_or_else(|| plural.clone(), |sub| format!("{plural}/{sub}"));
    let resource = Resource::of(&request.resource.group, &named).ok_or_else(unexpected)?;
    let operation = match request.operation.as_str() {
        "CREATE" => Operation::Create,
        "UPDATE" => Operation::Update,
        "DELETE" => Operation::Delete,
        _ => return Err(unexpected()),
    };
    if !resource.operations().contains(&operation) {
        return Err(unexpected());
    }
    let present = |object: Option<Value>| object.filter(|object| !object.is_null());
    Ok(Write {
        resource,
        operation,
        namespace: request.namespace.unwrap_or_default(),
        request_name: request.name.unwrap_or_default(),
        object: present(request.object),
        old: present(request.old_object),
        caller: Caller {
            user: request.user_info.username,
            uid: request.user_info.uid,
            groups: request.user_info.groups,
            extra: request.user_info.extra,
        },
        at,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn review(group: &str, resource: &str, sub: &str, operation: &str) -> Result<Write, String> {
        let review = json!({"request": {
            "resource": {"group": group, "version": "v1", "resource": resource},
            "subResource": sub, "operation": operation, "userInfo": {"username": "ann"},
        }});
        write(review, Timestamp::UNIX_EPOCH).map_err(|error| error.to_string())
    }

    #[test]
    fn takes_what_is_decided_and_nothing_else() {
        for resource in Resource::ALL {
            let (plural, sub) =
                { resource.resource().split_once('/') }.unwrap_or((resource.resource(), ""));
            for (word, operation) in [
                ("CREATE", Operation::Create),
                ("UPDATE", Operation::Update),
                ("DELETE", Operation::Delete),
            ] {
                let read = review(resource.group(), plural, sub, word);
                let expected = resource.operations().contains(&operation);
                assert_eq!(read.is_ok(), expected, "{word} {resource:?}");
                if let Ok(write) = read {
                    assert_eq!((write.resource, write.operation), (resource, operation));
                }
            }
            assert!(review("example.com", plural, sub, "UPDATE").is_err());
            // Of a volume it is as good as the object.
            let status = review(resource.group(), plural, "status", "UPDATE");
            assert_eq!(status.is_ok(), resource == Resource::PersistentVolumeClaim);
            assert!(review(resource.group(), plural, sub, "CONNECT").is_err());
        }
    }
}
