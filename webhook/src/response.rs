//! The answer to a review.

use daap_crds::violation::Violation;
use serde_json::{Value, json};

use crate::decide::Verdict;
use crate::subject::Subject;

/// The whole AdmissionReview that answers the request with `uid`.
pub(crate) fn review(uid: &str, subject: &Subject, verdict: &Verdict) -> Value {
    let mut response = match verdict {
        Verdict::Allowed { .. } => json!({"uid": uid, "allowed": true}),
        Verdict::Denied(violations) => {
            json!({"uid": uid, "allowed": false, "status": denial(subject, violations)})
        }
        Verdict::Failed { code, message } => {
            json!({"uid": uid, "allowed": false, "status": failure(*code, message)})
        }
    };
    if let (Verdict::Allowed { patch, warnings }, Some(fields)) =
        (verdict, response.as_object_mut())
    {
        if let Some(patch) = patch {
            use base64::Engine as _;
            let encoded = base64::prelude::BASE64_STANDARD.encode(patch);
            fields.insert("patchType".into(), "JSONPatch".into());
            fields.insert("patch".into(), encoded.into());
        }
        if !warnings.is_empty() {
            fields.insert("warnings".into(), warnings.clone().into());
        }
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}

/// For a 422 kubectl prints only the causes, so that each stands alone; for a 403 only the
/// message, so that it says all.
fn denial(subject: &Subject, violations: &[Violation]) -> Value {
    let invalid = violations
        .iter()
        .all(|violation| violation.rule.is_invalid());
    let (code, reason) = if invalid {
        (422, "Invalid")
    } else {
        (403, "Forbidden")
    };
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let causes: Vec<Value> = violations
        .iter()
        .map(|violation| {
            json!({
                "field": violation.field,
                "reason": violation.rule.as_str(),
                "message": format!("{} [{}]; {}", violation.message, violation.rule, violation.hint),
            })
        })
        .collect();
    json!({
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": lines.join("\n"),
        "details": {"group": subject.group, "kind": subject.kind, "name": subject.name, "causes": causes},
    })
}

fn failure(code: u16, message: &str) -> Value {
    let reason = match code {
        403 => "Forbidden",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    json!({"status": "Failure", "code": code, "reason": reason, "message": message})
}
