//! The answer to a review.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use daap_crds::violation::Violation;
use serde::Serialize;

use crate::decide::Verdict;
use crate::subject::Subject;

/// The whole AdmissionReview that answers a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    /// In base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
}

#[derive(Debug, Serialize)]
struct Status<'a> {
    #[serde(rename = "status")]
    outcome: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details<'a>>,
}

#[derive(Debug, Serialize)]
struct Details<'a> {
    group: &'a str,
    kind: &'a str,
    name: &'a str,
    causes: Vec<Cause<'a>>,
}

#[derive(Debug, Serialize)]
struct Cause<'a> {
    field: &'a str,
    reason: &'static str,
    message: String,
}

/// Answers the request with `uid`.
pub(crate) fn review<'a>(uid: &'a str, subject: &'a Subject, verdict: &'a Verdict) -> Answer<'a> {
    let mut response = Response {
        uid,
        allowed: false,
        status: None,
        patch_type: None,
        patch: None,
        warnings: &[],
    };
    match verdict {
        Verdict::Allowed { patch, warnings } => {
            response.allowed = true;
            response.patch_type = patch.as_ref().map(|_| "JSONPatch");
            response.patch = patch.as_ref().map(|patch| BASE64_STANDARD.encode(patch));
            response.warnings = warnings;
        }
        Verdict::Denied(violations) => response.status = Some(denial(subject, violations)),
        Verdict::Failed { code, message } => response.status = Some(failure(*code, message)),
    }
    Answer {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response,
    }
}

/// For a 422 kubectl prints only the causes, so that each stands alone; for a 403 only the
/// message, so that it says all.
fn denial<'a>(subject: &'a Subject, violations: &'a [Violation]) -> Status<'a> {
    let invalid = violations
        .iter()
        .all(|violation| violation.rule.is_invalid());
    let (code, reason) = if invalid {
        (422, "Invalid")
    } else {
        (403, "Forbidden")
    };
    let causes = violations.iter().map(|violation| Cause {
        field: &violation.field,
        reason: violation.rule.as_str(),
        message: violation.sentence(),
    });
    let causes: Vec<Cause<'_>> = causes.collect();
    // As they are displayed: a field, and its sentence.
    let mut message = String::new();
    for (place, cause) in causes.iter().enumerate() {
        let line = [
            if place > 0 { "\n" } else { "" },
            cause.field,
            ": ",
            &cause.message,
        ];
        message.extend(line);
    }
    Status {
        outcome: "Failure",
        code,
        reason,
        message,
        details: Some(Details {
            group: &subject.group,
            kind: &subject.kind,
            name: &subject.name,
            causes,
        }),
    }
}

fn failure(code: u16, message: &str) -> Status<'static> {
    let reason = match code {
        403 => "Forbidden",
        503 => "ServiceUnavailable",
        _ => "InternalError",
    };
    Status {
        outcome: "Failure",
        code,
        reason,
        message: message.to_owned(),
        details: None,
    }
}
