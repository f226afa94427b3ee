use serde_json::Value;

/// What a review is about, in the words of its request: for answers and logs, even where the
/// request cannot be decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) resource: String,
    pub(crate) operation: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) user: String,
}

impl Subject {
    pub(crate) fn of(review: &Value) -> Self {
        let text = |pointers: &[&str]| {
            let found = pointers
                .iter()
                .filter_map(|pointer| review.pointer(pointer).and_then(Value::as_str))
                .find(|text| !text.is_empty());
            found.unwrap_or_default().to_owned()
        };
        let (resource, sub) = (
            text(&["/request/resource/resource"]),
            text(&["/request/subResource"]),
        );
        Self {
            group: text(&["/request/kind/group"]),
            kind: text(&["/request/kind/kind"]),
            resource: if sub.is_empty() {
                resource
            } else {
                format!("{resource}/{sub}")
            },
            operation: text(&["/request/operation"]),
            namespace: text(&["/request/namespace"]),
            // deletecollection and generateName have no name in the request.
            name: text(&[
                "/request/name",
                "/request/object/metadata/name",
                "/request/oldObject/metadata/name",
                "/request/object/metadata/generateName",
            ]),
            user: text(&["/request/userInfo/username"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn takes_names_from_objects_where_the_request_has_none() {
        let name = |request: Value| Subject::of(&json!({ "request": request })).name;
        let meta = |key: &str, value: &str| json!({"metadata": {key: value}});
        assert_eq!(
            name(json!({"name": "", "oldObject": meta("name", "daap-a")})),
            "daap-a"
        );
        assert_eq!(
            name(json!({"object": meta("generateName", "daap-")})),
            "daap-"
        );
        assert_eq!(name(json!({"name": 7})), "");
    }

    #[test]
    fn names_the_subresource() {
        let review =
            json!({"request": {"resource": {"resource": "clusters"}, "subResource": "scale"}});
        assert_eq!(Subject::of(&review).resource, "clusters/scale");
        assert_eq!(Subject::of(&Value::Null), Subject::default());
    }
}
