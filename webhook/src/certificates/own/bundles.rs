//! The `caBundle` of every webhook in both configurations: read, and patched where it lacks a CA.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use json_patch::Patch as JsonPatch;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use rustls_pki_types::CertificateDer;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{CONFIGURATION, conflicts, stored};
use crate::certificates::validity;

/// Times that a configuration is read again because it changed meanwhile.
const ATTEMPTS: usize = 5;

/// A list of webhooks.
pub(super) trait Configuration:
    Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug
{
    /// Name and client of each webhook.
    fn clients(&self) -> Vec<(&str, &WebhookClientConfig)>;
}

impl Configuration for MutatingWebhookConfiguration {
    fn clients(&self) -> Vec<(&str, &WebhookClientConfig)> {
        let webhooks = self.webhooks.iter().flatten();
        webhooks
            .map(|webhook| (webhook.name.as_str(), &webhook.client_config))
            .collect()
    }
}

impl Configuration for ValidatingWebhookConfiguration {
    fn clients(&self) -> Vec<(&str, &WebhookClientConfig)> {
        let webhooks = self.webhooks.iter().flatten();
        webhooks
            .map(|webhook| (webhook.name.as_str(), &webhook.client_config))
            .collect()
    }
}

/// What a configuration carries: a bundle for each of its webhooks.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    /// Kind of the configuration.
    pub(super) kind: String,
    pub(super) bundles: Vec<Vec<CertificateDer<'static>>>,
}

impl Carried {
    fn of<K: Configuration>(found: &K) -> Self {
        let bundles = found
            .clients()
            .into_iter()
            .map(|(_, client)| bundle(client));
        Self {
            kind: K::kind(&()).into_owned(),
            bundles: bundles.collect(),
        }
    }

    /// Whether every webhook trusts it; a configuration without webhooks asks nobody.
    pub(super) fn carries(&self, certificate: &CertificateDer<'static>) -> bool {
        self.bundles
            .iter()
            .all(|bundle| bundle.contains(certificate))
    }
}

fn bundle(client: &WebhookClientConfig) -> Vec<CertificateDer<'static>> {
    let pem = client.ca_bundle.as_ref();
    pem.map(|pem| stored::certificates(&pem.0))
        .unwrap_or_default()
}

/// What one configuration carries; None where there is none.
pub(super) async fn read<K: Configuration>(
    client: &Client,
) -> Result<Option<Carried>, kube::Error> {
    let api: Api<K> = Api::all(client.clone());
    Ok(api.get_opt(CONFIGURATION).await?.as_ref().map(Carried::of))
}

/// Makes one configuration carry every CA that is trusted, and returns what it carries then.
///
/// Whoever holds the Lease knows the Secret best, and also removes what is trusted no more
/// (`exact`). Everybody else only adds: what he read of the Secret may be older than the bundle.
pub(super) async fn publish<K: Configuration>(
    client: &Client,
    trusted: &[CertificateDer<'static>],
    exact: bool,
) -> Result<Option<Carried>, kube::Error> {
    let api: Api<K> = Api::all(client.clone());
    let mut attempts = 0;
    loop {
        let Some(found) = api.get_opt(CONFIGURATION).await? else {
            return Ok(None);
        };
        let Some(patch) = patch(&found, trusted, exact) else {
            return Ok(Some(Carried::of(&found)));
        };
        attempts += 1;
        let patch = Patch::Json::<()>(patch);
        match api
            .patch(CONFIGURATION, &PatchParams::default(), &patch)
            .await
        {
            Ok(patched) => {
                tracing::info!(configuration = %K::kind(&()), "caBundle published");
                return Ok(Some(Carried::of(&patched)));
            }
            // Somebody else wrote it meanwhile.
            Err(error) if conflicts(&error) && attempts < ATTEMPTS => {}
            Err(error) => return Err(error),
        }
    }
}

/// Nothing but `caBundle` is written, and only where the list is still the one that was read.
fn patch<K: Configuration>(
    found: &K,
    trusted: &[CertificateDer<'static>],
    exact: bool,
) -> Option<JsonPatch> {
    let mut operations = Vec::new();
    for (index, (name, client)) in found.clients().into_iter().enumerate() {
        let carried = bundle(client);
        let Some(wanted) = wanted(&carried, trusted, exact) else {
            continue;
        };
        let encoded = BASE64_STANDARD.encode(stored::pem(&wanted));
        let webhook = format!("/webhooks/{index}");
        operations.push(json!({"op": "test", "path": format!("{webhook}/name"), "value": name}));
        operations.push(
            json!({"op": "add", "path": format!("{webhook}/clientConfig/caBundle"), "value": encoded}),
        );
    }
    if operations.is_empty() {
        return None;
    }
    let version = found.resource_version();
    operations.insert(
        0,
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
    );
    serde_json::from_value(operations.into()).ok()
}

/// What a bundle has to be, where it is not that already.
fn wanted(
    carried: &[CertificateDer<'static>],
    trusted: &[CertificateDer<'static>],
    exact: bool,
) -> Option<Vec<CertificateDer<'static>>> {
    let lacks = trusted.iter().any(|one| !carried.contains(one));
    let known: BTreeSet<&[u8]> = trusted.iter().map(AsRef::as_ref).collect();
    let other = |one: &&CertificateDer<'static>| !known.contains(one.as_ref());
    let others = carried.iter().filter(other);
    if exact {
        let same = !lacks && others.count() == 0;
        return (!same).then(|| trusted.to_vec());
    }
    let now = Timestamp::now();
    let alive = |one: &&CertificateDer<'static>| {
        validity::of(one).is_some_and(|validity| validity.holds(now))
    };
    lacks.then(|| {
        trusted
            .iter()
            .chain(others.filter(alive))
            .cloned()
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::authority::Authority;
    use super::*;

    fn certificate() -> CertificateDer<'static> {
        let authority = Authority::new(Timestamp::now(), Duration::from_hours(1));
        authority.unwrap().certificate
    }

    #[test]
    fn whoever_holds_the_lease_writes_what_is_trusted_and_nothing_else() {
        let (old, new) = (certificate(), certificate());
        let trusted = [new.clone()];
        let both = [old.clone(), new.clone()];
        assert_eq!(wanted(&both, &trusted, true), Some(trusted.to_vec()));
        assert_eq!(wanted(&trusted, &trusted, true), None);
        assert_eq!(wanted(&[], &trusted, true), Some(trusted.to_vec()));
    }

    #[test]
    fn everybody_else_only_adds() {
        let (old, new) = (certificate(), certificate());
        let both = [new.clone(), old.clone()];
        assert_eq!(wanted(&both, std::slice::from_ref(&old), false), None);
        assert_eq!(wanted(&[old], &[new], false), Some(both.to_vec()));
        let ended = Authority::new(Timestamp::UNIX_EPOCH, Duration::from_hours(1));
        let (ended, new) = (ended.unwrap().certificate, certificate());
        assert_eq!(
            wanted(&[ended], std::slice::from_ref(&new), false),
            Some(vec![new])
        );
    }

    #[test]
    fn only_bundles_are_patched_and_only_where_the_list_is_as_it_was() {
        let webhook = |name: &str| {
            json!({
                "name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": {"service": {"name": "s", "namespace": "n"}},
            })
        };
        let found: ValidatingWebhookConfiguration = serde_json::from_value(json!({
            "metadata": {"name": CONFIGURATION, "resourceVersion": "7"},
            "webhooks": [webhook("a"), webhook("b")],
        }))
        .unwrap();
        let patch = serde_json::to_value(patch(&found, &[certificate()], true)).unwrap();
        let paths: Vec<_> = patch
            .as_array()
            .unwrap()
            .iter()
            .map(|operation| {
                format!(
                    "{} {}",
                    operation["op"].as_str().unwrap(),
                    operation["path"].as_str().unwrap()
                )
            })
            .collect();
        assert_eq!(
            paths,
            [
                "test /metadata/resourceVersion",
                "test /webhooks/0/name",
                "add /webhooks/0/clientConfig/caBundle",
                "test /webhooks/1/name",
                "add /webhooks/1/clientConfig/caBundle",
            ]
        );
    }
}
