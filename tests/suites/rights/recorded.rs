//! What commands really send, as the API server wrote it down: with the verbs and resources that it
//! asks RBAC about.

use std::collections::BTreeSet;

use daap_tests::sandbox::Sandbox;
use serde_json::Value;

/// A request, as `verb group/resource place`.
pub(crate) type Requests = BTreeSet<String>;

/// Kinds that everybody may create who is logged in: questions about oneself.
const QUESTIONS: [&str; 3] = [
    "selfsubjectreviews",
    "selfsubjectaccessreviews",
    "selfsubjectrulesreviews",
];

/// Everything that this user asked for so far. What is no resource, discovery is open to everybody.
pub(crate) fn of(sandbox: &Sandbox, user: &str, namespace: &str) -> Requests {
    let log = sandbox.log("audit");
    // The last line may be half written: by somebody else.
    let events = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    events
        .filter(|event: &Value| event["impersonatedUser"]["username"] == user)
        .filter_map(|event| request(&event, namespace))
        .collect()
}

fn request(event: &Value, namespace: &str) -> Option<String> {
    let of = &event["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = of["resource"].as_str()?;
    if QUESTIONS.contains(&resource) {
        return None;
    }
    let resource = match of["subresource"].as_str() {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource.to_owned(),
    };
    let place = match of["namespace"].as_str().unwrap_or_default() {
        "" => "cluster",
        "daap-system" => "system",
        other if other == namespace => "namespace",
        other => return Some(format!("a request in namespace {other}: {of}")),
    };
    Some(format!(
        "{} {}/{resource} {place}",
        text(&event["verb"]),
        text(&of["apiGroup"])
    ))
}

/// A right of the table in the same words.
pub(crate) fn shown(right: &kubectl_daap::NeededRight) -> String {
    let place = match right.place {
        kubectl_daap::NeededIn::Namespace => "namespace",
        kubectl_daap::NeededIn::System => "system",
        kubectl_daap::NeededIn::Cluster => "cluster",
    };
    format!("{} {}/{} {place}", right.verb, right.group, right.resource)
}
