//! Looks at Secret, Lease and configurations again and again, and does what is due.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use rustls_pki_types::CertificateDer;

use super::authority::AuthorityError;
use super::bundles::{self, Carried};
use super::lease::Claim;
use super::lifetimes::Lifetimes;
use super::memory::Memory;
use super::stages::{self, Stage};
use super::stored::Stored;
use super::{NAME, conflicts, labels};
use crate::certificates::Certificates;
use crate::metrics::Metrics;
use crate::readiness::{Bundle, Trust, Unready};

/// Below the longest poll twice: an API server that does not answer is asked again.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// Until there is a leaf, nothing is served: the first look at what another replica made is soon.
const FIRST_POLL: Duration = Duration::from_millis(200);

/// Whose certificates, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) namespace: String,
    /// Names (or addresses) that the leaf is for; the first is what readiness asks for.
    pub(crate) names: Vec<String>,
    /// Of this replica, on the Lease.
    pub(crate) identity: String,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) lease: Duration,
}

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("{0}: {1}")]
    Api(&'static str, #[source] Box<kube::Error>),
    #[error("{0}: no answer within {seconds} s", seconds = CALL_LIMIT.as_secs())]
    TimedOut(&'static str),
    #[error("{0}")]
    Authority(#[from] AuthorityError),
}

/// What both configurations carry, as they were seen last: a list, or the one that is not there.
type Seen = Result<Vec<Carried>, Unready>;

/// Keeps Secret, bundles and leaf as they have to be.
pub(crate) struct Keeper {
    client: Client,
    settings: Settings,
    certificates: Arc<Certificates>,
    metrics: Arc<Metrics>,
    seen: Mutex<Seen>,
}

impl Keeper {
    pub(crate) fn new(
        client: Client,
        settings: Settings,
        certificates: Arc<Certificates>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            client,
            settings,
            certificates,
            metrics,
            seen: Mutex::new(Err(Unready::NoCertificate)),
        }
    }

    /// What a client asks for.
    pub(crate) fn name(&self) -> String {
        let first = self.settings.names.first();
        first.cloned().unwrap_or_default()
    }

    /// For ever, until `ending` resolves; then the Lease is given back.
    pub(crate) async fn keep(&self, ending: impl Future<Output = ()>) {
        let Settings {
            namespace,
            identity,
            lease,
            lifetimes,
            ..
        } = &self.settings;
        let api = Api::namespaced(self.client.clone(), namespace);
        let mut memory = Memory::new(Claim::new(api, identity.clone(), *lease));
        let looks = async {
            loop {
                let looked = self.look(&mut memory).await;
                self.say(&mut memory, looked);
                let pause = match &memory.signed {
                    Some(_) => lifetimes.poll(),
                    None => FIRST_POLL,
                };
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = looks => {}
            () = ending => {}
        }
        if let Err(error) = within("the Lease", memory.claim.release()).await {
            tracing::warn!(%error, "the Lease is not given back");
        }
    }

    /// One mistake is logged once, and counted at each look: a count that grows says that it lasts.
    fn say(&self, memory: &mut Memory, looked: Result<(), KeepError>) {
        let error = looked.err().map(|error| error.to_string());
        if let Some(error) = &error {
            self.metrics.certificate_failed();
            if memory.error.as_ref() != Some(error) {
                tracing::error!(error, "certificates cannot be kept: what is served stays");
            }
        }
        memory.error = error;
    }

    async fn look(&self, memory: &mut Memory) -> Result<(), KeepError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.settings.namespace);
        let secret = within("the Secret", secrets.get_opt(NAME)).await?;
        let holds = within("the Lease", memory.claim.hold()).await?;
        let stored = secret.as_ref().and_then(read);
        let stored = if holds {
            let stage = self.stage(memory, stored.as_ref()).await?;
            match stage {
                Some(stage) => match self.write(&secrets, secret, stage).await? {
                    Some(written) => Some(written),
                    // Somebody else wrote the Secret: look again.
                    None => return Ok(()),
                },
                None => stored,
            }
        } else {
            stored
        };
        let Some(stored) = stored else {
            self.see(self.read().await?);
            return Ok(());
        };
        let carried = self.publish(&stored, holds).await?;
        memory.notice(&stored, carried.as_ref().ok());
        self.see(carried);
        self.sign(memory, &stored)
    }

    async fn stage(
        &self,
        memory: &Memory,
        stored: Option<&Stored>,
    ) -> Result<Option<Stage>, KeepError> {
        let lifetimes = &self.settings.lifetimes;
        let now = Timestamp::now();
        let seen = self.read().await?;
        let Some(stored) = stored else {
            let known = memory.signed.as_ref().map(|(authority, _)| authority);
            let carried = seen.into_iter().flatten().flat_map(|one| one.bundles);
            let mut others = Vec::new();
            for other in carried.flatten() {
                if !others.contains(&other) {
                    others.push(other);
                }
            }
            return Ok(Some(stages::begin(known, others, now, lifetimes)?));
        };
        let carried = |certificate: &CertificateDer<'static>| {
            let seen = seen.as_ref().ok();
            seen.is_some_and(|seen| seen.iter().all(|one| one.carries(certificate)))
        };
        Ok(stages::advance(stored, now, carried, lifetimes)?)
    }

    /// None where somebody else wrote it meanwhile.
    async fn write(
        &self,
        secrets: &Api<Secret>,
        found: Option<Secret>,
        stage: Stage,
    ) -> Result<Option<Stored>, KeepError> {
        let Stage { stored, why } = stage;
        let params = PostParams::default();
        let written = if let Some(mut secret) = found {
            secret.data = Some(stored.write());
            within("the Secret", secrets.replace(NAME, &params, &secret)).await
        } else {
            let secret = Secret {
                metadata: ObjectMeta {
                    name: Some(NAME.into()),
                    labels: Some(labels()),
                    ..ObjectMeta::default()
                },
                data: Some(stored.write()),
                ..Secret::default()
            };
            within("the Secret", secrets.create(&params, &secret)).await
        };
        match written {
            Ok(_) => {
                tracing::info!(stage = why, "certificate authority");
                Ok(Some(stored))
            }
            Err(KeepError::Api(_, error)) if conflicts(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self) -> Result<Seen, KeepError> {
        let (mutating, validating) = futures::try_join!(
            within(
                "the MutatingWebhookConfiguration",
                bundles::read::<MutatingWebhookConfiguration>(&self.client)
            ),
            within(
                "the ValidatingWebhookConfiguration",
                bundles::read::<ValidatingWebhookConfiguration>(&self.client)
            ),
        )?;
        Ok(both(mutating, validating))
    }

    async fn publish(&self, stored: &Stored, exact: bool) -> Result<Seen, KeepError> {
        let trusted = stored.trusted();
        let (mutating, validating) = futures::try_join!(
            within(
                "the MutatingWebhookConfiguration",
                bundles::publish::<MutatingWebhookConfiguration>(&self.client, &trusted, exact)
            ),
            within(
                "the ValidatingWebhookConfiguration",
                bundles::publish::<ValidatingWebhookConfiguration>(&self.client, &trusted, exact)
            ),
        )?;
        Ok(both(mutating, validating))
    }

    fn see(&self, seen: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
    }

    /// Serves a leaf of the current CA, where it is time for one.
    fn sign(&self, memory: &mut Memory, stored: &Stored) -> Result<(), KeepError> {
        let now = Timestamp::now();
        let Settings {
            names, lifetimes, ..
        } = &self.settings;
        self.metrics.certified("ca", stored.current.validity);
        if memory.is_due(&stored.current, now, lifetimes) {
            let leaf = stored.current.sign(names, now, lifetimes.leaf)?;
            self.metrics.certificate_changed();
            self.certificates.serve(leaf.certified);
            if let Some(validity) = self.certificates.validity() {
                self.metrics.certified("leaf", validity);
            }
            tracing::info!(until = %leaf.until, "serving a new certificate");
            memory.signed = Some((Arc::clone(&stored.current), leaf.until));
        }
        Ok(())
    }
}

impl Trust for Keeper {
    fn bundles(&self) -> Result<Vec<Bundle>, Unready> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = seen.as_ref().map_err(Clone::clone)?;
        let mut bundles: Vec<Bundle> = Vec::new();
        for one in seen {
            for bundle in &one.bundles {
                let known = bundles.iter().any(|(_, known)| known == bundle);
                if bundle.is_empty() {
                    return Err(Unready::Unpublished(one.kind.clone()));
                }
                if !known {
                    bundles.push((one.kind.clone(), bundle.clone()));
                }
            }
        }
        if bundles.is_empty() {
            return Err(Unready::Unpublished("no webhook".into()));
        }
        Ok(bundles)
    }
}

fn both(mutating: Option<Carried>, validating: Option<Carried>) -> Seen {
    let unpublished = |kind: &str| Unready::Unpublished(kind.to_owned());
    Ok(vec![
        mutating.ok_or_else(|| unpublished("MutatingWebhookConfiguration"))?,
        validating.ok_or_else(|| unpublished("ValidatingWebhookConfiguration"))?,
    ])
}

/// None where nobody can sign with it.
fn read(secret: &Secret) -> Option<Stored> {
    match Stored::read(secret.data.as_ref()?) {
        Ok(stored) => Some(stored),
        Err(error) => {
            tracing::warn!(%error, "the Secret with the CA cannot be used");
            None
        }
    }
}

async fn within<T>(
    what: &'static str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, KeepError> {
    match tokio::time::timeout(CALL_LIMIT, call).await {
        Ok(answer) => answer.map_err(|error| KeepError::Api(what, Box::new(error))),
        Err(_) => Err(KeepError::TimedOut(what)),
    }
}
