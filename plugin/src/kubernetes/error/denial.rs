//! What admission answers: a denial, or nothing at all.

use kube::core::Status;
use kube::core::response::StatusCause;

use super::Request;
use crate::failure::{Away, Complaint};
use crate::kubernetes::Kind;

/// What a policy's refusal is told from its reason by.
const POLICY_DENIED: &str = " denied request: ";

/// The denial without the words that the API server puts before it.
pub(super) fn denial(status: &Status) -> String {
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
pub(super) fn unanswered(message: &str) -> Option<(Option<Away>, String)> {
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

pub(super) fn complaints(status: &Status, request: &Request) -> Vec<Complaint> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let complaints = causes.filter_map(complaint);
    if request.what.contains(&Kind::Pooler.to_string()) {
        return complaints.map(Complaint::of_pooler).collect();
    }
    complaints.collect()
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

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::super::ApiError;
    use super::super::tests::request;
    use super::*;
    use crate::failure::{Class, Failure};

    #[rstest]
    #[case(
        r#"Internal error occurred: failed calling webhook "mcluster.cnpg.io": failed to call webhook: Post "https://cnpg-webhook-service.cnpg-system.svc:443/mutate-postgresql-cnpg-io-v1-cluster?timeout=10s": dial tcp 10.96.178.153:443: connect: connection refused"#,
        r#"CloudNativePG's operator does not answer: failed calling webhook "mcluster.cnpg.io": dial tcp 10.96.178.153:443: connect: connection refused"#
    )]
    #[case(
        r#"Internal error occurred: failed calling webhook "vpooler.cnpg.io": failed to call webhook: Post "https://cnpg-webhook-service.cnpg-system.svc:443/validate-postgresql-cnpg-io-v1-pooler?timeout=10s": dial tcp 10.96.218.132:443: connect: connection refused"#,
        r#"CloudNativePG's operator does not answer: failed calling webhook "vpooler.cnpg.io": dial tcp 10.96.218.132:443: connect: connection refused"#
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
