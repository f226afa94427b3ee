//! What is installed of the webhook: its configurations, the authority in them, and where the API
//! server finds it. Whether it answers, and as it should, is another matter.

use daap_crds::contract::platform;
use daap_crds::object::View;
use jiff::Timestamp;
use serde_json::Value;

use super::authority::{Authority, judge};
use super::finding::Finding;
use crate::commands::version::image_tag;
use crate::kubernetes::{Kind, Kubernetes};

pub(super) const CONFIGURATION: &str = "webhook-configuration";
const CERTIFICATE: &str = "webhook-certificate";
const ENDPOINT: &str = "webhook-endpoint";
/// Label of an `EndpointSlice`: the Service that it belongs to.
const SERVICE: &str = "kubernetes.io/service-name";
const INSTALL: &str = "apply daap's manifests: docs/installation.md";

pub(super) async fn check(k8s: &Kubernetes) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for kind in [Kind::MutatingWebhook, Kind::ValidatingWebhook] {
        match k8s.get(kind, platform::WEBHOOK).await {
            Ok(Some(found)) => {
                findings.push(configuration(kind, &found));
                seen.push(found);
            }
            Ok(None) => findings.push(Finding::failed(
                CONFIGURATION,
                format!(
                    "there is no {kind} \"{}\": what it holds is held by nobody",
                    platform::WEBHOOK
                ),
                INSTALL,
            )),
            Err(failure) => findings.push(Finding::of_failure(CONFIGURATION, &failure)),
        }
    }
    findings.extend(certificate(&seen));
    // Without a configuration nobody asks it.
    if let Some(known) = seen.first() {
        match service(known) {
            Some((namespace, name)) => {
                findings.push(endpoint(k8s, namespace, name).await);
            }
            None => findings.push(Finding::passed(
                ENDPOINT,
                format!("at {}", url(known).unwrap_or("an unknown address")),
            )),
        }
    }
    findings
}

fn webhooks(configuration: &Value) -> impl Iterator<Item = View<'_>> {
    let webhooks = configuration.pointer("/webhooks").and_then(Value::as_array);
    webhooks.into_iter().flatten().map(View)
}

/// A webhook that is passed by when it does not answer holds nothing.
fn configuration(kind: Kind, found: &Value) -> Finding {
    let ours = |webhook: &View<'_>| {
        let name = webhook.text("/name").unwrap_or_default();
        ["mutate.", "validate."]
            .iter()
            .any(|half| name.strip_prefix(half) == Some(platform::WEBHOOK))
    };
    let named: Vec<&str> = webhooks(found)
        .filter_map(|one| one.text("/name"))
        .collect();
    let Some(main) = webhooks(found).find(ours) else {
        return Finding::failed(
            CONFIGURATION,
            format!(
                "{kind} \"{}\" does not cover Clusters and Poolers",
                platform::WEBHOOK
            ),
            INSTALL,
        );
    };
    if main.text("/failurePolicy") != Some("Fail") {
        return Finding::failed(
            CONFIGURATION,
            format!(
                "{kind} \"{}\": {} has failurePolicy {}: while it does not answer, everything passes",
                platform::WEBHOOK,
                main.text("/name").unwrap_or_default(),
                main.text("/failurePolicy").unwrap_or("unset")
            ),
            INSTALL,
        );
    }
    Finding::passed(
        CONFIGURATION,
        format!("{kind} \"{}\": {}", platform::WEBHOOK, named.join(", ")),
    )
}

/// The worst of the authorities; nothing where no configuration could be seen.
fn certificate(configurations: &[Value]) -> Option<Finding> {
    let now = Timestamp::now();
    let remedy = format!(
        "see the log of the webhook (kubectl logs -n {0} deployment/daap-webhook), or of cert-manager's cainjector, whichever writes caBundle",
        platform::NAMESPACE
    );
    let mut good = None;
    for webhook in configurations.iter().flat_map(webhooks) {
        let name = webhook.text("/name").unwrap_or_default();
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        let problem = match judge(webhook.text("/clientConfig/caBundle"), now) {
            Authority::Holds(until) => {
                good = good.min(Some(until)).or(Some(until));
                continue;
            }
            Authority::EndsSoon(until) => {
                return Some(Finding::warning(
                    CERTIFICATE,
                    format!("the authority of {name} ends on {}", day(until)),
                    remedy,
                ));
            }
            Authority::Ended(until) => format!("the authority of {name} ended on {}", day(until)),
            Authority::NotYet(from) => format!("the authority of {name} begins on {}", day(from)),
            Authority::Missing => {
                format!("{name} has no caBundle: the API server knows no authority for it")
            }
            Authority::Unreadable(error) => {
                format!("the caBundle of {name} is no certificate: {error}")
            }
        };
        return Some(Finding::failed(CERTIFICATE, problem, remedy));
    }
    let until = good?;
    Some(Finding::passed(
        CERTIFICATE,
        format!(
            "the authority in caBundle is good until {}",
            until.strftime("%Y-%m-%d")
        ),
    ))
}

/// Namespace and name of the Service.
fn service(configuration: &Value) -> Option<(&str, &str)> {
    webhooks(configuration).find_map(|webhook| {
        let namespace = webhook.text("/clientConfig/service/namespace")?;
        Some((namespace, webhook.text("/clientConfig/service/name")?))
    })
}

fn url(configuration: &Value) -> Option<&str> {
    webhooks(configuration).find_map(|webhook| webhook.text("/clientConfig/url"))
}

async fn endpoint(k8s: &Kubernetes, namespace: &str, name: &str) -> Finding {
    let there = k8s.in_namespace(namespace);
    let slices = match there
        .list(Kind::EndpointSlice, &format!("{SERVICE}={name}"))
        .await
    {
        Ok(slices) => slices,
        Err(failure) => return Finding::of_failure(ENDPOINT, &failure),
    };
    let is_ready = |endpoint: &&Value| {
        // Not saying so means ready.
        endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false))
    };
    let endpoints = { slices.iter() }
        .filter_map(|slice| slice.pointer("/endpoints")?.as_array())
        .flatten();
    let ready = endpoints.filter(is_ready).count();
    if ready == 0 {
        return Finding::failed(
            ENDPOINT,
            format!(
                "no pod behind Service {namespace}/{name} is ready: every write of a database is refused"
            ),
            format!(
                "look at them: kubectl get pods -n {namespace}; kubectl logs -n {namespace} deployment/{name}"
            ),
        );
    }
    // Which version it is, is good to know, and nobody's failure.
    let version = match there.get(Kind::Deployment, name).await {
        Ok(Some(deployment)) => image_tag(View(&deployment))
            .map_or_else(String::new, |tag| format!("daap-webhook {tag}, ")),
        _ => String::new(),
    };
    Finding::passed(
        ENDPOINT,
        format!("{version}{ready} ready behind Service {namespace}/{name}"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::finding::Outcome;
    use super::*;

    #[test]
    fn what_is_passed_by_holds_nothing() {
        let with = |name: &str, policy: &str| {
            let found = json!({"webhooks": [{"name": name, "failurePolicy": policy}]});
            configuration(Kind::ValidatingWebhook, &found).outcome
        };
        assert_eq!(with("validate.admission.daap.dev", "Fail"), Outcome::Passed);
        assert_eq!(
            with("validate.admission.daap.dev", "Ignore"),
            Outcome::Failed
        );
        assert_eq!(with("other", "Fail"), Outcome::Failed);
    }

    #[test]
    fn an_authority_that_is_missing_is_told() {
        let found =
            json!({"webhooks": [{"name": "validate.admission.daap.dev", "clientConfig": {}}]});
        let finding = certificate(&[found]).unwrap();
        assert_eq!(finding.outcome, Outcome::Failed);
        assert!(
            finding.message.contains("no caBundle"),
            "{}",
            finding.message
        );
        assert_eq!(certificate(&[]), None);
    }
}
