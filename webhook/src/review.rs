//! An AdmissionReview request, read from raw JSON so that no field of an object is lost.

use std::collections::BTreeMap;

use daap_crds::admission::{Caller, Operation, Resource, Write};
use daap_crds::object::View;
use daap_crds::trimmed::{Fields, Kept, Trimmed};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed as _, Deserializer};
use serde_json::Value;

use crate::by_name::by_name;
use crate::subject::Subject;

/// What no rule looks at, and no write of ours changes: half of what a review is made of.
const JUDGED: Fields = &[
    ("metadata", Kept::But(&["managedFields"])),
    ("status", Kept::Nothing),
];

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
    /// Metadata that no API server stores: rules would read it as if it were not there.
    #[error("{field} is no map of strings")]
    NoMapOfStrings {
        /// Where it stands in the request.
        field: String,
    },
    /// What is created has not been there, and what is deleted does not become anything.
    #[error("{operation} has no {field}")]
    OutOfPlace {
        /// The operation.
        operation: String,
        /// What no API server sends with it.
        field: &'static str,
    },
}

/// A review, as far as it could be read.
pub(crate) struct Review {
    /// Echoed whatever else is wrong.
    pub(crate) uid: String,
    /// What it is about, in the words of the request.
    pub(crate) subject: Subject,
    /// What is to be decided.
    pub(crate) write: Result<Write, ReviewError>,
}

impl Review {
    /// Reads a body.
    ///
    /// # Errors
    /// Why it is no review.
    pub(crate) fn read(body: &[u8], at: Timestamp) -> Result<Self, String> {
        // What is passed over is not looked at by the parser: here it is seen to be text.
        let body = str::from_utf8(body).map_err(|error| format!("the body is no JSON: {error}"))?;
        // What is not as expected is read again, field by field, to say what is wrong.
        if let Ok(Envelope { request }) = Envelope::read(body)
            && !request.uid.is_empty()
        {
            return Ok(Self {
                uid: request.uid.clone(),
                subject: request.subject(),
                write: request.write(at),
            });
        }
        let review: Value =
            serde_json::from_str(body).map_err(|error| format!("the body is no JSON: {error}"))?;
        Ok(Self {
            uid: uid(&review).map_err(|error| error.to_string())?,
            subject: Subject::of(&review),
            write: write(review, at),
        })
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(deserialize_with = "by_name")]
    request: Request,
}

impl Envelope {
    fn read(body: &str) -> serde_json::Result<Self> {
        let mut parser = serde_json::Deserializer::from_str(body);
        let envelope = by_name(&mut parser)?;
        parser.end()?;
        Ok(envelope)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    #[serde(default)]
    uid: String,
    #[serde(default, deserialize_with = "by_name")]
    kind: GroupVersionKind,
    #[serde(deserialize_with = "by_name")]
    resource: GroupVersionResource,
    #[serde(default)]
    sub_resource: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    operation: String,
    #[serde(deserialize_with = "by_name")]
    user_info: UserInfo,
    #[serde(default, deserialize_with = "judged")]
    object: Option<Value>,
    #[serde(default, deserialize_with = "judged")]
    old_object: Option<Value>,
}

fn judged<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    let object = Trimmed(JUDGED).deserialize(deserializer)?;
    Ok(Some(object).filter(|object| !object.is_null()))
}

#[derive(Default, Deserialize)]
struct GroupVersionKind {
    #[serde(default)]
    group: String,
    #[serde(default)]
    kind: String,
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
    request.write(at)
}

impl Request {
    /// The same as [`Subject::of`] says.
    fn subject(&self) -> Subject {
        let resource = &self.resource.resource;
        let sub = self.sub_resource.as_deref().filter(|sub| !sub.is_empty());
        let objects = [&self.object, &self.old_object].map(|object| object.as_ref().map(View));
        let [new, old] = objects;
        let names = [
            self.name.as_deref(),
            new.map(View::name),
            old.map(View::name),
            new.map(View::generate_name),
        ];
        let name = names.into_iter().flatten().find(|name| !name.is_empty());
        Subject {
            group: self.kind.group.clone(),
            kind: self.kind.kind.clone(),
            resource: sub.map_or_else(|| resource.clone(), |sub| format!("{resource}/{sub}")),
            operation: self.operation.clone(),
            namespace: self.namespace.clone().unwrap_or_default(),
            name: name.unwrap_or_default().to_owned(),
            user: self.user_info.username.clone(),
        }
    }

    fn write(self, at: Timestamp) -> Result<Write, ReviewError> {
        let request = self;
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
        for (place, object, never_at) in [
            ("object", &request.object, Operation::Delete),
            ("oldObject", &request.old_object, Operation::Create),
        ] {
            if object.is_some() && operation == never_at {
                return Err(ReviewError::OutOfPlace {
                    operation: request.operation,
                    field: place,
                });
            }
            if let Some(field) = object.as_ref().and_then(no_map_of_strings) {
                let field = format!("{place}.metadata.{field}");
                return Err(ReviewError::NoMapOfStrings { field });
            }
        }
        Ok(Write {
            resource,
            operation,
            namespace: request.namespace.unwrap_or_default(),
            request_name: request.name.unwrap_or_default(),
            object: request.object,
            old: request.old_object,
            caller: Caller {
                user: request.user_info.username,
                uid: request.user_info.uid,
                groups: request.user_info.groups,
                extra: request.user_info.extra,
            },
            at,
        })
    }
}

/// Which of an object's labels and annotations are something else than labels and annotations.
fn no_map_of_strings(object: &Value) -> Option<&'static str> {
    let metadata = object.get("metadata")?;
    ["labels", "annotations"]
        .into_iter()
        .find(|&field| match metadata.get(field) {
            None | Some(Value::Null) => false,
            Some(Value::Object(map)) => !map.values().all(Value::is_string),
            Some(_) => true,
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

    #[test]
    fn is_read_at_once_as_it_is_field_by_field() {
        let object = json!({"metadata": {"name": "daap-orders", "managedFields": [{"manager": "kubectl"}]},
            "spec": {"instances": 1}, "status": {"phase": "Cluster in healthy state"}});
        let judged = json!({"metadata": {"name": "daap-orders"}, "spec": {"instances": 1}});
        let mut review = json!({"request": {
            "uid": "705ab4f5", "kind": {"group": "postgresql.cnpg.io", "version": "v1", "kind": "Cluster"},
            "resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "clusters"},
            "name": "", "namespace": "apps", "operation": "UPDATE",
            "userInfo": {"username": "ann", "groups": ["payments"], "extra": {"scopes": ["a"]}},
            "object": object, "oldObject": object,
        }});
        let read =
            |review: &Value| Review::read(review.to_string().as_bytes(), Timestamp::UNIX_EPOCH);
        let Review {
            uid,
            subject,
            write,
        } = read(&review).ok().unwrap();
        assert_eq!(
            (uid.as_str(), &subject),
            ("705ab4f5", &Subject::of(&review))
        );
        assert_eq!(subject.name, "daap-orders");
        let (write, slow) = (
            write.unwrap(),
            super::write(review.clone(), Timestamp::UNIX_EPOCH).unwrap(),
        );
        assert_eq!(
            (&write.caller, &write.namespace),
            (&slow.caller, &slow.namespace)
        );
        assert_eq!(write.object, Some(judged.clone()));
        assert_eq!(
            (write.old, slow.object),
            (Some(judged.clone()), Some(judged))
        );

        // What cannot be decided is still answered.
        review["request"]["operation"] = json!(7);
        let odd = read(&review).ok().unwrap();
        assert_eq!(
            (odd.uid.as_str(), odd.subject.kind.as_str()),
            ("705ab4f5", "Cluster")
        );
        assert!(odd.write.is_err());
        review["request"]["uid"] = json!("");
        assert!(read(&review).err().unwrap().contains("request.uid"));
        for body in [
            &b"{"[..],
            br#"{"request": {"uid": "705ab4f5""#,
            b"{\"request\": {\"uid\": \"705ab4f5\", \"object\": {\"status\": \"\xff\"}}}",
        ] {
            let refused = Review::read(body, Timestamp::UNIX_EPOCH).err().unwrap();
            assert!(refused.contains("no JSON"), "{refused}");
        }
    }

    #[test]
    fn metadata_that_cannot_be_stored_is_refused() {
        for (field, given) in [
            ("labels", json!([])),
            ("annotations", json!(1.5)),
            ("annotations", json!({"daap.dev/id": 7})),
        ] {
            for (place, operation) in [("object", "CREATE"), ("oldObject", "DELETE")] {
                let review = json!({"request": {
                    "resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "clusters"},
                    "operation": operation, "userInfo": {"username": "ann"},
                    place: {"metadata": {field: given}},
                }});
                let refused = write(review, Timestamp::UNIX_EPOCH)
                    .unwrap_err()
                    .to_string();
                assert_eq!(
                    refused,
                    format!("{place}.metadata.{field} is no map of strings")
                );
            }
        }
    }

    #[test]
    fn what_is_created_was_not_there_before() {
        for (place, operation) in [("oldObject", "CREATE"), ("object", "DELETE")] {
            let review = json!({"request": {
                "resource": {"group": "postgresql.cnpg.io", "version": "v1", "resource": "clusters"},
                "operation": operation, "userInfo": {"username": "ann"}, place: {"metadata": {}},
            }});
            let refused = write(review, Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(refused.to_string(), format!("{operation} has no {place}"));
        }
    }

    #[test]
    fn a_list_is_no_request() {
        let by_place = json!(["705ab4f5", {"group": "", "kind": "Secret"}, {"group": "", "resource": "secrets"},
            null, "a", "apps", "DELETE", {"username": "ann"}]);
        for body in [json!({"request": by_place}), json!([{"uid": "705ab4f5"}])] {
            let body = body.to_string();
            let refused = Review::read(body.as_bytes(), Timestamp::UNIX_EPOCH)
                .err()
                .unwrap();
            assert!(refused.contains("request.uid"), "{refused}");
        }
    }
}
